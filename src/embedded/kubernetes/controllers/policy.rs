//! GKE's policies attach to what they name.

use serde_json::{Value, json};

use super::{Run, gateway_condition, mark};
use crate::embedded::kubernetes::kinds;
use crate::embedded::kubernetes::store::{Key, World};

/// Brings the status up to date.
pub fn run(run: &mut Run, world: &mut World, key: &Key, object: &Value) {
    let delay = world.settings.delays.gateway;
    let (done, at) = run.passed(world, object, &mark(object), delay);
    if !done {
        return;
    }
    let target = &object["spec"]["targetRef"];
    let name = target["name"].as_str().unwrap_or_default();
    let kind = target["kind"].as_str().and_then(kinds::by_name);
    let there = kind.is_some_and(|kind| world.get(&Key::new(kind, &key.namespace, name)).is_some());
    let reason = if there { "Attached" } else { "TargetNotFound" };
    let condition = gateway_condition(object, "Attached", there, reason, at);
    run.set_status(world, key, json!({"conditions": [condition]}));
}
