//! What facts say of a project as it is found.

use serde_json::json;

use super::*;
use crate::resources::Names;

fn subnet(seen: &mut Inventory, network: &str, region: &str, description: &str) {
    let name = format!("projects/p-1/regions/{region}/subnetworks/{network}-{region}");
    let body = json!({"network": format!("https://www.googleapis.com/compute/v1/projects/p-1/global/networks/{network}"),
                      "ipCidrRange": "10.1.0.0/24", "description": description,
                      "secondaryIpRanges": [{"rangeName": "more", "ipCidrRange": "10.9.0.0/16"}]});
    seen.note(ResourceId::google(Kind::Subnetwork, name), Sighting::Present(body));
}

fn cluster_at(seen: &mut Inventory, name: &str, location: &str, network: &str) {
    let id = format!("projects/p-1/locations/{location}/clusters/{name}");
    let body = json!({"name": name, "location": location, "network": network, "status": "RUNNING",
                      "ipAllocationPolicy": {"clusterIpv4CidrBlock": "10.4.0.0/14",
                                             "additionalPodRangesConfig": {"podRangeNames": ["more"]}}});
    seen.note(ResourceId::google(Kind::Cluster, id), Sighting::Present(body));
}

fn listed() -> Inventory {
    let mut seen = Inventory::default();
    for kind in [Kind::Subnetwork, Kind::Cluster] {
        seen.listed.insert((AnyKind::Google(kind), "projects/p-1".into()));
    }
    seen
}

fn with<T>(spec: Spec, seen: &Inventory, ask: impl FnOnce(&Context<'_>) -> T) -> T {
    let spec = Spec { project_id: "p-1".into(), ..spec };
    let names = Names::new("demo", &spec, "0a1b2c3d");
    ask(&Context { spec: &spec, names: &names, generation: 1, seen })
}

#[test]
fn nothing_is_concluded_before_looking() {
    let wait = with(Spec::default(), &Inventory::default(), network).unwrap_err();
    assert_eq!(wait.kind, WaitKind::Dependency);
}

#[test]
fn no_network_and_several_networks_are_the_users_to_solve() {
    let mut seen = listed();
    let none = with(Spec::default(), &seen, network).unwrap_err();
    assert_eq!(none.kind, WaitKind::User);
    assert!(none.why.contains("shared services"), "{}", none.why);

    subnet(&mut seen, "vpc-a", "us-central1", PLATFORM_MARK);
    assert_eq!(with(Spec::default(), &seen, network), Ok("vpc-a".into()));
    subnet(&mut seen, "vpc-b", "us-central1", PLATFORM_MARK);
    assert!(with(Spec::default(), &seen, network).unwrap_err().why.contains("vpc-a, vpc-b"));
    let named = Spec { network_name: "vpc-b".into(), ..Spec::default() };
    assert_eq!(with(named, &seen, network), Ok("vpc-b".into()));
}

#[test]
fn an_unmarked_network_counts_only_when_none_is_required() {
    let mut seen = listed();
    subnet(&mut seen, "default", "us-central1", "");
    assert!(with(Spec::default(), &seen, network).is_err());
    let free = Spec { require_services_gcp_module: false, ..Spec::default() };
    assert_eq!(with(free, &seen, network), Ok("default".into()));
}

#[test]
fn the_network_decides_the_region_unless_it_leaves_a_choice() {
    let mut seen = listed();
    subnet(&mut seen, "vpc", "europe-west1", PLATFORM_MARK);
    assert_eq!(with(Spec::default(), &seen, region), Ok("europe-west1".into()));
    subnet(&mut seen, "vpc", "us-central1", PLATFORM_MARK);
    assert_eq!(with(Spec::default(), &seen, region), Ok("us-central1".into()));
}

#[test]
fn the_cluster_is_the_one_on_the_network() {
    let mut seen = listed();
    subnet(&mut seen, "vpc", "us-central1", PLATFORM_MARK);
    assert!(with(Spec::default(), &seen, cluster).unwrap_err().why.contains("no GKE cluster"));
    cluster_at(&mut seen, "elsewhere", "us-central1", "other");
    cluster_at(&mut seen, "far", "asia-east1", "vpc");
    cluster_at(&mut seen, "near", "us-central1", "vpc");
    let found = with(Spec::default(), &seen, cluster).unwrap();
    assert_eq!((found.id.short_name(), found.location.as_str()), ("near", "us-central1"));
    assert_eq!(found.workload_pool, "p-1.svc.id.goog");
    assert_eq!(found.pod_ranges, ["10.4.0.0/14", "10.9.0.0/16"]);
    let named = Spec { gke_cluster_name: "far".into(), ..Spec::default() };
    assert_eq!(with(named, &seen, cluster).unwrap().id.short_name(), "far");
    assert_eq!(
        with(Spec::default(), &seen, client_ranges).unwrap(),
        ["10.1.0.0/24", "10.4.0.0/14", "10.9.0.0/16"]
    );
}

#[test]
fn the_origin_follows_the_exposure() {
    let mut seen = listed();
    let inside = Spec { service_type: "ClusterIP".into(), ..Spec::default() };
    assert_eq!(
        with(inside, &seen, origin).unwrap(),
        "http://appdifydemo0a1b2c3d.appdifydemo0a1b2c3d.svc.cluster.local"
    );
    let domain = Spec {
        enable_custom_domain: true,
        application_domains: vec!["dify.example.com".into()],
        ..Spec::default()
    };
    assert_eq!(with(domain, &seen, origin).unwrap(), "https://dify.example.com");
    assert_eq!(with(Spec::default(), &seen, origin).unwrap_err().kind, WaitKind::FrontDoor);
    let id = with(Spec::default(), &seen, address::front);
    seen.note(id, Sighting::Present(json!({"address": "203.0.113.7"})));
    assert_eq!(with(Spec::default(), &seen, origin).unwrap(), "http://203.0.113.7");
}

#[test]
fn a_missing_secret_of_the_users_is_the_users_to_add() {
    let mut seen = Inventory::default();
    let ask = |context: &Context<'_>| user_secret(context, "mail").map(|payload| payload.version);
    assert_eq!(with(Spec::default(), &seen, ask).unwrap_err().kind, WaitKind::Dependency);
    seen.note(google::secret_version::of("projects/p-1/secrets/mail"), Sighting::Absent);
    assert_eq!(with(Spec::default(), &seen, ask).unwrap_err().kind, WaitKind::User);
}
