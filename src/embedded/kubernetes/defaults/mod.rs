//! What the server makes of a document before it looks at it: canonical quantities and defaults.

mod pod;
mod quantity;
mod workload;

pub use quantity::{canonical, canonicalize};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::schema;
use super::store::field;

/// Fills in what the kind has defaults for.
pub fn apply(kind: &Kind, object: &mut Value) {
    canonicalize(object, kind.schema());
    if kind.custom {
        return schema::apply_defaults(object, kind.schema());
    }
    match kind.kind {
        "Namespace" => {
            let name = field(object, "name").to_owned();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name.into();
        }
        "ResourceQuota" => or_object(object, "status"),
        "Secret" => secret(object),
        "Service" => service(object),
        "PersistentVolumeClaim" => {
            or(&mut object["spec"], "volumeMode", "Filesystem");
            or(object, "status", json!({"phase": "Pending"}));
        }
        "Pod" => pod::pod(object),
        "Deployment" => workload::deployment(object),
        "StatefulSet" => workload::stateful_set(object),
        "ReplicaSet" => workload::replica_set(object),
        "Job" => workload::job(object),
        "CronJob" => workload::cron_job(object),
        "HorizontalPodAutoscaler" => workload::autoscaler(object),
        "PodDisruptionBudget" => or(
            object,
            "status",
            json!({"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}),
        ),
        "NetworkPolicy" => network_policy(object),
        "RoleBinding" => role_binding(object),
        _ => {}
    }
}

/// What an object that is not there yet has already: the parts its kind cannot be without. Who creates an
/// object does not come to own them.
pub fn skeleton(kind: &Kind) -> Value {
    let template = json!({"metadata": {}, "spec": {"containers": null}});
    let spec = match kind.kind {
        _ if kind.custom => return json!({"metadata": {}}),
        "Deployment" => json!({"template": template, "strategy": {}}),
        "StatefulSet" => json!({"template": template, "updateStrategy": {}}),
        "ReplicaSet" | "Job" => json!({"template": template}),
        "CronJob" => json!({"jobTemplate": {"metadata": {}, "spec": {"template": template}}}),
        "PersistentVolumeClaim" => json!({"resources": {}}),
        "HorizontalPodAutoscaler" => json!({"scaleTargetRef": {}}),
        "NetworkPolicy" => json!({"podSelector": {}}),
        "Pod" => json!({"containers": null}),
        "Namespace" | "ResourceQuota" | "Service" | "PodDisruptionBudget" => json!({}),
        _ => return json!({"metadata": {}}),
    };
    json!({"metadata": {}, "spec": spec, "status": {}})
}

fn secret(object: &mut Value) {
    or(object, "type", "Opaque");
    let Some(Value::Object(plain)) = object.as_object_mut().and_then(|fields| fields.remove("stringData"))
    else {
        return;
    };
    for (name, value) in plain {
        object["data"][name.as_str()] = BASE64.encode(value.as_str().unwrap_or_default()).into();
    }
}

fn service(object: &mut Value) {
    let spec = &mut object["spec"];
    or(spec, "type", "ClusterIP");
    or(spec, "sessionAffinity", "None");
    if spec["sessionAffinity"] == "ClientIP" {
        or(spec, "sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10800}}));
    }
    if spec["type"] != "ExternalName" {
        or(spec, "internalTrafficPolicy", "Cluster");
    }
    if spec["type"] == "LoadBalancer" {
        or(spec, "allocateLoadBalancerNodePorts", true);
    }
    if spec["type"] == "LoadBalancer" || spec["type"] == "NodePort" {
        or(spec, "externalTrafficPolicy", "Cluster");
    }
    for port in items(spec, "ports") {
        or(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or_default();
        or(port, "targetPort", number);
    }
    or(object, "status", json!({"loadBalancer": {}}));
}

fn network_policy(object: &mut Value) {
    let spec = &mut object["spec"];
    for direction in ["ingress", "egress"] {
        for rule in items(spec, direction) {
            items(rule, "ports").for_each(|port| or(port, "protocol", "TCP"));
        }
    }
    let egress = items(spec, "egress").next().is_some();
    or(spec, "policyTypes", if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
}

fn role_binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    or(&mut object["roleRef"], "apiGroup", GROUP);
    for subject in items(object, "subjects") {
        if subject["kind"] != "ServiceAccount" {
            or(subject, "apiGroup", GROUP);
        }
    }
}

/// Sets a field that is not there or null.
fn or(object: &mut Value, name: &str, default: impl Into<Value>) {
    if object.is_null() {
        *object = json!({});
    }
    if let Some(fields) = object.as_object_mut()
        && fields.get(name).is_none_or(Value::is_null)
    {
        fields.insert(name.to_owned(), default.into());
    }
}

fn or_object(object: &mut Value, name: &str) {
    or(object, name, json!({}));
}

/// The items of a list; none if it is not there.
fn items<'a>(object: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    object.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter(|item| item.is_object())
}
