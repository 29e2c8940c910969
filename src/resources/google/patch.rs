//! The body of a change: only what differs, in units that the API replaces as a whole.

use serde_json::{Map, Value, json};

use crate::plan::{Body, GoogleRequest, Method};
use crate::redact::within;
use crate::resources::{Document, ResourceId};

use super::descriptor::{Descriptor, Precondition, Revision};
use super::{labels, request};

/// PATCH with an `updateMask` of the changed top-level fields.
pub fn masked(revision: &Revision<'_>, method_id: &'static str, etag: bool) -> Result<GoogleRequest, String> {
    let desired = replaced(revision);
    let mut fields: Vec<String> = units(revision).iter().filter_map(|unit| top(unit)).collect();
    fields.sort();
    fields.dedup();
    let mut body = Map::new();
    for field in &fields {
        body.insert(field.clone(), desired.get(field).cloned().unwrap_or(Value::Null));
    }
    if etag {
        body.insert("etag".into(), seen_text(revision, "/etag")?.into());
    }
    let mut call = patch(revision, method_id, Value::Object(body));
    call.query.push(("updateMask", fields.join(",")));
    Ok(call)
}

/// PATCH that merges: only the changed parts, with the precondition.
pub fn merged(
    revision: &Revision<'_>,
    method_id: &'static str,
    precondition: Precondition,
) -> Result<GoogleRequest, String> {
    let desired = replaced(revision);
    let mut body = json!({});
    for unit in units(revision) {
        put(&mut body, &unit, desired.pointer(&unit).cloned().unwrap_or(Value::Null));
    }
    let mut query = Vec::new();
    match precondition {
        Precondition::None => {}
        Precondition::RequestId => query.push(("requestId", request::change_id(revision, method_id))),
        Precondition::Metageneration => {
            query.push(("ifMetagenerationMatch", seen_text(revision, "/metageneration")?));
        }
        Precondition::SettingsVersion => {
            let version = seen_text(revision, "/settings/settingsVersion")?;
            put(&mut body, "/settings/settingsVersion", version.into());
        }
        Precondition::EtagQuery => query.push(("etag", seen_text(revision, "/etag")?)),
    }
    let mut call = patch(revision, method_id, body);
    call.query.extend(query);
    Ok(call)
}

/// Text of a field that was seen, which the call is tied to.
///
/// # Errors
/// When there is none: an unconditional write could undo what somebody else did.
pub fn seen_text(revision: &Revision<'_>, pointer: &str) -> Result<String, String> {
    match revision.seen.pointer(pointer) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(format!(
            "what was seen of {} has no {pointer}, so the change could not be tied to it",
            revision.id
        )),
    }
}

/// Sets the value at a pointer, making the objects on the way.
pub fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut place = body;
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name];
    }
    *place = value;
}

fn patch(revision: &Revision<'_>, method_id: &'static str, body: Value) -> GoogleRequest {
    let descriptor = revision.descriptor;
    let mut call = descriptor.call(Method::Patch, descriptor.path(&revision.id.name, ""), method_id);
    call.body = document(descriptor, body);
    call
}

/// A body that knows the kind's secret fields.
pub fn document(descriptor: &Descriptor, body: Value) -> Body {
    Body::Document(Document::with_secrets(body, descriptor.secret))
}

/// The desired body with what a write would replace filled up from what was seen: labels of others and
/// items of others in named lists.
pub fn replaced(revision: &Revision<'_>) -> Value {
    let (descriptor, seen) = (revision.descriptor, revision.seen);
    let mut desired = revision.desired.wire().clone();
    if let (Some(pointer), Some(labels)) = (descriptor.labels, labels::merged(descriptor, &desired, seen)) {
        put(&mut desired, pointer, labels);
    }
    for (pointer, key) in descriptor.keyed {
        let Some(ours) = desired.pointer(pointer).and_then(Value::as_array).cloned() else { continue };
        put(&mut desired, pointer, Value::Array(joined(ours, seen.pointer(pointer), key)));
    }
    desired
}

/// Ours, and of what was seen the items that have another name.
fn joined(ours: Vec<Value>, seen: Option<&Value>, key: &str) -> Vec<Value> {
    let others = seen.and_then(Value::as_array).into_iter().flatten();
    // Items without a name are their own name.
    let name = |item: &Value| item.get(key).unwrap_or(item).clone();
    let others: Vec<Value> =
        others.filter(|item| !ours.iter().any(|own| name(own) == name(item))).cloned().collect();
    others.into_iter().chain(ours).collect()
}

/// The pointers to send: the changed fields, or the list, map or labels around them. Labels always go
/// along, so that the generation on the resource is that of its last write.
fn units(revision: &Revision<'_>) -> Vec<String> {
    let descriptor = revision.descriptor;
    let groups = || {
        let keyed = descriptor.keyed.iter().map(|(pointer, _)| *pointer);
        descriptor.labels.into_iter().chain(keyed).chain(descriptor.whole.iter().copied())
    };
    let unit = |path: &str| groups().find(|group| within(path, group)).unwrap_or(path).to_owned();
    let mut units: Vec<String> = revision.changes.iter().map(|change| unit(&change.path)).collect();
    units.extend(descriptor.labels.map(str::to_owned));
    units.sort();
    units.dedup();
    units
}

fn top(pointer: &str) -> Option<String> {
    pointer.split('/').nth(1).map(str::to_owned)
}

/// The resource's collection: its name without the last part.
pub fn collection(id: &ResourceId) -> &str {
    id.name.rsplit_once('/').map_or("", |(collection, _)| collection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_put_where_its_pointer_says() {
        let mut body = json!({"a": {"x": 1}});
        put(&mut body, "/a/b~1c/d", 2.into());
        assert_eq!(body, json!({"a": {"x": 1, "b/c": {"d": 2}}}));
    }

    #[test]
    fn items_of_others_stay_in_named_lists_and_in_sets() {
        let seen = json!([{"key": "theirs", "value": "1"}, {"key": "ours", "value": "old"}]);
        let both = joined(vec![json!({"key": "ours", "value": "new"})], Some(&seen), "key");
        assert_eq!(both, [json!({"key": "theirs", "value": "1"}), json!({"key": "ours", "value": "new"})]);
        assert_eq!(joined(vec![json!("a")], Some(&json!(["a", "b"])), ""), [json!("b"), json!("a")]);
    }
}
