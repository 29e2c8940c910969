//! Services of type LoadBalancer get an address.

use serde_json::{Value, json};

use super::{Run, mark};
use crate::embedded::kubernetes::store::{Key, World};

/// Brings the status up to date.
pub fn run(run: &mut Run, world: &mut World, key: &Key, object: &Value) {
    if object["spec"]["type"] != "LoadBalancer" {
        return run.set_status(world, key, json!({"loadBalancer": {}}));
    }
    let delay = world.settings.delays.service;
    let (done, _) = run.passed(world, object, &mark(object), delay);
    if !done {
        return;
    }
    let annotation = &object["metadata"]["annotations"]["networking.gke.io/load-balancer-ip-addresses"];
    let address = match (object["spec"]["loadBalancerIP"].as_str(), annotation.as_str()) {
        (Some(address), _) if !address.is_empty() => address.to_owned(),
        (_, Some(name)) => world.settings.address(name),
        _ => world.settings.address(&format!("{}/{}", key.namespace, key.name)),
    };
    let status = json!({"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}});
    run.set_status(world, key, status);
}
