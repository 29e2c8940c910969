//! GKE v1: the clusters that were seeded, read only.

use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::{crud, operation};

const SERVICE: &str = "container";

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    let ["v1", "projects", project, "locations", location, ref rest @ ..] = path[..] else { return None };
    let parent = format!("projects/{project}/locations/{location}");
    let result = match (method, rest) {
        ("GET", ["clusters"]) => {
            Ok(json!({"clusters": crud::all(cx, SERVICE, &format!("{parent}/clusters"))}))
        }
        ("GET", ["clusters", name]) => {
            let found = crud::fetch(cx, SERVICE, &format!("{parent}/clusters/{name}"));
            found.map_err(|mut error| {
                error.message = format!("Not found: {parent}/clusters/{name}.");
                error
            })
        }
        ("GET", ["operations"]) => {
            Ok(json!({"operations": crud::all(cx, SERVICE, &format!("{parent}/operations"))}))
        }
        ("GET", ["operations", id]) => operation::read(cx, &format!("{SERVICE}/{parent}/operations/{id}")),
        ("GET", ["serverConfig"]) => Ok(server_config()),
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

fn server_config() -> Value {
    json!({"defaultClusterVersion": "1.33.5-gke.1000000", "validMasterVersions": ["1.33.5-gke.1000000"],
           "defaultImageType": "COS_CONTAINERD", "validImageTypes": ["COS_CONTAINERD"]})
}
