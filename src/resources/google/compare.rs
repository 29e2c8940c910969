//! What differs between a desired document and what was seen, in the fields that the document has.
//!
//! Services answer in their own spelling: 64-bit numbers as text, references as full addresses, fields at
//! their default left out, projects by number. None of that is a difference.

use serde_json::{Map, Value};

use crate::redact::{PLACEHOLDER, within};
use crate::resources::{Change, Document};

use super::descriptor::Descriptor;
use super::labels;

/// The differences, each with its JSON pointer. A list is compared as a whole.
pub fn compare(descriptor: &Descriptor, desired: &Document, seen: &Value) -> Vec<Change> {
    let mut walk = Walk { descriptor, desired, changes: Vec::new() };
    walk.value("", desired.wire(), Some(seen));
    walk.changes
}

struct Walk<'a> {
    descriptor: &'a Descriptor,
    desired: &'a Document,
    changes: Vec<Change>,
}

impl Walk<'_> {
    fn value(&mut self, path: &str, wanted: &Value, seen: Option<&Value>) {
        if self.descriptor.written_once.iter().any(|once| within(path, once)) {
            return;
        }
        let same = match (wanted, seen) {
            (Value::Object(wanted), _) => return self.fields(path, wanted, seen),
            (Value::Array(wanted), Some(Value::Array(seen))) => self.list(path, wanted, seen),
            (wanted, Some(seen)) => same_scalar(wanted, seen),
            (wanted, None) => is_default(wanted),
        };
        if !same {
            self.note(path, seen, Some(wanted));
        }
    }

    fn fields(&mut self, path: &str, wanted: &Map<String, Value>, seen: Option<&Value>) {
        for (name, wanted) in wanted {
            if self.descriptor.labels == Some(path) && name == labels::GENERATION {
                continue;
            }
            let here = format!("{path}/{}", escape(name));
            self.value(&here, wanted, seen.and_then(|seen| seen.get(name)));
        }
        if !self.descriptor.whole.contains(&path) {
            return;
        }
        for (name, seen) in seen.and_then(Value::as_object).into_iter().flatten() {
            if !wanted.contains_key(name) {
                self.note(&format!("{path}/{}", escape(name)), Some(seen), None);
            }
        }
    }

    fn list(&self, path: &str, wanted: &[Value], seen: &[Value]) -> bool {
        if let Some((_, key)) = self.descriptor.keyed.iter().find(|(list, _)| *list == path) {
            return wanted.iter().all(|item| seen.iter().any(|other| same_keyed(item, other, key)));
        }
        if wanted.len() != seen.len() {
            return false;
        }
        if self.descriptor.unordered.contains(&path) {
            return wanted.iter().all(|item| seen.iter().any(|other| covers(item, other)));
        }
        wanted.iter().zip(seen).all(|(item, other)| covers(item, other))
    }

    fn note(&mut self, path: &str, from: Option<&Value>, to: Option<&Value>) {
        let secret = self.desired.is_secret(path);
        let show = |value: &Value| if secret { PLACEHOLDER.to_owned() } else { shown(value) };
        self.changes.push(Change { path: path.to_owned(), from: from.map(show), to: to.map(show) });
    }
}

/// Whether `seen` is `wanted` in everything that `wanted` has.
pub fn covers(wanted: &Value, seen: &Value) -> bool {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => {
            wanted.iter().all(|(name, wanted)| match seen.get(name) {
                Some(seen) => covers(wanted, seen),
                None => is_default(wanted),
            })
        }
        (Value::Array(wanted), Value::Array(seen)) => {
            wanted.len() == seen.len() && wanted.iter().zip(seen).all(|(wanted, seen)| covers(wanted, seen))
        }
        (wanted, seen) => same_scalar(wanted, seen),
    }
}

/// A named item is as wanted; a number may be higher, because an operator may have raised it.
fn same_keyed(wanted: &Value, seen: &Value, key: &str) -> bool {
    let number = |item: &Value| item.get("value")?.as_str()?.parse::<i64>().ok();
    wanted.get(key) == seen.get(key)
        && match (number(wanted), number(seen)) {
            (Some(least), Some(value)) => value >= least,
            _ => covers(wanted, seen),
        }
}

fn same_scalar(wanted: &Value, seen: &Value) -> bool {
    match (wanted, seen) {
        (Value::String(wanted), Value::String(seen)) => wanted == seen || same_reference(wanted, seen),
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            number.to_string() == *text
        }
        (Value::Number(wanted), Value::Number(seen)) => wanted.as_f64() == seen.as_f64(),
        (wanted, Value::Null) => is_default(wanted),
        (wanted, seen) => wanted == seen,
    }
}

/// `projects/p/global/networks/n` and its full address, or the same with the project's number.
fn same_reference(wanted: &str, seen: &str) -> bool {
    let wanted = wanted.trim_start_matches('/');
    let Some(("projects", rest)) = wanted.split_once('/') else { return false };
    let seen = match seen.find("/projects/") {
        Some(at) if seen.starts_with("https://") => &seen[at + 1..],
        _ => seen.trim_start_matches('/'),
    };
    if seen == wanted {
        return true;
    }
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (rest.split_once('/'), seen.strip_prefix("projects/").and_then(|rest| rest.split_once('/'))) {
        (Some((_, wanted)), Some((project, seen))) => number(project) && wanted == seen,
        _ => false,
    }
}

/// What services leave out of an answer.
fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty() || value == "0",
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_default),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::google::descriptor::READ_ONLY;

    fn paths(descriptor: &Descriptor, desired: Value, seen: Value) -> Vec<String> {
        compare(descriptor, &Document::new(desired), &seen).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn spelling_is_no_difference() {
        let desired = json!({"size": "10", "count": 3, "off": false, "none": [], "network": "projects/p/global/networks/n",
                             "certificates": ["projects/p/locations/global/certificates/c"]});
        let seen = json!({"size": 10, "count": "3", "more": true,
                          "network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/n",
                          "certificates": ["projects/123/locations/global/certificates/c"]});
        assert!(paths(&READ_ONLY, desired, seen).is_empty());
    }

    #[test]
    fn another_value_is_a_difference_with_both_sides() {
        let changes = compare(
            &READ_ONLY,
            &Document::new(json!({"a": {"b": "new"}, "list": ["x"]})),
            &json!({"a": {"b": "old"}, "list": ["x", "y"]}),
        );
        assert_eq!(
            changes[0],
            Change { path: "/a/b".into(), from: Some("old".into()), to: Some("new".into()) }
        );
        assert_eq!(changes[1].path, "/list");
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let desired = Document::with_secrets(json!({"password": "hunter2"}), &["/password"]);
        let changes = compare(&READ_ONLY, &desired, &json!({"password": "old"}));
        assert!(!format!("{changes:?}").contains("hunter2") && !format!("{changes:?}").contains("old"));
    }

    #[test]
    fn only_the_generation_label_may_differ() {
        let descriptor = Descriptor { labels: Some("/labels"), ..READ_ONLY };
        let desired = json!({"labels": {"tenant": "demo", "dify-reconciler-generation": "2"}});
        let seen = json!({"labels": {"tenant": "demo", "dify-reconciler-generation": "1", "theirs": "x"}});
        assert!(paths(&descriptor, desired.clone(), seen).is_empty());
        assert_eq!(paths(&descriptor, desired, json!({})), ["/labels/tenant"]);
    }

    #[test]
    fn lists_are_sets_where_order_says_nothing() {
        let descriptor = Descriptor { unordered: &["/ranges"], keyed: &[("/flags", "name")], ..READ_ONLY };
        let desired = json!({"ranges": ["a", "b"], "flags": [{"name": "max", "value": "200"}]});
        let seen = json!({"ranges": ["b", "a"], "flags": [{"name": "x", "value": "on"}, {"name": "max", "value": "400"}]});
        assert!(paths(&descriptor, desired.clone(), seen).is_empty());
        let lower = json!({"ranges": ["b", "c"], "flags": [{"name": "max", "value": "100"}]});
        assert_eq!(paths(&descriptor, desired, lower), ["/flags", "/ranges"]);
    }

    #[test]
    fn a_map_of_ours_has_nothing_else_in_it() {
        let descriptor = Descriptor { whole: &["/policies"], written_once: &["/tier"], ..READ_ONLY };
        let desired = json!({"policies": {"keep": {"action": "KEEP"}}, "tier": "small"});
        let seen =
            json!({"policies": {"keep": {"action": "KEEP"}, "old": {"action": "DELETE"}}, "tier": "large"});
        assert_eq!(paths(&descriptor, desired, seen), ["/policies/old"]);
    }
}
