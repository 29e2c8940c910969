//! What the server fills into a pod's spec.

use serde_json::{Value, json};

use super::{items, or, or_object};

/// Defaults of the `spec` of a pod or a pod template.
pub fn pod_spec(spec: &mut Value) {
    or(spec, "restartPolicy", "Always");
    or(spec, "terminationGracePeriodSeconds", 30);
    or(spec, "dnsPolicy", "ClusterFirst");
    or(spec, "schedulerName", "default-scheduler");
    or_object(spec, "securityContext");
    // The old name of the field is still served, and stands in for the new one.
    if let Some(account) = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount")).cloned() {
        spec["serviceAccountName"] = account.clone();
        spec["serviceAccount"] = account;
    }
    for list in ["initContainers", "containers"] {
        items(spec, list).for_each(container);
    }
    items(spec, "volumes").for_each(volume);
}

/// Defaults only a pod itself has, not the template of one.
pub fn pod(object: &mut Value) {
    let spec = &mut object["spec"];
    or(spec, "enableServiceLinks", true);
    or(spec, "priority", 0);
    or(spec, "preemptionPolicy", "PreemptLowerPriority");
    or(
        spec,
        "tolerations",
        json!([
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300},
        ]),
    );
    pod_spec(spec);
    for list in ["initContainers", "containers"] {
        for container in items(spec, list) {
            // What is limited is asked for.
            let limits = container["resources"]["limits"].as_object().cloned().unwrap_or_default();
            for (name, limit) in limits {
                if container["resources"]["requests"].get(&name).is_none() {
                    container["resources"]["requests"][name.as_str()] = limit;
                }
            }
        }
    }
}

fn container(container: &mut Value) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    let pull =
        if !image.contains('@') && tag.is_none_or(|tag| tag == "latest") { "Always" } else { "IfNotPresent" };
    or(container, "imagePullPolicy", pull);
    or(container, "terminationMessagePath", "/dev/termination-log");
    or(container, "terminationMessagePolicy", "File");
    or_object(container, "resources");
    items(container, "ports").for_each(|port| or(port, "protocol", "TCP"));
    for variable in items(container, "env") {
        if let Some(source) = variable.pointer_mut("/valueFrom/fieldRef") {
            or(source, "apiVersion", "v1");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|probe| probe.is_object()) {
            or(probe, "timeoutSeconds", 1);
            or(probe, "periodSeconds", 10);
            or(probe, "successThreshold", 1);
            or(probe, "failureThreshold", 3);
            http_get(probe);
            if let Some(grpc) = probe.get_mut("grpc") {
                or(grpc, "service", "");
            }
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = container.pointer_mut(&format!("/lifecycle/{hook}")) {
            http_get(hook);
        }
    }
}

fn http_get(action: &mut Value) {
    if let Some(get) = action.get_mut("httpGet") {
        or(get, "path", "/");
        or(get, "scheme", "HTTP");
    }
}

fn volume(volume: &mut Value) {
    if volume.as_object().is_some_and(|fields| fields.len() == 1) {
        volume["emptyDir"] = json!({});
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(source).filter(|source| source.is_object()) {
            or(source, "defaultMode", 420);
            items(source, "items").for_each(field_ref);
            for projection in items(source, "sources") {
                if let Some(token) = projection.get_mut("serviceAccountToken") {
                    or(token, "expirationSeconds", 3600);
                }
                if let Some(downward) = projection.get_mut("downwardAPI") {
                    items(downward, "items").for_each(field_ref);
                }
            }
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        or(path, "type", "");
    }
    if let Some(claim) = volume.pointer_mut("/ephemeral/volumeClaimTemplate/spec") {
        or(claim, "volumeMode", "Filesystem");
    }
}

fn field_ref(item: &mut Value) {
    if let Some(source) = item.get_mut("fieldRef") {
        or(source, "apiVersion", "v1");
    }
}
