//! Service Networking v1: the peering through which Cloud SQL gets private addresses.

use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation::{self, LongRunning};
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{Effect, text};

const SERVICE: &str = "servicenetworking";
/// The name every connection of this service has.
const PEERING: &str = "servicenetworking-googleapis-com";

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    let result = match (method, &path[..]) {
        ("GET", ["v1", "operations", id]) => operation::read(cx, &format!("{SERVICE}/operations/{id}")),
        ("GET", ["v1", "services", _, "connections"]) => list(cx),
        ("POST", ["v1", "services", _, "connections"]) => connect(cx, true),
        ("PATCH", ["v1", "services", _, "connections", _]) => connect(cx, false),
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

/// The store's key of a network's connection. A network is named by its last part whatever is before it.
pub fn key(network: &str) -> String {
    let name = network.rsplit('/').next().unwrap_or_default();
    format!("{SERVICE}/connections/{name}")
}

/// Whether a network has a connection.
pub fn connected(cx: &Cx, network: &str) -> bool {
    cx.world.get(&key(network)).is_some()
}

/// A connection's document.
pub fn connection(number: &str, network: &str, ranges: &Value) -> Value {
    let name = network.rsplit('/').next().unwrap_or_default();
    json!({"network": format!("projects/{number}/global/networks/{name}"), "peering": PEERING,
           "service": "services/servicenetworking.googleapis.com", "reservedPeeringRanges": ranges})
}

fn list(cx: &mut Cx) -> Result<Value, ApiError> {
    let network = cx.call.required("network")?;
    let found = cx.world.get(&key(network)).cloned();
    Ok(found.map_or_else(|| json!({}), |connection| json!({"connections": [connection]})))
}

fn connect(cx: &mut Cx, new: bool) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let network = text(&body, "network").to_owned();
    let name = network.rsplit('/').next().unwrap_or_default().to_owned();
    let project = cx.site.project.clone();
    if cx.world.get(&format!("compute/projects/{project}/global/networks/{name}")).is_none() {
        return Err(ApiError::invalid(format!("Network '{network}' does not exist.")));
    }
    if new && connected(cx, &network) {
        let message = "Cannot modify allocated ranges in CreateConnection. Please use UpdateConnection.";
        return Err(ApiError::failed_precondition(message));
    }
    for range in body["reservedPeeringRanges"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let address = cx.world.get(&format!("compute/projects/{project}/global/addresses/{range}"));
        if address.is_none_or(|address| text(address, "purpose") != "VPC_PEERING") {
            return Err(ApiError::invalid(format!("Allocated IP range '{range}' not found in network.")));
        }
    }
    let connection = connection(&cx.site.number, &network, &body["reservedPeeringRanges"]);
    let mut response = connection.clone();
    response["@type"] = json!("type.googleapis.com/google.cloud.servicenetworking.v1.Connection");
    let effects = vec![Effect::Put(key(&network), connection)];
    let takes = cx.site.delays.operation;
    let verb = if new { "create" } else { "update" };
    Ok(operation::long_running(
        cx,
        LongRunning { service: SERVICE, parent: "", target: &network, verb, response, effects, takes },
    ))
}
