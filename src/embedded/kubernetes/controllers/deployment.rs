//! Deployments become available some time after their spec has changed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Run, condition, mark};
use crate::embedded::kubernetes::store::{Key, World, field};

/// Brings the status up to date.
pub fn run(run: &mut Run, world: &mut World, key: &Key, object: &Value) {
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let stuck = world.settings.is_stuck(object);
    let mark = mark(object);
    let (done, at) = if stuck {
        let deadline = object["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600);
        run.passed(world, object, &mark, Duration::from_secs(deadline))
    } else {
        let delay = if replicas == 0 { Duration::ZERO } else { world.settings.delays.rollout };
        run.passed(world, object, &mark, delay)
    };
    let name = field(object, "name");
    // The pods of the last rollout serve until the new ones do.
    let serving = object["status"]["availableReplicas"].as_i64().unwrap_or_default().min(replicas);
    let available = if done && !stuck { replicas } else { serving };
    // Beside pods that serve there is one new pod more at a time; without them all are new.
    let (updated, total) =
        if (done && !stuck) || serving == 0 { (replicas, replicas) } else { (replicas.min(1), replicas + 1) };
    let mut status = json!({"observedGeneration": object["metadata"]["generation"]});
    let mut count = |field: &str, number: i64| {
        if number > 0 {
            status[field] = number.into();
        }
    };
    count("replicas", total);
    count("updatedReplicas", updated);
    count("readyReplicas", available);
    count("availableReplicas", available);
    count("unavailableReplicas", total - available);
    let since = world.since(super::uid(object), &mark, run.now);
    let minimum = if available == replicas {
        let from = if done { at } else { first_time(object).unwrap_or(since) };
        condition("Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.", from)
    } else {
        let text = "Deployment does not have minimum availability.";
        condition("Available", false, "MinimumReplicasUnavailable", text, since)
    };
    let set = format!("ReplicaSet \"{name}-{mark}\"");
    let progress = match (stuck, done) {
        (false, true) => {
            let text = format!("{set} has successfully progressed.");
            condition("Progressing", true, "NewReplicaSetAvailable", &text, at)
        }
        (true, true) => {
            let text = format!("{set} has timed out progressing.");
            condition("Progressing", false, "ProgressDeadlineExceeded", &text, at)
        }
        (_, false) => {
            condition("Progressing", true, "ReplicaSetUpdated", &format!("{set} is progressing."), since)
        }
    };
    status["conditions"] = json!([minimum, progress]);
    run.set_status(world, key, status);
}

/// Since when the Deployment has been available, if it is.
fn first_time(object: &Value) -> Option<jiff::Timestamp> {
    let conditions = object["status"]["conditions"].as_array()?;
    let available = conditions.iter().find(|one| one["type"] == "Available" && one["status"] == "True")?;
    available["lastTransitionTime"].as_str()?.parse().ok()
}
