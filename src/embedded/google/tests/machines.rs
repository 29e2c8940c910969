//! Compute Engine and GKE.

use serde_json::json;

use super::*;

fn compute() -> String {
    format!("compute.googleapis.com/compute/v1/projects/{PROJECT}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_reserved_once_per_request_id() {
    let world = with(|_| {});
    let path = format!("{}/global/addresses?requestId=6f0f7a9e-0000-4000-8000-000000000001", compute());
    let operation = world.post(&path, json!({"name": "dify-ip", "labels": {"a": "1"}})).await;
    let again = world.post(&path, json!({"name": "dify-ip"})).await;
    assert_eq!(operation["name"], again["name"]);
    let address = world.get(&format!("{}/global/addresses/dify-ip", compute())).await;
    assert_eq!((&address["status"], &address["address"]), (&json!("RESERVING"), &json!("203.0.113.2")));
    world.advance(5);
    let name = operation["name"].as_str().expect("a name");
    let wait = world.post(&format!("{}/global/operations/{name}/wait", compute()), json!({})).await;
    assert_eq!((&wait["status"], &wait["progress"]), (&json!("DONE"), &json!(100)));
    let address = world.get(&format!("{}/global/addresses/dify-ip", compute())).await;
    assert_eq!(address["status"], "RESERVED");
    let labels = json!({"labels": {"b": "2"}, "labelFingerprint": address["labelFingerprint"]});
    let set = format!("{}/global/addresses/dify-ip/setLabels", compute());
    world.post(&set, labels.clone()).await;
    let stale = world.call("POST", &set, Some(labels)).await;
    assert_eq!((stale.0, reason(&stale.1)), (412, "conditionNotMet"));
    let address = format!("compute/projects/{PROJECT}/global/addresses/dify-ip");
    let mut used = world.server.get(&address).expect("it is there");
    assert_eq!(used["labels"], json!({"b": "2"}));
    used["users"] = json!(["projects/x/global/forwardingRules/y"]);
    world.server.put(&address, used);
    let refused = world.call("DELETE", &format!("{}/global/addresses/dify-ip", compute()), None).await;
    assert_eq!((refused.0, reason(&refused.1)), (400, "resourceInUseByAnotherResource"));
    let taken = world
        .call("POST", &format!("{}/global/addresses", compute()), Some(json!({"name": "dify-ip"})))
        .await;
    assert_eq!((taken.0, reason(&taken.1)), (409, "alreadyExists"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_network_is_found_by_its_description() {
    let world = world();
    let filter = "description%3D%22managed-by%3Dservices-gcp%22";
    let networks = world.get(&format!("{}/global/networks?filter={filter}", compute())).await;
    assert_eq!(networks["items"][0]["name"], "vpc-network-shared");
    let subnets = world.get(&format!("{}/aggregated/subnetworks?filter={filter}", compute())).await;
    assert_eq!(subnets["items"]["regions/us-central1"]["subnetworks"][0]["ipCidrRange"], "10.0.0.0/20");
    assert_eq!(subnets["kind"], "compute#subnetworkAggregatedList");
    assert_eq!(world.get(&format!("{}/zones", compute())).await["items"].as_array().map(Vec::len), Some(4));
    let refused =
        world.call("DELETE", &format!("{}/global/networks/vpc-network-shared", compute()), None).await;
    assert_eq!(reason(&refused.1), "resourceInUseByAnotherResource");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_holds_its_data_disk() {
    let world = world();
    let zone = format!("{}/zones/us-central1-a", compute());
    world.post(&format!("{zone}/disks"), json!({"name": "data", "sizeGb": "100"})).await;
    let subnet = format!("projects/{PROJECT}/regions/us-central1/subnetworks/vpc-network-shared-subnet");
    let address = json!({"name": "nfs-ip", "addressType": "INTERNAL", "subnetwork": subnet});
    world.post(&format!("{}/regions/us-central1/addresses", compute()), address).await;
    let instance = json!({
        "name": "nfs", "machineType": "zones/us-central1-a/machineTypes/e2-small",
        "disks": [{"boot": true, "autoDelete": true, "initializeParams": {"diskSizeGb": "20",
                                                                          "sourceImage": "debian"}},
                  {"source": format!("projects/{PROJECT}/zones/us-central1-a/disks/data"),
                  "deviceName": "data"}],
        "networkInterfaces": [{"subnetwork": subnet}],
        "metadata": {"items": [{"key": "startup-script", "value": "x"}]},
    });
    world.post(&format!("{zone}/instances"), instance).await;
    let made = world.get(&format!("{zone}/instances/nfs")).await;
    assert_eq!(made["status"], "RUNNING");
    assert_eq!(made["networkInterfaces"][0]["networkIP"], "10.0.0.3", "the reservation has the first one");
    let refused = world.call("DELETE", &format!("{zone}/disks/data"), None).await;
    assert_eq!(reason(&refused.1), "resourceInUseByAnotherResource");
    let metadata = json!({"fingerprint": made["metadata"]["fingerprint"], "items": []});
    world.post(&format!("{zone}/instances/nfs/setMetadata"), metadata.clone()).await;
    assert_eq!(world.call("POST", &format!("{zone}/instances/nfs/setMetadata"), Some(metadata)).await.0, 412);
    world.post(&format!("{zone}/instances/nfs/stop"), json!({})).await;
    assert_eq!(world.get(&format!("{zone}/instances/nfs")).await["status"], "TERMINATED");
    assert_eq!(world.call("DELETE", &format!("{zone}/instances/nfs"), None).await.0, 200);
    assert_eq!(
        world.call("GET", &format!("{zone}/disks/nfs"), None).await.0,
        404,
        "the boot disk went with it"
    );
    assert!(world.get(&format!("{zone}/disks/data")).await.get("users").is_none());
    let smaller =
        world.call("POST", &format!("{zone}/disks/data/resize"), Some(json!({"sizeGb": "50"}))).await;
    assert_eq!(smaller.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_says_in_guest_attributes_what_its_service_has_done() {
    let world = with(|options| options.delays.guest = std::time::Duration::from_secs(20));
    let subnet = format!("projects/{PROJECT}/regions/us-central1/subnetworks/vpc-network-shared-subnet");
    let secrets = format!("secretmanager.googleapis.com/v1/projects/{PROJECT}/secrets");
    world.post(&format!("{secrets}?secretId=redis"), json!({"replication": {"automatic": {}}})).await;
    let payload = json!({"payload": {"data": "eA=="}});
    world.post(&format!("{secrets}/redis:addVersion"), payload.clone()).await;
    let script = format!("readonly secret='projects/{PROJECT}/secrets/redis'\ncurl guest-attributes/x");
    let metadata = |versions: &str| {
        json!([{"key": "startup-script", "value": script}, {"key": "enable-guest-attributes", "value": "TRUE"},
               {"key": "redis-passwords", "value": versions}])
    };
    let zone = format!("{}/zones/us-central1-a", compute());
    let instance = json!({
        "name": "nfs", "networkInterfaces": [{"subnetwork": subnet}], "metadata": {"items": metadata("v1")},
        "disks": [{"boot": true, "autoDelete": true, "initializeParams": {"sourceImage": "debian"}}],
    });
    world.post(&format!("{zone}/instances"), instance).await;
    let attributes = format!("{zone}/instances/nfs/getGuestAttributes?queryPath=dify-reconciler/");
    assert_eq!(world.call("GET", &attributes, None).await.0, 404, "it is starting");
    world.advance(60);
    let said = world.get(&attributes).await;
    let item = json!({"namespace": "dify-reconciler", "key": "redis-passwords", "value": "v1"});
    assert_eq!(said["queryValue"]["items"], json!([item]));

    let set = |versions: &'static str| {
        let (world, zone, metadata, attributes) = (&world, &zone, &metadata, &attributes);
        async move {
            let seen = world.get(&format!("{zone}/instances/nfs")).await;
            let body = json!({"fingerprint": seen["metadata"]["fingerprint"], "items": metadata(versions)});
            world.post(&format!("{zone}/instances/nfs/setMetadata"), body).await;
            world.advance(60);
            world.get(attributes).await["queryValue"]["items"][0]["value"].clone()
        }
    };
    assert_eq!(set("v1 v2").await, "v1", "there is no second version that could be read");
    world.post(&format!("{secrets}/redis:addVersion"), payload).await;
    assert_eq!(set("v1 v2").await, "v1 v2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_security_policy_always_has_its_last_rule() {
    let world = world();
    let path = format!("{}/global/securityPolicies", compute());
    world.post(&path, json!({"name": "waf"})).await;
    let rule = json!({"priority": 1000, "action": "deny(403)"});
    world.post(&format!("{path}/waf/addRule"), rule.clone()).await;
    assert_eq!(world.call("POST", &format!("{path}/waf/addRule"), Some(rule)).await.0, 400);
    let policy = world.get(&format!("{path}/waf")).await;
    let priorities: Vec<i64> = policy["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .filter_map(|rule| rule["priority"].as_i64())
        .collect();
    assert_eq!(priorities, [1000, 2_147_483_647]);
    let stale = world.call("PATCH", &format!("{path}/waf"), Some(json!({"fingerprint": "x"}))).await;
    assert_eq!(stale.0, 412);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_can_end_in_an_error_and_leave_nothing() {
    let world = world();
    world.server.fail_operation("addresses/dify-ip", "QUOTA_EXCEEDED", "no more addresses");
    let operation = world.post(&format!("{}/global/addresses", compute()), json!({"name": "dify-ip"})).await;
    let name = operation["name"].as_str().expect("a name");
    let ended = world.get(&format!("{}/global/operations/{name}", compute())).await;
    assert_eq!(ended["error"]["errors"][0]["code"], "QUOTA_EXCEEDED");
    assert_eq!(world.call("GET", &format!("{}/global/addresses/dify-ip", compute()), None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_is_found_in_any_location_and_points_where_it_was_told() {
    let world = world();
    world.server.seed_cluster(crate::embedded::google::Cluster::autopilot("http://127.0.0.1:7777"));
    let list =
        world.get(&format!("container.googleapis.com/v1/projects/{PROJECT}/locations/-/clusters")).await;
    let clusters = list["clusters"].as_array().expect("clusters");
    assert_eq!(clusters.len(), 1);
    let cluster = &clusters[0];
    assert_eq!(cluster["autopilot"]["enabled"], true);
    assert_eq!(
        cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["endpoint"],
        "http://127.0.0.1:7777"
    );
    assert_eq!(cluster["networkConfig"]["gatewayApiConfig"]["channel"], "CHANNEL_STANDARD");
}
