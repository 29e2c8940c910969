//! StatefulSets become available some time after their spec has changed, and claim their volumes.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Run, mark};
use crate::embedded::kubernetes::kinds;
use crate::embedded::kubernetes::store::{Key, World, field};

/// Brings the status up to date and creates the claims.
pub fn run(run: &mut Run, world: &mut World, key: &Key, object: &Value) {
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    claims(run, world, key, object, replicas);
    let mark = mark(object);
    let stuck = world.settings.is_stuck(object);
    let delay = match (stuck, replicas) {
        (true, _) => Duration::MAX,
        (_, 0) => Duration::ZERO,
        _ => world.settings.delays.rollout,
    };
    let (done, _) = run.passed(world, object, &mark, delay);
    let serving = object["status"]["availableReplicas"].as_i64().unwrap_or_default().min(replicas);
    let available = if done { replicas } else { serving };
    let revision = format!("{}-{mark}", field(object, "name"));
    let old = object["status"]["currentRevision"].as_str().filter(|_| !done).unwrap_or(&revision);
    let mut status = json!({"observedGeneration": object["metadata"]["generation"], "replicas": replicas,
        "availableReplicas": available, "currentRevision": old, "updateRevision": revision, "collisionCount": 0});
    for (name, number) in [
        ("readyReplicas", available),
        ("currentReplicas", available),
        ("updatedReplicas", if done { replicas } else { 0 }),
    ] {
        if number > 0 {
            status[name] = number.into();
        }
    }
    run.set_status(world, key, status);
}

fn claims(run: &Run, world: &mut World, key: &Key, object: &Value, replicas: i64) {
    let Some(kind) = kinds::by_name("PersistentVolumeClaim") else { return };
    for template in object["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        for ordinal in 0..replicas {
            let name = format!("{}-{}-{ordinal}", field(template, "name"), key.name);
            if world.get(&Key::new(kind, &key.namespace, &name)).is_none() {
                let labels = &object["spec"]["selector"]["matchLabels"];
                let claim = json!({"metadata": {"name": name, "labels": labels}, "spec": template["spec"]});
                run.create(world, kind, &key.namespace, claim);
            }
        }
    }
}
