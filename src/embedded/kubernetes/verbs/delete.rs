//! DELETE: one object, or a collection.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, key};
use crate::embedded::kubernetes::controllers::garbage;
use crate::embedded::kubernetes::failure::Failure;
use crate::embedded::kubernetes::request::{Request, Target};
use crate::embedded::kubernetes::selector::Selector;
use crate::embedded::kubernetes::store::{Key, World, field, text, uid};

/// Deletes an object or, without a name, everything selected.
pub fn delete(
    world: &mut World,
    request: &Request,
    target: &Target,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let options: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let dry_run = request.query.get("dryRun") == "All"
        || options["dryRun"].as_array().is_some_and(|all| !all.is_empty());
    let policy = match request.query.get("propagationPolicy") {
        "" => options["propagationPolicy"].as_str().unwrap_or("Background").to_owned(),
        policy => policy.to_owned(),
    };
    if !target.name.is_empty() {
        let key = key(target);
        check(world, &key, &options)?;
        return remove(world, &key, dry_run, &policy, now);
    }
    let selector = Selector::parse(request.query.get("labelSelector"), request.query.get("fieldSelector"))?;
    let found = world.list(target.kind, &target.namespace).filter(|(_, object)| selector.matches(object));
    let found: Vec<(Key, Value)> = found.map(|(key, object)| (key.clone(), object.clone())).collect();
    for (key, _) in &found {
        remove(world, key, dry_run, &policy, now)?;
    }
    let items: Vec<Value> = found.into_iter().map(|(_, object)| object).collect();
    let list = json!({"kind": format!("{}List", target.kind.kind), "apiVersion": target.kind.api_version(),
        "metadata": {"resourceVersion": world.version().to_string()}, "items": items});
    Ok(Answer::json(200, list))
}

fn check(world: &World, key: &Key, options: &Value) -> Result<(), Failure> {
    let object = world.get(key).ok_or_else(|| Failure::not_found(key.kind(), &key.name))?;
    let conditions =
        [("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")];
    for (name, title, happened) in conditions {
        let wanted = options["preconditions"][name].as_str();
        let found = field(object, name);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            let why = format!(
                "the {title} in the precondition ({wanted}) does not match the {title} in record ({found}). The object \
                 might have been {happened}"
            );
            return Err(Failure::precondition(key.kind(), &key.name, &why));
        }
    }
    Ok(())
}

fn remove(
    world: &mut World,
    key: &Key,
    dry_run: bool,
    policy: &str,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let Some(object) = world.get(key).cloned() else { return Err(Failure::not_found(key.kind(), &key.name)) };
    let namespace = key.kind().kind == "Namespace";
    if namespace && matches!(key.name.as_str(), "default" | "kube-system" | "kube-public") {
        return Err(Failure::forbidden(key.kind(), &key.name, "this namespace may not be deleted"));
    }
    let held = namespace || object["metadata"]["finalizers"].as_array().is_some_and(|held| !held.is_empty());
    if held {
        let mut object = object;
        if field(&object, "deletionTimestamp").is_empty() {
            object["metadata"]["deletionTimestamp"] = text(now).into();
            if namespace {
                object["status"]["phase"] = "Terminating".into();
            } else {
                object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
                if let Some(generation) = object["metadata"]["generation"].as_i64() {
                    object["metadata"]["generation"] = (generation + 1).into();
                }
            }
            if !dry_run {
                object = world.put(key.clone(), object);
            }
        }
        return Ok(Answer::json(200, object));
    }
    if dry_run {
        return Ok(Answer::json(200, done(key, &object)));
    }
    match policy {
        "Orphan" => garbage::orphan(world, uid(&object)),
        "Foreground" => garbage::collect(world, uid(&object)),
        _ => {}
    }
    let gone = world.remove(key).unwrap_or(object);
    let answer = if key.kind().kind == "Pod" { gone } else { done(key, &gone) };
    Ok(Answer::json(200, answer))
}

fn done(key: &Key, object: &Value) -> Value {
    let mut details = json!({"name": key.name, "kind": key.kind().plural, "uid": uid(object)});
    if !key.kind().group.is_empty() {
        details["group"] = key.kind().group.into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
