//! Gateways get a load balancer with an address.

use serde_json::{Value, json};

use super::{Run, gateway_condition, mark};
use crate::embedded::kubernetes::kinds;
use crate::embedded::kubernetes::store::{Key, World, field};

/// Brings the status up to date.
pub fn run(run: &mut Run, world: &mut World, key: &Key, object: &Value) {
    let delay = world.settings.delays.gateway;
    let (done, at) = run.passed(world, object, &mark(object), delay);
    if !done {
        return;
    }
    let requested = object["spec"]["addresses"].as_array().cloned().unwrap_or_default();
    let mut addresses: Vec<String> = requested.iter().map(|address| resolve(world, address)).collect();
    if addresses.is_empty() {
        addresses.push(world.settings.address(&format!("{}/{}", key.namespace, key.name)));
    }
    let addresses: Vec<Value> =
        addresses.into_iter().map(|value| json!({"type": "IPAddress", "value": value})).collect();
    let listeners = object["spec"]["listeners"].as_array().cloned().unwrap_or_default();
    let listeners: Vec<Value> = listeners
        .iter()
        .map(|listener| {
            let conditions = [
                ("Programmed", true, "Programmed"),
                ("Accepted", true, "Accepted"),
                ("ResolvedRefs", true, "ResolvedRefs"),
                ("Conflicted", false, "NoConflicts"),
            ]
            .map(|(kind, status, reason)| gateway_condition(object, kind, status, reason, at));
            json!({"name": listener["name"], "attachedRoutes": attached(world, key, &listener["name"]),
                "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
                "conditions": conditions})
        })
        .collect();
    let conditions = [("Accepted", "Accepted"), ("Programmed", "Programmed")]
        .map(|(kind, reason)| gateway_condition(object, kind, true, reason, at));
    let status = json!({"addresses": addresses, "listeners": listeners, "conditions": conditions});
    run.set_status(world, key, status);
}

fn resolve(world: &World, address: &Value) -> String {
    let value = address["value"].as_str().unwrap_or_default();
    if address["type"] == "IPAddress" { value.to_owned() } else { world.settings.address(value) }
}

fn attached(world: &World, gateway: &Key, listener: &Value) -> usize {
    let Some(kind) = kinds::by_name("HTTPRoute") else { return 0 };
    let attaches = |route: &Value| {
        route["spec"]["parentRefs"].as_array().into_iter().flatten().any(|parent| {
            parent["name"] == gateway.name.as_str()
                && parent["namespace"].as_str().unwrap_or(field(route, "namespace")) == gateway.namespace
                && parent.get("sectionName").is_none_or(|section| section == listener)
        })
    };
    world.list(kind, "").filter(|(_, route)| attaches(route)).count()
}
