//! A platform for the kinds' own tests: one network with a subnet and a cluster.

use serde_json::{Value, json};

use super::Kind;
use crate::inventory::{Inventory, Payload, Sighting};
use crate::resources::{Context, Declared, Desired, Kind as AnyKind, Names, ResourceId};
use crate::spec::Spec;
use crate::spec::types::Sensitive;

/// What is found before anything is made.
pub fn platform() -> Inventory {
    let mut seen = Inventory::default();
    let subnet = json!({"name": "main", "network": "projects/p-1/global/networks/vpc", "ipCidrRange": "10.1.0.0/24",
                        "description": "managed-by=services-gcp"});
    note(&mut seen, Kind::Subnetwork, "projects/p-1/regions/us-central1/subnetworks/main", subnet);
    let cluster = json!({"name": "main", "location": "us-central1", "network": "vpc", "status": "RUNNING",
                         "clusterIpv4Cidr": "10.4.0.0/14"});
    note(&mut seen, Kind::Cluster, "projects/p-1/locations/us-central1/clusters/main", cluster);
    seen
}

/// Notes that something is there.
pub fn note(seen: &mut Inventory, kind: Kind, name: &str, body: Value) {
    seen.note(ResourceId::google(kind, name), Sighting::Present(body));
}

/// Notes the content of a generated secret.
pub fn fill(seen: &mut Inventory, suffix: &str) {
    let name = format!("projects/p-1/secrets/appdifydemo0a1b2c3d-{suffix}");
    seen.payloads.insert(name, Payload { version: 1, content: Sensitive::new("s3cret") });
}

/// What a kind declares for a spec and an inventory.
pub fn declared(
    spec: Spec,
    seen: &Inventory,
    declare: impl FnOnce(&Context<'_>) -> Vec<Declared>,
) -> Vec<Declared> {
    let spec = Spec { project_id: "p-1".into(), ..spec };
    let names = Names::new("demo", &spec, "0a1b2c3d");
    declare(&Context { spec: &spec, names: &names, generation: 7, seen })
}

/// The body of what is ready.
pub fn body(declared: &Declared) -> &Value {
    match &declared.desired {
        Desired::Ready(document) => document.wire(),
        other => panic!("{} is not ready: {other:?}", declared.id),
    }
}

/// Whether something is needed.
pub fn needs(declared: &Declared, kind: Kind, short_name: &str) -> bool {
    declared.needs.iter().any(|need| need.kind == AnyKind::Google(kind) && need.name.contains(short_name))
}
