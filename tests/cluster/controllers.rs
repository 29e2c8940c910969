//! The controllers of a cluster that has none: everything that was asked for is so at once.

use std::time::Duration;

use dify_reconciler::resources::kubernetes::Kind;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::foreign::Foreign;

/// The address of every Gateway.
pub const ADDRESS: &str = "203.0.113.7";

/// How often they look when they run by themselves.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The kinds that somebody has to do something about.
const KINDS: [Kind; 6] =
    [Kind::ResourceQuota, Kind::Job, Kind::Deployment, Kind::StatefulSet, Kind::Gateway, Kind::HttpRoute];

/// Brings every status in a namespace up to date.
pub async fn play(cluster: &Foreign, namespace: &str) {
    for kind in KINDS {
        for object in cluster.list(kind, namespace).await {
            if let Some(status) = status(kind, &object) {
                cluster.report(kind, &object, status).await;
            }
        }
    }
}

/// Plays in every namespace of a deployment, until it is aborted.
pub fn start(cluster: Foreign, deployment: &'static str) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            for namespace in cluster.list(Kind::Namespace, "").await {
                let metadata = &namespace["metadata"];
                if metadata["labels"]["dify-reconciler/deployment"] == deployment {
                    play(&cluster, metadata["name"].as_str().expect("a name")).await;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
}

/// The status that an object should have; `None` when it has it.
fn status(kind: Kind, object: &Value) -> Option<Value> {
    let generation = &object["metadata"]["generation"];
    let current = object["status"]["observedGeneration"] == *generation;
    let pods = object["spec"]["replicas"].as_i64().unwrap_or(1);
    match kind {
        Kind::ResourceQuota => quota(object),
        Kind::Job => job(object),
        Kind::Deployment if !current => Some(json!({
            "observedGeneration": generation, "replicas": pods, "updatedReplicas": pods,
            "readyReplicas": pods, "availableReplicas": pods,
            "conditions": [condition("Available", "MinimumReplicasAvailable")],
        })),
        Kind::StatefulSet if !current => Some(json!({
            "observedGeneration": generation, "replicas": pods, "updatedReplicas": pods,
            "readyReplicas": pods, "availableReplicas": pods, "currentReplicas": pods,
            "currentRevision": "one", "updateRevision": "one",
        })),
        Kind::Gateway => gateway(object),
        Kind::HttpRoute => route(object),
        _ => None,
    }
}

/// Only a quota that has been counted limits anything.
fn quota(object: &Value) -> Option<Value> {
    let hard = &object["spec"]["hard"];
    let zero: serde_json::Map<String, Value> =
        hard.as_object()?.keys().map(|name| (name.clone(), "0".into())).collect();
    (object["status"]["hard"] != *hard).then(|| json!({"hard": hard, "used": zero}))
}

fn job(object: &Value) -> Option<Value> {
    if object["status"]["completionTime"].is_string() {
        return None;
    }
    let now = now();
    let conditions = ["SuccessCriteriaMet", "Complete"].map(|kind| condition(kind, "CompletionsReached"));
    Some(json!({
        "startTime": now, "completionTime": now, "succeeded": object["spec"]["completions"],
        "ready": 0, "terminating": 0, "uncountedTerminatedPods": {}, "conditions": conditions,
    }))
}

fn gateway(object: &Value) -> Option<Value> {
    let generation = &object["metadata"]["generation"];
    let conditions = object["status"]["conditions"].as_array();
    let programmed = conditions.into_iter().flatten().any(|one| {
        one["type"] == "Programmed" && one["status"] == "True" && one["observedGeneration"] == *generation
    });
    let all = ["Accepted", "Programmed"].map(|kind| {
        let mut condition = condition(kind, kind);
        condition["observedGeneration"] = generation.clone();
        condition
    });
    let addresses = json!([{"type": "IPAddress", "value": ADDRESS}]);
    (!programmed).then(|| json!({"addresses": addresses, "conditions": all}))
}

fn route(object: &Value) -> Option<Value> {
    let parents = object["spec"]["parentRefs"].as_array()?;
    let taken = object["status"]["parents"].as_array().is_some_and(|taken| taken.len() == parents.len());
    let all: Vec<Value> = parents
        .iter()
        .map(|parent| {
            json!({"parentRef": parent, "controllerName": "networking.gke.io/gateway",
                "conditions": [condition("Accepted", "Accepted")]})
        })
        .collect();
    (!taken).then(|| json!({ "parents": all }))
}

fn condition(kind: &str, reason: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": now()})
}

/// Kubernetes' times have whole seconds.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
