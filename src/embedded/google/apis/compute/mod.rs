//! Compute Engine v1: addresses, firewalls, disks, instances, policies, and what the network looks like.
//!
//! All collections share one life: `insert`, `get`, `list`, `patch`, `delete`, `setLabels`. What is
//! particular to a kind is in its own file.

mod addresses;
mod aggregate;
mod guest;
mod instances;
mod kinds;
mod labels;
mod security_policies;
mod writes;

use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::list;
use crate::embedded::google::operation::{self, COMPUTE_LINK};
use crate::embedded::google::reply::{Answer, Reply};

/// First part of the store's keys.
pub const SERVICE: &str = "compute";

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let ["compute", "v1", "projects", project, ref rest @ ..] = path[..] else { return None };
    if project != cx.site.project && project != cx.site.number {
        return Some(Err(not_found(&format!("projects/{project}"))));
    }
    let root = format!("projects/{}", cx.site.project);
    let result = match rest {
        [] if call.method == "GET" => Ok(project_document(cx)),
        ["aggregated", collection] if call.method == "GET" => aggregate::list(cx, &root, collection),
        [kind @ ("zones" | "regions")] if call.method == "GET" => places(cx, &root, kind),
        [kind @ ("zones" | "regions"), name] if call.method == "GET" => {
            fetch(cx, &format!("{root}/{kind}/{name}"))
        }
        ["global", collection, rest @ ..] => in_scope(cx, &format!("{root}/global"), collection, rest)?,
        [kind @ ("zones" | "regions"), place, collection, rest @ ..] => {
            in_scope(cx, &format!("{root}/{kind}/{place}"), collection, rest)?
        }
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

fn in_scope(cx: &mut Cx, scope: &str, collection: &str, rest: &[&str]) -> Option<Result<Value, ApiError>> {
    if collection == "operations" {
        return operations(cx, scope, rest);
    }
    let kind = kinds::find(collection, scope)?;
    let method = cx.call.method.as_str();
    let writes = method != "GET";
    if writes && let Some(repeated) = operation::repeated(cx, scope) {
        return Some(Ok(repeated));
    }
    let path = format!("{scope}/{collection}");
    Some(match (method, rest) {
        ("GET", []) => collect(cx, &path, kind),
        ("POST", []) => writes::insert(cx, &path, kind),
        ("GET", [name]) => fetch(cx, &format!("{path}/{name}")),
        ("PATCH" | "PUT", [name]) => writes::patch(cx, &format!("{path}/{name}"), kind, method == "PUT"),
        ("DELETE", [name]) => writes::delete(cx, &format!("{path}/{name}"), kind),
        ("POST", [name, "setLabels"]) => labels::set_labels(cx, &format!("{path}/{name}")),
        (_, [name, action]) => action_on(cx, &format!("{path}/{name}"), kind, action)?,
        _ => return None,
    })
}

fn action_on(cx: &mut Cx, target: &str, kind: &kinds::Kind, action: &str) -> Option<Result<Value, ApiError>> {
    match kind.collection {
        "instances" => instances::action(cx, target, action),
        "disks" => writes::disk_action(cx, target, action),
        "securityPolicies" => security_policies::action(cx, target, action),
        _ => None,
    }
}

fn operations(cx: &mut Cx, scope: &str, rest: &[&str]) -> Option<Result<Value, ApiError>> {
    let path = format!("{SERVICE}/{scope}/operations");
    Some(match (cx.call.method.as_str(), rest) {
        ("GET", []) => {
            let items = cx.world.children(&path).map(|(_, operation)| operation.clone()).collect();
            list::page(cx.call, "items", items)
        }
        // A wait may come back before the operation is done; so does this one.
        ("GET", [name]) | ("POST", [name, "wait"]) => operation::read(cx, &format!("{path}/{name}")),
        ("DELETE", [name]) => {
            cx.world.take(&format!("{path}/{name}"));
            Ok(json!({}))
        }
        _ => return None,
    })
}

/// The document at a path, or 404 as Compute says it.
pub fn fetch(cx: &Cx, path: &str) -> Result<Value, ApiError> {
    cx.world.get(&format!("{SERVICE}/{path}")).cloned().ok_or_else(|| not_found(path))
}

/// 404 as Compute says it.
pub fn not_found(path: &str) -> ApiError {
    ApiError::not_found(format!("The resource '{path}' was not found"))
}

fn collect(cx: &Cx, path: &str, kind: &kinds::Kind) -> Result<Value, ApiError> {
    let items =
        cx.world.children(&format!("{SERVICE}/{path}")).map(|(_, document)| document.clone()).collect();
    let mut answer = list::page(cx.call, "items", items)?;
    answer["kind"] = json!(format!("{}List", kind.kind));
    answer["selfLink"] = json!(format!("{COMPUTE_LINK}/{path}"));
    Ok(answer)
}

fn places(cx: &Cx, root: &str, kind: &str) -> Result<Value, ApiError> {
    let items =
        cx.world.children(&format!("{SERVICE}/{root}/{kind}")).map(|(_, place)| place.clone()).collect();
    let mut answer = list::page(cx.call, "items", items)?;
    answer["kind"] = json!(format!("compute#{}List", kind.trim_end_matches('s')));
    Ok(answer)
}

fn project_document(cx: &Cx) -> Value {
    let project = &cx.site.project;
    json!({
        "kind": "compute#project", "id": cx.site.number, "name": project,
        "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
        "defaultServiceAccount": format!("{}-compute@developer.gserviceaccount.com", cx.site.number),
        "defaultNetworkTier": "PREMIUM", "selfLink": format!("{COMPUTE_LINK}/projects/{project}"),
        "commonInstanceMetadata": {"kind": "compute#metadata", "fingerprint": "AAAAAAAAAAA="},
    })
}

/// `projects/p/…` out of a full link, a partial one, or a path already.
pub fn path_of(link: &str) -> &str {
    link.find("projects/").map_or(link, |at| &link[at..])
}
