//! Fields the built-in kinds cannot be without, and fields that contradict each other.

use serde_json::Value;

use crate::embedded::kubernetes::failure::Cause;
use crate::embedded::kubernetes::kinds::Kind;

/// Finds what is missing or contradictory.
pub fn check(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    match kind.kind {
        "Deployment" | "StatefulSet" | "ReplicaSet" => workload(object, causes),
        "Job" => job(object, "spec", causes),
        "CronJob" => {
            missing(object, "spec.schedule", causes);
            job(object, "spec.jobTemplate.spec", causes);
        }
        "Pod" => pod(object, "spec", causes),
        "Service" if object["spec"]["type"] != "ExternalName" && object["spec"]["clusterIP"] != "None" => {
            missing(object, "spec.ports", causes);
        }
        "PersistentVolumeClaim" => {
            if at(object, "spec.accessModes").is_none() {
                causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
            }
            if at(object, "spec.resources.requests.storage").is_none() {
                causes.push(Cause::required("spec.resources[storage]", ""));
            }
        }
        "HorizontalPodAutoscaler" => autoscaler(object, causes),
        "RoleBinding" => missing(object, "roleRef.name", causes),
        _ => {}
    }
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    object.pointer(&format!("/{}", path.replace('.', "/"))).filter(|value| !value.is_null())
}

fn missing(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    let empty = at(object, path).is_none_or(|value| {
        value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty)
    });
    if empty {
        causes.push(Cause::required(path, ""));
    }
}

fn workload(object: &Value, causes: &mut Vec<Cause>) {
    let labels = &object["spec"]["template"]["metadata"]["labels"];
    match at(object, "spec.selector") {
        None => causes.push(Cause::required("spec.selector", "")),
        Some(selector) => {
            let wanted = selector.get("matchLabels").and_then(Value::as_object);
            if wanted.into_iter().flatten().any(|(name, value)| labels.get(name) != Some(value)) {
                let why = "`selector` does not match template `labels`";
                causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
            }
        }
    }
    if object["spec"]["replicas"].as_i64().is_some_and(|replicas| replicas < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid("spec.replicas", &object["spec"]["replicas"], why));
    }
    pod(object, "spec.template.spec", causes);
    if object["spec"]["strategy"]["type"] == "Recreate" && at(object, "spec.strategy.rollingUpdate").is_some()
    {
        let why = "may not be specified when strategy `type` is 'Recreate'";
        causes.push(Cause::forbidden("spec.strategy.rollingUpdate", why));
    }
    if at(object, "spec.template.spec.restartPolicy").is_some_and(|policy| policy != "Always") {
        let policy = object["spec"]["template"]["spec"]["restartPolicy"].as_str().unwrap_or_default();
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &["Always".to_owned()]));
    }
}

fn job(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    let spec = format!("{path}.template.spec");
    pod(object, &spec, causes);
    let policy = at(object, &format!("{spec}.restartPolicy")).and_then(Value::as_str).unwrap_or_default();
    if policy == "Always" || policy.is_empty() {
        // The default of pods is none that a Job may have.
        let why = "valid values: \"OnFailure\", \"Never\"";
        causes.push(Cause::required(&format!("{spec}.restartPolicy"), why));
    }
}

fn pod(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    missing(object, &format!("{path}.containers"), causes);
    let Some(spec) = at(object, path) else { return };
    for (index, volume) in spec["volumes"].as_array().into_iter().flatten().enumerate() {
        let sources =
            volume.as_object().into_iter().flatten().map(|(name, _)| name).filter(|name| *name != "name");
        for extra in sources.skip(1) {
            let why = "may not specify more than 1 volume type";
            causes.push(Cause::forbidden(&format!("{path}.volumes[{index}].{extra}"), why));
        }
    }
    // A StatefulSet's claims become volumes of its pods.
    let claims = object["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    let claims = claims.map(|claim| &claim["metadata"]["name"]);
    let volumes = spec["volumes"].as_array().into_iter().flatten().map(|volume| &volume["name"]);
    let volumes: Vec<&Value> = volumes.chain(claims).collect();
    for list in ["initContainers", "containers"] {
        for (index, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let here = format!("{path}.{list}[{index}]");
            for field in ["name", "image"] {
                if container[field].as_str().is_none_or(str::is_empty) {
                    causes.push(Cause::required(&format!("{here}.{field}"), ""));
                }
            }
            if list == "initContainers" && container["restartPolicy"] != "Always" {
                for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                    if container.get(field).is_some() {
                        let why = "may not be set for init containers without restartPolicy=Always";
                        causes.push(Cause::forbidden(&format!("{here}.{field}"), why));
                    }
                }
            }
            for (mount, entry) in container["volumeMounts"].as_array().into_iter().flatten().enumerate() {
                if !volumes.contains(&&entry["name"]) {
                    let message = format!("Not found: {}", entry["name"]);
                    let field = format!("{here}.volumeMounts[{mount}].name");
                    causes.push(Cause { reason: "FieldValueNotFound", field, message });
                }
            }
        }
    }
}

fn autoscaler(object: &Value, causes: &mut Vec<Cause>) {
    missing(object, "spec.scaleTargetRef.kind", causes);
    missing(object, "spec.scaleTargetRef.name", causes);
    let (least, most) = (&object["spec"]["minReplicas"], &object["spec"]["maxReplicas"]);
    if most.as_i64().is_none_or(|most| most <= 0) {
        causes.push(Cause::invalid("spec.maxReplicas", most, "must be greater than 0"));
    } else if least.as_i64() > most.as_i64() {
        let why = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", most, why));
    }
}
