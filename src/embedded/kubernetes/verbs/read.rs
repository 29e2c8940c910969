//! GET: one object, a list, the log of a pod.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::watch::Watch;
use super::{Answer, key};
use crate::embedded::kubernetes::controllers::job;
use crate::embedded::kubernetes::failure::Failure;
use crate::embedded::kubernetes::kinds::Kind;
use crate::embedded::kubernetes::request::{Request, Target};
use crate::embedded::kubernetes::selector::Selector;
use crate::embedded::kubernetes::store::World;

/// One object.
pub fn get(world: &World, target: &Target) -> Result<Answer, Failure> {
    let found = world.get(&key(target)).ok_or_else(|| Failure::not_found(target.kind, &target.name))?;
    Ok(Answer::json(200, found.clone()))
}

/// A list, or a watch of it.
pub fn list(world: &World, request: &Request, target: &Target) -> Result<Answer, Failure> {
    let query = &request.query;
    let selector = Selector::parse(query.get("labelSelector"), query.get("fieldSelector"))?;
    if query.is("watch") {
        return Watch::new(world, request, target, selector).map(|watch| Answer::Watch(Box::new(watch)));
    }
    let from = cursor(query.get("continue"))?;
    let version = from.as_ref().map_or(world.version(), |(version, _)| *version);
    let after = from.map(|(_, last)| last);
    let mut found = world
        .list(target.kind, &target.namespace)
        .filter(|(_, object)| selector.matches(object))
        .map(|(key, object)| (format!("{}/{}", key.namespace, key.name), object))
        .filter(|(place, _)| after.as_ref().is_none_or(|after| place > after))
        .peekable();
    let limit = query.get("limit").parse().ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let (mut items, mut last) = (Vec::new(), String::new());
    for (place, object) in found.by_ref().take(limit) {
        items.push(item(target.kind, object));
        last = place;
    }
    let mut metadata = json!({"resourceVersion": version.to_string()});
    let remaining = found.count();
    if remaining > 0 {
        metadata["continue"] = BASE64.encode(json!([version, last]).to_string()).into();
        metadata["remainingItemCount"] = remaining.into();
    }
    let list = json!({"kind": format!("{}List", target.kind.kind), "apiVersion": target.kind.api_version(),
        "metadata": metadata, "items": items});
    Ok(Answer::json(200, list))
}

/// Built-in kinds do not repeat their name in every item of a list.
fn item(kind: &Kind, object: &Value) -> Value {
    let mut object = object.clone();
    if let (false, Some(fields)) = (kind.custom, object.as_object_mut()) {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    object
}

fn cursor(token: &str) -> Result<Option<(u64, String)>, Failure> {
    if token.is_empty() {
        return Ok(None);
    }
    let decoded = BASE64.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    decoded
        .map(Some)
        .ok_or_else(|| Failure::bad_request("continue key is not valid: token could not be decoded"))
}

/// What a pod's containers printed.
pub fn log(world: &World, request: &Request, target: &Target) -> Result<Answer, Failure> {
    let pod = world.get(&key(target)).ok_or_else(|| Failure::not_found(target.kind, &target.name))?;
    let container = request.query.get("container");
    let known: Vec<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| pod["spec"][*list].as_array().into_iter().flatten())
        .filter_map(|container| container["name"].as_str())
        .collect();
    if !container.is_empty() && !known.contains(&container) {
        let why = format!("container {container} is not valid for pod {}", target.name);
        return Err(Failure::bad_request(why));
    }
    let text = job::printed(world, pod);
    let lines: Vec<&str> = text.lines().collect();
    let tail = request.query.get("tailLines").parse().unwrap_or(lines.len());
    let shown = lines.get(lines.len().saturating_sub(tail)..).unwrap_or_default();
    Ok(Answer::Text(200, shown.iter().map(|line| format!("{line}\n")).collect()))
}
