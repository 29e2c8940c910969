//! What the server fills into workloads.

use serde_json::{Value, json};

use super::pod::pod_spec;
use super::{items, or, or_object};

/// Defaults of a Deployment.
pub fn deployment(object: &mut Value) {
    let spec = &mut object["spec"];
    or(spec, "replicas", 1);
    or(spec, "revisionHistoryLimit", 10);
    or(spec, "progressDeadlineSeconds", 600);
    or_object(spec, "strategy");
    let strategy = &mut spec["strategy"];
    or(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        or_object(strategy, "rollingUpdate");
        or(&mut strategy["rollingUpdate"], "maxUnavailable", "25%");
        or(&mut strategy["rollingUpdate"], "maxSurge", "25%");
    }
    template(spec);
    or_object(object, "status");
}

/// Defaults of a StatefulSet.
pub fn stateful_set(object: &mut Value) {
    let spec = &mut object["spec"];
    or(spec, "replicas", 1);
    or(spec, "revisionHistoryLimit", 10);
    or(spec, "podManagementPolicy", "OrderedReady");
    or_object(spec, "updateStrategy");
    let strategy = &mut spec["updateStrategy"];
    or(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        or_object(strategy, "rollingUpdate");
        or(&mut strategy["rollingUpdate"], "partition", 0);
    }
    or_object(spec, "persistentVolumeClaimRetentionPolicy");
    or(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenDeleted", "Retain");
    or(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenScaled", "Retain");
    for claim in items(spec, "volumeClaimTemplates") {
        or(claim, "kind", "PersistentVolumeClaim");
        or(claim, "apiVersion", "v1");
        or(&mut claim["spec"], "volumeMode", "Filesystem");
        or(claim, "status", json!({"phase": "Pending"}));
    }
    template(spec);
    or(object, "status", json!({"replicas": 0, "availableReplicas": 0}));
}

/// Defaults of a ReplicaSet.
pub fn replica_set(object: &mut Value) {
    or(&mut object["spec"], "replicas", 1);
    template(&mut object["spec"]);
    or(object, "status", json!({"replicas": 0}));
}

/// Defaults of a Job.
pub fn job(object: &mut Value) {
    let spec = &mut object["spec"];
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        or(spec, "completions", 1);
    }
    or(spec, "parallelism", 1);
    or(spec, "backoffLimit", 6);
    or(spec, "completionMode", "NonIndexed");
    or(spec, "suspend", false);
    or(spec, "manualSelector", false);
    let replace = if spec.get("podFailurePolicy").is_some() { "Failed" } else { "TerminatingOrFailed" };
    or(spec, "podReplacementPolicy", replace);
    template(spec);
    or_object(object, "status");
}

/// Defaults of a CronJob. The job's own are filled in when it is made.
pub fn cron_job(object: &mut Value) {
    let spec = &mut object["spec"];
    or(spec, "concurrencyPolicy", "Allow");
    or(spec, "suspend", false);
    or(spec, "successfulJobsHistoryLimit", 3);
    or(spec, "failedJobsHistoryLimit", 1);
    if let Some(template) = spec.get_mut("jobTemplate") {
        or_object(template, "metadata");
    }
    if let Some(job) = spec.pointer_mut("/jobTemplate/spec") {
        template(job);
    }
    or_object(object, "status");
}

/// Defaults of a HorizontalPodAutoscaler.
pub fn autoscaler(object: &mut Value) {
    let spec = &mut object["spec"];
    or(spec, "minReplicas", 1);
    if items(spec, "metrics").next().is_none() {
        spec["metrics"] = json!([{"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": 80}}}]);
    }
    if let Some(behavior) = spec.get_mut("behavior").filter(|behavior| behavior.is_object()) {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
        or_object(behavior, "scaleUp");
        or_object(behavior, "scaleDown");
        or(&mut behavior["scaleUp"], "stabilizationWindowSeconds", 0);
        or(&mut behavior["scaleUp"], "policies", json!([pods, percent]));
        or(&mut behavior["scaleDown"], "policies", json!([percent]));
        for direction in ["scaleUp", "scaleDown"] {
            or(&mut behavior[direction], "selectPolicy", "Max");
        }
    }
    or(object, "status", json!({"desiredReplicas": 0, "currentMetrics": null}));
}

fn template(spec: &mut Value) {
    if let Some(template) = spec.get_mut("template") {
        or_object(template, "metadata");
    }
    if let Some(pod) = spec.pointer_mut("/template/spec") {
        pod_spec(pod);
    }
}
