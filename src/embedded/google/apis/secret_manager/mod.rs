//! Secret Manager v1: secrets; their versions are in `versions.rs`.

mod rotation;
mod versions;

pub use rotation::{next_due, ring_due};

use serde_json::{Value, json};

use super::pubsub;
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply, public};
use crate::embedded::google::store::{set, text};
use crate::embedded::google::{list, mask, policy};
use base64::{Engine, prelude::BASE64_STANDARD};

/// First part of the store's keys.
pub const SERVICE: &str = "secretmanager";

/// Most topics of a secret.
const MOST_TOPICS: usize = 10;

/// Answers a call, or nothing for a path the API does not have. Regional secrets live below
/// `projects/p/locations/l`.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let (parent, rest) = match &path[..] {
        ["v1", "projects", _, "secrets", rest @ ..] => (in_project(cx), rest),
        ["v1", "projects", _, "locations", location, "secrets", rest @ ..] => {
            (format!("{}/locations/{location}", in_project(cx)), rest)
        }
        _ => return None,
    };
    let name = |id: &str| format!("{parent}/secrets/{id}");
    let result = match (call.method.as_str(), rest) {
        ("GET", []) => secrets(cx, &parent),
        ("POST", []) => create(cx, &parent),
        ("GET", [id]) => fetch(cx, &name(id)),
        ("PATCH", [id]) => patch(cx, &name(id)),
        ("DELETE", [id]) => delete(cx, &name(id)),
        ("GET", [id, ":getIamPolicy"]) => {
            fetch(cx, &name(id)).map(|_| policy::get(cx, &format!("{SERVICE}/{}", name(id))))
        }
        ("POST", [id, ":setIamPolicy"]) => fetch(cx, &name(id))
            .and_then(|_| cx.call.json())
            .and_then(|body| policy::set(cx, &format!("{SERVICE}/{}", name(id)), &body)),
        ("POST", [_, ":testIamPermissions"]) => cx.call.json().map(|body| policy::test(&body)),
        ("POST", [id, ":addVersion"]) => versions::add(cx, &name(id)),
        (_, [id, "versions", rest @ ..]) => versions::route(cx, &name(id), rest)?,
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

/// Names carry the project's number, however it was asked for.
fn in_project(cx: &Cx) -> String {
    format!("projects/{}", cx.site.number)
}

/// The secret, or 404.
pub fn fetch(cx: &Cx, name: &str) -> Result<Value, ApiError> {
    let found = cx.world.get(&format!("{SERVICE}/{name}")).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("Secret [{name}] not found.")))
}

fn secrets(cx: &mut Cx, parent: &str) -> Result<Value, ApiError> {
    let all =
        cx.world.children(&format!("{SERVICE}/{parent}/secrets")).map(|(_, secret)| secret.clone()).collect();
    let mut answer = list::page(cx.call, "secrets", all)?;
    answer["totalSize"] = json!(answer["secrets"].as_array().map_or(0, Vec::len));
    Ok(answer)
}

fn create(cx: &mut Cx, parent: &str) -> Result<Value, ApiError> {
    let id = cx.call.required("secretId")?.to_owned();
    let name = format!("{parent}/secrets/{id}");
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if id.len() > 255 || !id.chars().all(plain) {
        return Err(ApiError::invalid(format!(
            "The provided Secret ID [{id}] does not match the expected format [[a-zA-Z_0-9]+]."
        )));
    }
    let mut secret = cx.call.json()?;
    if !parent.contains("/locations/") && secret.get("replication").is_none() {
        return Err(ApiError::invalid("The replication policy is missing."));
    }
    if cx.world.get(&format!("{SERVICE}/{name}")).is_some() {
        return Err(ApiError::already_exists(format!("Secret [{name}] already exists.")));
    }
    check(cx, &secret)?;
    rotation::check(cx, &secret["rotation"])?;
    let etag = quoted(cx);
    set(&mut secret, json!({"name": name, "createTime": cx.stamp(), "etag": etag}));
    cx.world.put(format!("{SERVICE}/{name}"), secret.clone());
    configured(cx, &secret);
    notify(cx, &secret, "SECRET_CREATE", None);
    Ok(secret)
}

/// Whether a version of a secret of the project's can be accessed.
pub fn is_readable(cx: &Cx, secret: &str, version: &str) -> bool {
    let id = secret.rsplit('/').next().unwrap_or_default();
    let key = format!("{SERVICE}/{}/secrets/{id}/versions/{version}", in_project(cx));
    cx.world.get(&key).is_some_and(|version| text(version, "state") == "ENABLED")
}

/// What is refused of a secret's topics.
fn check(cx: &Cx, secret: &Value) -> Result<(), ApiError> {
    let topics = secret["topics"].as_array().cloned().unwrap_or_default();
    if !secret["rotation"].is_null() && topics.is_empty() {
        return Err(ApiError::invalid("A secret with a rotation must have topics."));
    }
    if topics.len() > MOST_TOPICS {
        return Err(ApiError::invalid(format!("A secret can have at most {MOST_TOPICS} topics.")));
    }
    for topic in &topics {
        let name = text(topic, "name");
        let parts: Vec<&str> = name.split('/').collect();
        if !matches!(parts[..], ["projects", project, "topics", id] if !project.is_empty() && !id.is_empty())
        {
            return Err(ApiError::invalid(format!(
                "The topic [{name}] does not match the expected format [projects/*/topics/*]."
            )));
        }
        if cx.world.get(&format!("pubsub/{name}")).is_none() {
            return Err(ApiError::failed_precondition(format!(
                "The Secret Manager service agent could not publish to [{name}]."
            )));
        }
    }
    Ok(())
}

/// Etags of this API have quotes inside.
pub fn quoted(cx: &mut Cx) -> String {
    format!("\"{}\"", cx.world.next_etag())
}

/// 400 FAILED_PRECONDITION for an etag that is not the current one; none is fine.
pub fn check_etag(given: Option<&str>, current: &Value) -> Result<(), ApiError> {
    match given.filter(|etag| !etag.is_empty()) {
        Some(etag) if etag != text(current, "etag") => {
            let message =
                format!("Etag [{etag}] does not match the current etag [{}].", text(current, "etag"));
            Err(ApiError::failed_precondition(message))
        }
        _ => Ok(()),
    }
}

fn patch(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    let mut secret = fetch(cx, name)?;
    let body = cx.call.json()?;
    let update_mask = cx.call.required("updateMask")?.to_owned();
    check_etag(body["etag"].as_str(), &secret)?;
    if update_mask.split(',').any(|field| ["replication", "name", "createTime"].contains(&field)) {
        return Err(ApiError::invalid(format!("The update mask [{update_mask}] has immutable fields.")));
    }
    let topics = secret["topics"].clone();
    mask::update(&mut secret, &body, Some(&update_mask));
    check(cx, &secret)?;
    if update_mask.split(',').any(|field| field.starts_with("rotation")) {
        rotation::check(cx, &secret["rotation"])?;
    }
    let etag = quoted(cx);
    set(&mut secret, json!({"name": name, "etag": etag}));
    cx.world.put(format!("{SERVICE}/{name}"), secret.clone());
    if secret["topics"] != topics {
        configured(cx, &secret);
    }
    notify(cx, &secret, "SECRET_UPDATE", None);
    Ok(secret)
}

fn delete(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    let secret = fetch(cx, name)?;
    check_etag(cx.call.query("etag"), &secret)?;
    cx.world.remove_tree(&format!("{SERVICE}/{name}"));
    notify(cx, &secret, "SECRET_DELETE", None);
    Ok(json!({}))
}

/// The probe that setting topics publishes.
fn configured(cx: &mut Cx, secret: &Value) {
    for topic in secret["topics"].as_array().into_iter().flatten() {
        let message = json!({"data": "", "attributes": {"eventType": "TOPIC_CONFIGURED"}});
        pubsub::publish(cx, text(topic, "name"), message);
    }
}

/// Tells the secret's topics.
pub fn notify(cx: &mut Cx, secret: &Value, event: &str, version: Option<&Value>) {
    let data = BASE64_STANDARD.encode(public(version.unwrap_or(secret)).to_string());
    for topic in secret["topics"].as_array().into_iter().flatten() {
        let mut attributes = json!({"eventType": event, "dataFormat": "JSON_API_V1", "timestamp": cx.stamp(),
                                    "secretId": secret["name"]});
        if let Some(version) = version {
            attributes["versionId"] = version["name"].clone();
        }
        if event == "SECRET_DELETE" {
            attributes["deleteType"] = json!("REQUESTED");
        }
        pubsub::publish(cx, text(topic, "name"), json!({"data": data, "attributes": attributes}));
    }
}
