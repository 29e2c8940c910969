//! Artifact Registry v1: repositories, and the images that were pushed or seeded.

use serde_json::{Value, json};

use crate::embedded::google::context::{Cx, after, stamp};
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation::{self, LongRunning};
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{Effect, set, text};
use crate::embedded::google::{crud, policy};

const SERVICE: &str = "artifactregistry";

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let ["v1", "projects", project, "locations", location, ref rest @ ..] = path[..] else { return None };
    let parent = format!("projects/{project}/locations/{location}");
    let name = |id: &str| format!("{parent}/repositories/{id}");
    let result = match (call.method.as_str(), rest) {
        ("GET", ["operations", id]) => operation::read(cx, &format!("{SERVICE}/{parent}/operations/{id}")),
        ("GET", ["repositories"]) => {
            crud::list(cx, SERVICE, &format!("{parent}/repositories"), "repositories")
        }
        ("POST", ["repositories"]) => create(cx, &parent, location),
        ("GET", ["repositories", id]) => fetch(cx, &name(id)),
        ("PATCH", ["repositories", id]) => patch(cx, &name(id)),
        ("DELETE", ["repositories", id]) => delete(cx, &parent, &name(id)),
        ("GET", ["repositories", id, ":getIamPolicy"]) => {
            fetch(cx, &name(id)).map(|_| policy::get(cx, &format!("{SERVICE}/{}", name(id))))
        }
        ("POST", ["repositories", id, ":setIamPolicy"]) => fetch(cx, &name(id))
            .and_then(|_| cx.call.json())
            .and_then(|body| policy::set(cx, &format!("{SERVICE}/{}", name(id)), &body)),
        ("POST", ["repositories", _, ":testIamPermissions"]) => {
            cx.call.json().map(|body| policy::test(&body))
        }
        ("GET", ["repositories", id, "dockerImages"]) => fetch(cx, &name(id))
            .and_then(|_| crud::list(cx, SERVICE, &format!("{}/dockerImages", name(id)), "dockerImages")),
        // The digest's colon looks like a verb's.
        ("GET", ["repositories", id, "dockerImages", image @ ..]) => {
            let image = image.concat().replace('/', "%2F");
            crud::fetch(cx, SERVICE, &format!("{}/dockerImages/{image}", name(id)))
        }
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

fn fetch(cx: &Cx, name: &str) -> Result<Value, ApiError> {
    crud::fetch(cx, SERVICE, name)
        .map_err(|_| ApiError::not_found(format!("Repository \"{name}\" not found.")))
}

fn create(cx: &mut Cx, parent: &str, location: &str) -> Result<Value, ApiError> {
    let id = cx.call.required("repositoryId")?.to_owned();
    let name = format!("{parent}/repositories/{id}");
    let mut repository = cx.call.json()?;
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if id.len() > 63 || !id.chars().all(plain) || !id.starts_with(|letter: char| letter.is_ascii_lowercase())
    {
        return Err(ApiError::invalid(format!("Invalid repository ID \"{id}\".")));
    }
    if ["", "FORMAT_UNSPECIFIED"].contains(&text(&repository, "format")) {
        return Err(ApiError::invalid("Repository format must be specified."));
    }
    let pending = format!("{SERVICE}/{parent}/pending/{id}");
    let making = cx.world.get(&pending).is_some();
    if making || cx.world.get(&format!("{SERVICE}/{name}")).is_some() {
        return Err(ApiError::already_exists("the repository already exists"));
    }
    if repository.get("mode").is_none() {
        repository["mode"] = json!("STANDARD_REPOSITORY");
    }
    let takes = cx.site.delays.operation;
    let made = stamp(after(cx.now, takes));
    set(
        &mut repository,
        json!({"name": name, "createTime": made, "updateTime": made, "satisfiesPzi": true,
               "registryUri": format!("{location}-docker.pkg.dev/{}/{id}", cx.site.project)}),
    );
    cx.world.put(pending.clone(), json!({}));
    let effects = vec![Effect::Put(format!("{SERVICE}/{name}"), repository.clone()), Effect::Remove(pending)];
    Ok(started(cx, parent, &name, "create", repository, effects))
}

fn started(
    cx: &mut Cx,
    parent: &str,
    target: &str,
    verb: &str,
    mut response: Value,
    effects: Vec<Effect>,
) -> Value {
    let kind = if verb == "delete" { "protobuf.Empty" } else { "devtools.artifactregistry.v1.Repository" };
    response["@type"] = json!(format!("type.googleapis.com/google.{kind}"));
    let takes = cx.site.delays.operation;
    operation::long_running(
        cx,
        LongRunning { service: SERVICE, parent, target, verb, response, effects, takes },
    )
}

fn patch(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    let old = fetch(cx, name)?;
    let body = cx.call.json()?;
    for fixed in ["format", "kmsKeyName", "mode"] {
        let named = cx.call.query("updateMask").is_none_or(|mask| mask.contains(fixed));
        if named && body.get(fixed).is_some_and(|value| *value != old[fixed]) {
            return Err(ApiError::invalid(format!("Field {fixed} is immutable.")));
        }
    }
    crud::patch(cx, SERVICE, name, &body)
}

fn delete(cx: &mut Cx, parent: &str, name: &str) -> Result<Value, ApiError> {
    fetch(cx, name)?;
    let effects = vec![Effect::Remove(format!("{SERVICE}/{name}"))];
    Ok(started(cx, parent, name, "delete", json!({}), effects))
}
