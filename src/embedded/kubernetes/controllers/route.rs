//! Routes are accepted by the Gateways they name.

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
    let there = |world: &World, kind: &str, reference: &Value| {
        let namespace = reference["namespace"].as_str().unwrap_or(&key.namespace);
        let name = reference["name"].as_str().unwrap_or_default();
        kinds::by_name(kind).is_some_and(|kind| world.get(&Key::new(kind, namespace, name)).is_some())
    };
    let rules = object["spec"]["rules"].as_array().into_iter().flatten();
    let mut backends = rules.flat_map(|rule| rule["backendRefs"].as_array().into_iter().flatten());
    let resolved = backends.all(|backend| there(world, "Service", backend));
    let reason = if resolved { "ResolvedRefs" } else { "BackendNotFound" };
    let parents: Vec<Value> = object["spec"]["parentRefs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|parent| there(world, "Gateway", parent))
        .map(|parent| {
            let conditions = [
                ("Accepted", true, "Accepted"),
                ("ResolvedRefs", resolved, reason),
                ("Reconciled", true, "ReconciliationSucceeded"),
            ]
            .map(|(kind, status, reason)| gateway_condition(object, kind, status, reason, at));
            json!({"parentRef": parent, "controllerName": "networking.gke.io/gateway", "conditions": conditions})
        })
        .collect();
    run.set_status(world, key, json!({"parents": parents}));
}
