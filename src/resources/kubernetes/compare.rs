//! The differences between an object as it should be and as it was seen.
//!
//! Only fields that the desired document has are looked at: defaults of the server, and what others
//! manage, are theirs. Lists with a merge key are matched by it, as the server merges them.

use serde_json::Value;

use crate::redact;
use crate::resources::{Change, Document};

use super::stamp::{APPLIED, GENERATION};
use super::{Kind, adjustment, quantity, readiness};

/// Longest text shown of a value in a difference; a whole script helps nobody.
const SHOWN_CHARS: usize = 200;

/// The differences, in the order of the desired document.
pub fn compare(kind: Kind, desired: &Document, seen: &Value) -> Vec<Change> {
    if kind == Kind::Job {
        return compare_job(desired, seen);
    }
    let adjusted = adjustment::undo(seen);
    let mut walk = Walk { desired, changes: Vec::new() };
    walk.differ("", desired.wire(), Some(adjusted.as_ref().unwrap_or(seen)));
    walk.changes.extend(applied_change(desired, seen));
    walk.changes
}

/// A Job's template cannot change, so there is nothing to compare while it runs or after it succeeded:
/// what matters is in its name. A failed one that would be different now is worth another attempt.
fn compare_job(desired: &Document, seen: &Value) -> Vec<Change> {
    if readiness::condition(seen, "Failed").is_none() {
        return Vec::new();
    }
    applied_change(desired, seen).into_iter().collect()
}

fn applied_change(desired: &Document, seen: &Value) -> Option<Change> {
    let of = |object: &Value| {
        let text = object.pointer("/metadata/annotations")?.get(APPLIED)?.as_str()?;
        Some(text.to_owned())
    };
    let (from, to) = (of(seen), of(desired.wire()));
    (from != to).then(|| Change { path: format!("/metadata/annotations/{}", escaped(APPLIED)), from, to })
}

struct Walk<'a> {
    desired: &'a Document,
    changes: Vec<Change>,
}

impl Walk<'_> {
    fn differ(&mut self, path: &str, desired: &Value, seen: Option<&Value>) {
        match (desired, seen) {
            (Value::Object(fields), Some(Value::Object(there))) => {
                for (name, value) in fields {
                    if !is_ours_to_count(path, name) {
                        self.differ(&format!("{path}/{}", escaped(name)), value, there.get(name));
                    }
                }
            }
            (Value::Array(items), Some(Value::Array(there))) => self.differ_list(path, items, there),
            (desired, seen) if same(path, desired, seen) => {}
            (desired, seen) => self.note(path, seen, Some(desired)),
        }
    }

    fn differ_list(&mut self, path: &str, items: &[Value], there: &[Value]) {
        let Some(key) = merge_key(path, items) else {
            if items.len() != there.len() {
                let whole = Value::Array(items.to_vec());
                return self.note(path, Some(&Value::Array(there.to_vec())), Some(&whole));
            }
            for (index, (item, seen)) in items.iter().zip(there).enumerate() {
                self.differ(&format!("{path}/{index}"), item, Some(seen));
            }
            return;
        };
        for item in items {
            let seen = there.iter().find(|other| key.iter().all(|key| keyed_same(item, other, key)));
            let name = key.iter().find_map(|key| item.get(*key)).map(plain).unwrap_or_default();
            self.differ(&format!("{path}/{}", escaped(&name)), item, seen);
        }
    }

    fn note(&mut self, path: &str, from: Option<&Value>, to: Option<&Value>) {
        let secret = self.desired.is_secret(path);
        let show = |value: &Value| if secret { redact::PLACEHOLDER.to_owned() } else { short(value) };
        self.changes.push(Change { path: path.to_owned(), from: from.map(show), to: to.map(show) });
    }
}

/// The generation only says who wrote last, and the fingerprint is compared on its own.
fn is_ours_to_count(path: &str, name: &str) -> bool {
    path == "/metadata/annotations" && (name == GENERATION || name == APPLIED)
}

/// The key by which the server merges a list (`x-kubernetes-list-map-keys`), when all items have it.
/// Two ports may share a number under different protocols.
fn merge_key(path: &str, items: &[Value]) -> Option<&'static [&'static str]> {
    let list = path.rsplit('/').next().unwrap_or(path);
    let key: &[&str] = match list {
        "containers" | "initContainers" | "env" | "volumes" | "listeners" => &["name"],
        "volumeMounts" => &["mountPath"],
        "ports" if items.iter().all(|item| item.get("containerPort").is_some()) => {
            &["containerPort", "protocol"]
        }
        "ports" if items.iter().all(|item| item.get("name").is_some()) => &["name"],
        _ => return None,
    };
    items.iter().all(|item| item.get(key[0]).is_some()).then_some(key)
}

fn keyed_same(desired: &Value, seen: &Value, key: &str) -> bool {
    match (desired.get(key), seen.get(key)) {
        (None, Some(Value::String(protocol))) if key == "protocol" => protocol == "TCP",
        (left, right) => left == right,
    }
}

fn same(path: &str, desired: &Value, seen: Option<&Value>) -> bool {
    match (desired, seen) {
        // The API drops what is empty or false when it stores an object.
        (desired, None | Some(Value::Null)) => is_nothing(desired),
        (Value::String(left), Some(Value::String(right))) => {
            left == right || (holds_quantity(path) && quantity::same(left, right))
        }
        (Value::Number(number), Some(Value::String(text)))
        | (Value::String(text), Some(Value::Number(number))) => {
            let number = number.to_string();
            *text == number || (holds_quantity(path) && quantity::same(text, &number))
        }
        (Value::Number(left), Some(Value::Number(right))) => left.as_f64() == right.as_f64(),
        (desired, Some(seen)) => desired == seen,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
    }
}

fn holds_quantity(path: &str) -> bool {
    ["/resources/", "/hard/", "/minAllowed/", "/maxAllowed/"].iter().any(|part| path.contains(part))
        || path.ends_with("/sizeLimit")
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn short(value: &Value) -> String {
    let text = plain(value);
    if text.chars().count() <= SHOWN_CHARS {
        return text;
    }
    let start: String = text.chars().take(SHOWN_CHARS).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(desired: Value, seen: Value) -> Vec<String> {
        compare(Kind::Deployment, &Document::new(desired), &seen)
            .into_iter()
            .map(|change| {
                let show = |text: Option<String>| text.unwrap_or_else(|| "-".into());
                format!("{} {} {}", change.path, show(change.from), show(change.to))
            })
            .collect()
    }

    #[test]
    fn what_the_server_adds_is_no_difference() {
        let desired =
            json!({"spec": {"replicas": 2, "paused": false, "template": {"metadata": {"labels": {}}}}});
        let seen = json!({"spec": {"replicas": 2, "revisionHistoryLimit": 10, "template": {"spec": {}}},
            "status": {"replicas": 2}});
        assert!(changes(desired, seen).is_empty());
    }

    #[test]
    fn containers_and_variables_are_matched_by_name() {
        let desired = json!({"containers": [{"name": "api", "env": [{"name": "B", "value": "2"}]}]});
        let seen = json!({"containers": [
            {"name": "injected"}, {"name": "api", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]},
        ]});
        assert_eq!(changes(desired, seen), ["/containers/api/env/B/value 1 2"]);
    }

    #[test]
    fn ports_are_matched_by_number_and_protocol() {
        let desired = json!({"ports": [{"containerPort": 53, "name": "dns"}]});
        let seen = json!({"ports": [
            {"containerPort": 53, "protocol": "UDP", "name": "udp"},
            {"containerPort": 53, "protocol": "TCP", "name": "dns"},
        ]});
        assert!(changes(desired, seen).is_empty());
    }

    #[test]
    fn other_lists_are_compared_as_a_whole() {
        let desired = json!({"args": ["a", "b"]});
        assert_eq!(changes(desired.clone(), json!({"args": ["a", "c"]})), ["/args/1 c b"]);
        assert_eq!(changes(desired, json!({"args": ["a"]})), [r#"/args ["a"] ["a","b"]"#]);
    }

    #[test]
    fn amounts_are_compared_by_value_and_ports_by_text() {
        let desired = json!({"resources": {"limits": {"cpu": "1000m"}}, "targetPort": 80});
        let seen = json!({"resources": {"limits": {"cpu": "1"}}, "targetPort": "80"});
        assert!(changes(desired, seen).is_empty());
        assert_eq!(changes(json!({"value": "1000m"}), json!({"value": "1"})), ["/value 1 1000m"]);
    }

    #[test]
    fn a_dropped_variable_shows_in_the_fingerprint_and_the_generation_alone_does_not_count() {
        let stamped = |generation: &str, applied: &str| {
            json!({"metadata": {"annotations": {
                "dify-reconciler/generation": generation, "dify-reconciler/applied": applied}}})
        };
        assert!(changes(stamped("2", "a"), stamped("1", "a")).is_empty());
        let dropped = changes(stamped("2", "b"), stamped("1", "a"));
        assert_eq!(dropped, ["/metadata/annotations/dify-reconciler~1applied a b"]);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let desired = Document::with_secrets(json!({"data": {"A": "bmV3"}}), &["/data"]);
        let found = compare(Kind::Secret, &desired, &json!({"data": {"A": "b2xk"}}));
        let [change] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(change.from.as_deref(), Some("(sensitive)"));
        assert_eq!(change.to.as_deref(), Some("(sensitive)"));
    }

    #[test]
    fn a_job_differs_only_when_it_failed_and_would_be_different_now() {
        let job = |applied: &str, condition: &str| {
            json!({"metadata": {"annotations": {"dify-reconciler/applied": applied}},
                "spec": {"backoffLimit": 3},
                "status": {"conditions": [{"type": condition, "status": "True"}]}})
        };
        let desired = Document::new(json!({"metadata": {"annotations": {"dify-reconciler/applied": "b"}},
            "spec": {"backoffLimit": 1}}));
        assert!(compare(Kind::Job, &desired, &job("a", "Complete")).is_empty());
        assert!(compare(Kind::Job, &desired, &job("a", "Suspended")).is_empty());
        assert_eq!(compare(Kind::Job, &desired, &job("a", "Failed")).len(), 1);
        assert!(compare(Kind::Job, &desired, &job("b", "Failed")).is_empty());
    }
}
