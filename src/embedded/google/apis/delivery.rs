//! Cloud Build v1 and Cloud Deploy v1, as far as the reconciler reads them: builds, releases, rollouts. They are
//! seeded, as triggers and people would make them.

use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::{crud, list};

/// Cloud Build's name.
pub const BUILD: &str = "cloudbuild";
/// Cloud Deploy's name.
pub const DEPLOY: &str = "clouddeploy";

/// Answers a call to Cloud Build, or nothing for a path that it does not have.
pub fn build(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let ["v1", "projects", project, "locations", location, "builds", ref rest @ ..] = path[..] else {
        return None;
    };
    let collection = format!("projects/{project}/locations/{location}/builds");
    let result = match (call.method.as_str(), rest) {
        ("GET", [id]) => crud::fetch(cx, BUILD, &format!("{collection}/{id}")),
        ("GET", []) => builds(cx, &collection),
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

/// The builds, newest first. The filter knows the trigger as `trigger_id`, the build as `buildTriggerId`.
fn builds(cx: &Cx, collection: &str) -> Result<Value, ApiError> {
    let mut builds = crud::all(cx, BUILD, collection);
    builds.sort_by(|one, other| other["createTime"].as_str().cmp(&one["createTime"].as_str()));
    for build in &mut builds {
        build["triggerId"] = build["buildTriggerId"].clone();
    }
    let mut page = list::page(cx.call, "builds", builds)?;
    for build in page["builds"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        build.remove("triggerId");
    }
    if page["builds"].is_null() { Ok(json!({})) } else { Ok(page) }
}

/// Answers a call to Cloud Deploy, or nothing for a path that it does not have.
pub fn deploy(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let [
        "v1",
        "projects",
        project,
        "locations",
        location,
        "deliveryPipelines",
        pipeline,
        "releases",
        ref rest @ ..,
    ] = path[..]
    else {
        return None;
    };
    let parent = format!("projects/{project}/locations/{location}/deliveryPipelines/{pipeline}");
    let result = match (call.method.as_str(), rest) {
        ("GET", [release]) => crud::fetch(cx, DEPLOY, &format!("{parent}/releases/{release}")),
        ("GET", [release, "rollouts"]) => rollouts(cx, &parent, release),
        ("GET", [release, "rollouts", id]) => {
            crud::fetch(cx, DEPLOY, &format!("{parent}/releases/{release}/rollouts/{id}"))
        }
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

/// The rollouts of a release; `-` stands for all of them.
fn rollouts(cx: &Cx, parent: &str, release: &str) -> Result<Value, ApiError> {
    crud::fetch(cx, DEPLOY, parent)?;
    let start = format!("{DEPLOY}/{parent}/releases/");
    let of = |key: &str| {
        let rest: Vec<&str> = key[start.len()..].split('/').collect();
        matches!(rest[..], [name, "rollouts", _] if release == "-" || release == name)
    };
    let found = cx.world.below(&start).filter(|(key, _)| of(key)).map(|(_, body)| body.clone()).collect();
    list::page(cx.call, "rollouts", found)
}
