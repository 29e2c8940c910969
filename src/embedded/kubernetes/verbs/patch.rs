//! PATCH: merge patches and JSON patches; applying is next door.

use jiff::Timestamp;
use serde_json::Value;

use super::{Answer, apply, key, parse, writer};
use crate::embedded::kubernetes::failure::Failure;
use crate::embedded::kubernetes::request::{Request, Target};
use crate::embedded::kubernetes::store::World;

/// Patches an object.
pub fn patch(
    world: &mut World,
    request: &Request,
    target: &Target,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let json_patch = match request.content_type.as_str() {
        "application/apply-patch+yaml" => return apply::apply(world, request, target, now),
        "application/merge-patch+json" => false,
        "application/json-patch+json" => true,
        _ => return Err(Failure::unsupported_media_type()),
    };
    let key = key(target);
    let Some(old) = world.get(&key) else { return Err(Failure::not_found(target.kind, &target.name)) };
    let patch = parse(&request.body)?;
    let mut new = old.clone();
    if json_patch {
        for step in patch.as_array().into_iter().flatten() {
            json_step(&mut new, step).map_err(|why| Failure::new(422, "Invalid", why))?;
        }
    } else {
        // A version or identifier in the patch is a precondition; without it there is none.
        merge_patch(&mut new, &patch);
    }
    let mut writer = writer(request, target, now, "")?;
    let stored = writer.update(world, &key, new)?;
    Ok(Answer::Json { code: 200, body: stored, warnings: writer.warnings })
}

/// RFC 7386.
fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (name, value) in fields {
        if value.is_null() {
            target.as_object_mut().map(|target| target.remove(name));
        } else {
            merge_patch(&mut target[name.as_str()], value);
        }
    }
}

/// One operation of RFC 6902.
fn json_step(document: &mut Value, step: &Value) -> Result<(), String> {
    let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
    let (op, path) = (text("op"), text("path"));
    let missing =
        || format!("the server rejected our request due to an error in our request: {op} {path}: missing");
    let value = step.get("value").cloned().unwrap_or_default();
    match op {
        "add" => insert(document, path, value).ok_or_else(missing),
        "remove" => take(document, path).map(drop).ok_or_else(missing),
        "replace" => document.pointer_mut(path).map(|place| *place = value).ok_or_else(missing),
        "test" if document.pointer(path) == Some(&value) => Ok(()),
        "test" => Err(format!(
            "the server rejected our request due to an error in our request: testing {path} failed"
        )),
        "copy" => {
            let value = document.pointer(text("from")).cloned().ok_or_else(missing)?;
            insert(document, path, value).ok_or_else(missing)
        }
        "move" => {
            let value = take(document, text("from")).ok_or_else(missing)?;
            insert(document, path, value).ok_or_else(missing)
        }
        other => Err(format!("unknown operation {other:?}")),
    }
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, name) = path.rsplit_once('/')?;
    Some((parent, name.replace("~1", "/").replace("~0", "~")))
}

fn insert(document: &mut Value, path: &str, value: Value) -> Option<()> {
    let (parent, name) = split(path)?;
    match document.pointer_mut(parent)? {
        Value::Object(fields) => drop(fields.insert(name, value)),
        Value::Array(items) if name == "-" => items.push(value),
        Value::Array(items) => {
            let index = name.parse().ok().filter(|index| *index <= items.len())?;
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn take(document: &mut Value, path: &str) -> Option<Value> {
    let (parent, name) = split(path)?;
    match document.pointer_mut(parent)? {
        Value::Object(fields) => fields.remove(&name),
        Value::Array(items) => {
            let index = name.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}
