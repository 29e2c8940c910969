//! What every object of ours carries: whose it is, which spec wrote it, and a fingerprint of what we wrote.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::redact;
use crate::resources::Names;
use crate::spec::Spec;

/// The field manager and the value of [`MANAGED_BY`].
pub const MANAGER: &str = "dify-reconciler";
/// The label that tells who manages an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label with the deployment's name, by which everything of it is listed.
pub const DEPLOYMENT_LABEL: &str = "dify-reconciler/deployment";
/// The annotation with the generation of the spec that wrote last: the fencing number.
pub const GENERATION: &str = "dify-reconciler/generation";
/// The annotation with the fingerprint of the document that was written last.
pub const APPLIED: &str = "dify-reconciler/applied";
/// The annotation on a pod template that changes with what its containers read at start.
pub const CONFIGURATION: &str = "dify-reconciler/configuration";
/// The annotation on a Deployment whose rollout nothing waits for.
pub const NO_WAIT: &str = "dify-reconciler/no-wait";

/// The labels by which pods of a component are selected. They can never change on a Deployment.
pub fn selector_labels(names: &Names, component: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app".to_owned(), names.service().to_owned()),
        ("deployment".to_owned(), names.deployment.clone()),
        ("component".to_owned(), component.to_owned()),
    ])
}

/// A selector of a component's pods.
pub fn selector(names: &Names, component: &str) -> LabelSelector {
    LabelSelector { match_labels: Some(selector_labels(names, component)), ..Default::default() }
}

/// All labels of an object, selector labels included.
pub fn labels(names: &Names, spec: &Spec, component: &str) -> BTreeMap<String, String> {
    let mut labels = selector_labels(names, component);
    for (label, value) in [
        ("app.kubernetes.io/name", spec.application_name.as_str()),
        ("app.kubernetes.io/instance", names.deployment.as_str()),
        ("app.kubernetes.io/component", component),
        ("app.kubernetes.io/part-of", "dify"),
        (MANAGED_BY, MANAGER),
        (DEPLOYMENT_LABEL, names.deployment.as_str()),
    ] {
        labels.insert(label.to_owned(), value.to_owned());
    }
    labels
}

/// Metadata of an object; the namespace is empty for one that is in none.
pub fn metadata(names: &Names, spec: &Spec, namespace: &str, name: &str, component: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        labels: Some(labels(names, spec, component)),
        ..Default::default()
    }
}

/// Writes generation and fingerprint into an object. Values below `secret` do not count for the
/// fingerprint, only their names: a hash of a short secret would give it away.
pub fn stamp(body: &mut Value, generation: i64, secret: &[&'static str]) {
    let mut counted = body.clone();
    for pointer in secret {
        redact::replace(&mut counted, pointer);
    }
    let fingerprint = fingerprint(&counted);
    let Some(metadata) = body.pointer_mut("/metadata").and_then(Value::as_object_mut) else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(annotations) = annotations {
        annotations.insert(GENERATION.to_owned(), Value::String(generation.to_string()));
        annotations.insert(APPLIED.to_owned(), Value::String(fingerprint));
    }
}

/// SHA-256 of a document, whatever the order of its keys.
pub fn fingerprint(value: &Value) -> String {
    let mut hasher = Sha256::new();
    feed(&mut hasher, value);
    hex::encode(hasher.finalize())
}

/// The first eight hex digits of [`fingerprint`] of a text: enough to tell a few names apart.
pub fn short_hash(text: &str) -> String {
    fingerprint(&Value::String(text.to_owned())).chars().take(8).collect()
}

fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            hasher.update(b"{");
            for (name, value) in sorted {
                feed(hasher, &Value::String(name.clone()));
                feed(hasher, value);
            }
            hasher.update(b"}");
        }
        Value::Array(items) => {
            hasher.update(b"[");
            items.iter().for_each(|item| feed(hasher, item));
            hasher.update(b"]");
        }
        scalar => {
            let text = scalar.to_string();
            hasher.update(text.len().to_be_bytes());
            hasher.update(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(mut body: Value, generation: i64) -> String {
        stamp(&mut body, generation, &["/data"]);
        body["metadata"]["annotations"][APPLIED].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_fingerprint_follows_the_document_and_not_the_generation() {
        let body = |port: u16| json!({"metadata": {"name": "x"}, "spec": {"port": port}});
        assert_eq!(applied(body(80), 1), applied(body(80), 2));
        assert_ne!(applied(body(80), 1), applied(body(81), 1));
    }

    #[test]
    fn secret_values_do_not_count_but_their_names_do() {
        let body = |name: &str, value: &str| json!({"metadata": {}, "data": {name: value}});
        assert_eq!(applied(body("A", "x"), 1), applied(body("A", "y"), 1));
        assert_ne!(applied(body("A", "x"), 1), applied(body("B", "x"), 1));
    }

    #[test]
    fn neighbouring_texts_do_not_run_together() {
        assert_ne!(fingerprint(&json!(["ab", "c"])), fingerprint(&json!(["a", "bc"])));
        assert_ne!(fingerprint(&json!({"a": {}, "b": 1})), fingerprint(&json!({"a": {"b": 1}})));
    }
}
