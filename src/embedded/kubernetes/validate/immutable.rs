//! Changes that may not be.

use serde_json::Value;

use crate::embedded::kubernetes::defaults::canonical;
use crate::embedded::kubernetes::failure::Cause;
use crate::embedded::kubernetes::kinds::Kind;

/// What a StatefulSet may change.
const STATEFUL_SET: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// Finds what `new` may not have changed.
pub fn check(kind: &Kind, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let fields: &[&str] = match kind.kind {
        "Deployment" | "ReplicaSet" => &["spec.selector"],
        "Job" if suspended(old) => &["spec.completions", "spec.selector", "spec.completionMode"],
        "Job" => &["spec.completions", "spec.selector", "spec.template", "spec.completionMode"],
        "Secret" => &["type"],
        _ => &[],
    };
    for field in fields {
        let path = format!("/{}", field.replace('.', "/"));
        if old.pointer(&path) != new.pointer(&path) {
            causes.push(Cause::immutable(field, new.pointer(&path).unwrap_or(&Value::Null)));
        }
    }
    match kind.kind {
        "StatefulSet" => stateful_set(old, new, causes),
        "PersistentVolumeClaim" => claim(old, new, causes),
        "Service" => service(old, new, causes),
        "Secret" | "ConfigMap" if old["immutable"] == true => frozen(old, new, causes),
        "Pod" => pod(old, new, causes),
        "RoleBinding" if old["roleRef"] != new["roleRef"] => {
            causes.push(Cause::invalid("roleRef", &new["roleRef"], "cannot change roleRef"));
        }
        _ => {}
    }
}

fn suspended(job: &Value) -> bool {
    job["spec"]["suspend"] == true && job["status"].get("startTime").is_none()
}

fn stateful_set(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = object["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.retain(|name, _| !STATEFUL_SET.contains(&name.as_str()));
        }
        spec
    };
    if rest(old) != rest(new) {
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                   'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                   'minReadySeconds' are forbidden";
        causes.push(Cause::forbidden("spec", why));
    }
}

fn claim(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = object["spec"].clone();
        if let Some(requests) = spec.pointer_mut("/resources/requests").and_then(Value::as_object_mut) {
            requests.remove("storage");
        }
        // The binder sets these once.
        for late in ["volumeName", "storageClassName"] {
            if old["spec"].get(late).is_none() {
                spec.as_object_mut().map(|fields| fields.remove(late));
            }
        }
        spec
    };
    if rest(old) != rest(new) {
        let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
                   bound claims";
        causes.push(Cause::forbidden("spec", why));
    }
    let size =
        |object: &Value| object.pointer("/spec/resources/requests/storage").cloned().unwrap_or_default();
    let (was, wants) = (size(old), size(new));
    if was == wants {
        return;
    }
    if old["status"]["phase"] != "Bound" {
        causes.push(Cause::forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and \
            volumeAttributesClassName for bound claims",
        ));
    } else if bytes(&wants) < bytes(&was) {
        let why = "field can not be less than status.capacity";
        causes.push(Cause::forbidden("spec.resources.requests.storage", why));
    }
}

/// A quantity as a number, good enough to compare.
fn bytes(quantity: &Value) -> f64 {
    let text = quantity.as_str().and_then(canonical).unwrap_or_default();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let power = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter().position(|known| *known == suffix);
    let decimal = ["k", "M", "G", "T", "P", "E"].iter().position(|known| *known == suffix);
    let factor = match (power, decimal) {
        (Some(power), _) => 1024_f64.powf(power as f64 + 1.0),
        (None, Some(power)) => 1000_f64.powf(power as f64 + 1.0),
        (None, None) => 1.0,
    };
    number.parse::<f64>().unwrap_or_default() * factor
}

fn service(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let external = |object: &Value| object["spec"]["type"] == "ExternalName";
    if external(old) || external(new) {
        return;
    }
    let (was, is) = (&old["spec"]["clusterIP"], &new["spec"]["clusterIP"]);
    if !was.is_null() && was != is {
        causes.push(Cause::invalid(
            "spec.clusterIPs[0]",
            &serde_json::json!([is]),
            "may not change once set",
        ));
    }
}

fn frozen(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    for field in ["immutable", "data", "binaryData"] {
        if old.get(field) != new.get(field) {
            causes.push(Cause::forbidden(field, "field is immutable when `immutable` is set"));
        }
    }
}

fn pod(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let rest = |object: &Value| {
        let mut spec = object["spec"].clone();
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                container.as_object_mut().map(|fields| fields.remove("image"));
            }
        }
        for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"] {
            spec.as_object_mut().map(|fields| fields.remove(field));
        }
        spec
    };
    if rest(old) != rest(new) {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,\
                   `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                   existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
                   previously negative)";
        causes.push(Cause::forbidden("spec", why));
    }
}
