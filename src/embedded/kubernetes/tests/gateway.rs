//! What load balancers do by themselves.

use std::sync::Arc;

use serde_json::json;

use super::*;

const GROUP: &str = "gateway.networking.k8s.io/v1";

#[tokio::test]
async fn a_gateway_with_its_route_and_policy_becomes_ready() {
    let world = World::with(|options| {
        options.addresses = Some(Arc::new(|name| (name == "dify-ip").then(|| "198.51.100.7".to_owned())));
    });
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "ports": [{"port": 80}], "selector": {"app": "web"}}});
    let gateway = json!({"apiVersion": GROUP, "kind": "Gateway", "metadata": {"name": "dify"}, "spec": {
        "gatewayClassName": "gke-l7-global-external-managed",
        "addresses": [{"type": "NamedAddress", "value": "dify-ip"}],
        "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]}});
    let route = json!({"apiVersion": GROUP, "kind": "HTTPRoute", "metadata": {"name": "web"}, "spec": {
        "parentRefs": [{"name": "dify"}], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}});
    let policy = json!({"apiVersion": "networking.gke.io/v1", "kind": "GCPBackendPolicy", "metadata": {"name": "web"},
        "spec": {"default": {"timeoutSec": 300}, "targetRef": {"group": "", "kind": "Service", "name": "web"}}});
    for document in [service, gateway, route, policy] {
        world.apply("one", document).await.expect("applied");
    }
    let early = world.server.get("Gateway", NS, "dify").expect("there");
    assert_eq!(condition(&early, "Programmed")["status"], "Unknown");
    world.pass(240);
    let gateway = world.server.get("Gateway", NS, "dify").expect("there");
    assert_eq!(condition(&gateway, "Programmed")["status"], "True");
    assert_eq!(gateway["status"]["addresses"], json!([{"type": "IPAddress", "value": "198.51.100.7"}]));
    assert_eq!(gateway["status"]["listeners"][0]["attachedRoutes"], 1);
    let route = world.server.get("HTTPRoute", NS, "web").expect("there");
    let conditions = route["status"]["parents"][0]["conditions"].as_array().expect("conditions");
    assert!(conditions.iter().all(|one| one["status"] == "True"), "{conditions:?}");
    let policy = world.server.get("GCPBackendPolicy", NS, "web").expect("there");
    assert_eq!(condition(&policy, "Attached")["status"], "True");
}

#[tokio::test]
async fn a_load_balancer_gets_its_address_later() {
    let world = World::new();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "web"}}});
    let stored = world.apply("one", service.clone()).await.expect("applied");
    assert!(stored["spec"]["clusterIP"].as_str().is_some_and(|address| address.starts_with("10.96.")));
    world.pass(60);
    let found = world.server.get("Service", NS, "web").expect("there");
    let address = found["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().expect("an address");
    assert!(address.starts_with("203.0.113."));
    let again = world.apply("one", service).await.expect("applied");
    assert_eq!(again["spec"], stored["spec"], "what the server chose stays");
}
