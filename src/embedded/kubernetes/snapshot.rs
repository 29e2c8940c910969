//! Objects without what differs between two runs that do the same.

use serde_json::Value;

/// Identifiers, versions, times and what is handed out in the order of asking.
const ACCIDENTAL: [&str; 23] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "observedGeneration",
    "time",
    "lastTransitionTime",
    "lastUpdateTime",
    "lastProbeTime",
    "startTime",
    "completionTime",
    "startedAt",
    "finishedAt",
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "volumeName",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "healthCheckNodePort",
    "currentRevision",
    "updateRevision",
];

/// The object without them, in every depth.
pub fn normalise(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let accidental = |name: &str| ACCIDENTAL.contains(&name) || name.starts_with("k:{\"uid\":");
            let kept = fields.iter().filter(|(name, _)| !accidental(name));
            kept.map(|(name, child)| (name.clone(), normalise(child))).collect()
        }
        Value::Array(items) => items.iter().map(normalise).collect(),
        scalar => scalar.clone(),
    }
}
