//! Inventories: the platform as it is found, and a project in which everything is as declared.

use dify_reconciler::inventory::{Inventory, Payload, Sighting};
use dify_reconciler::resources::google::{self, Kind};
use dify_reconciler::resources::{Desired, Kind as AnyKind, ResourceId};
use dify_reconciler::spec::types::Sensitive;
use serde_json::{Value, json};

use crate::scenes::Scene;

/// The content of every secret.
pub const PASSWORD: &str = "hunter2hunter2";

/// Rounds after which nothing new can be declared.
const ROUNDS: usize = 8;

/// The platform alone: a network with a subnet and a cluster.
pub fn found(scene: &Scene) -> Inventory {
    let mut seen = Inventory::default();
    let mut note =
        |kind, name: &str, body| seen.note(ResourceId::google(kind, name), Sighting::Present(body));
    note(
        Kind::Subnetwork,
        "projects/p-1234/regions/us-central1/subnetworks/main",
        json!({"name": "main", "network": "https://www.googleapis.com/compute/v1/projects/p-1234/global/networks/vpc",
               "ipCidrRange": "10.1.0.0/24", "description": "managed-by=services-gcp"}),
    );
    note(
        Kind::Cluster,
        "projects/p-1234/locations/us-central1/clusters/main",
        json!({"name": "main", "location": "us-central1", "network": "vpc", "status": "RUNNING",
               "locations": ["us-central1-c", "us-central1-a"], "clusterIpv4Cidr": "10.4.0.0/14",
               "workloadIdentityConfig": {"workloadPool": "p-1234.svc.id.goog"}}),
    );
    if scene.spec.enable_auto_password_rotation {
        seen.at = "2026-11-23T00:00:00Z".parse().ok();
        seen.rotation_topic = "projects/p-1234/topics/rotations".into();
    }
    for kind in [Kind::Subnetwork, Kind::Cluster] {
        seen.listed.insert((AnyKind::Google(kind), "projects/p-1234".into()));
    }
    seen
}

/// Everything as declared, as the services would answer it.
pub fn complete(scene: &Scene) -> Inventory {
    let mut seen = found(scene);
    for _ in 0..ROUNDS {
        for declared in google::declare(&scene.context(&seen)) {
            let AnyKind::Google(kind) = declared.id.kind else { continue };
            if kind == Kind::AdmissionPolicy {
                let policy = admission_policy(seen.body(&declared.id), &declared.desired);
                seen.note(declared.id, Sighting::Present(policy));
                continue;
            }
            if seen.body(&declared.id).is_some() {
                continue;
            }
            let body = match &declared.desired {
                Desired::Ready(document) => lived(kind, document.wire().clone()),
                Desired::Found => lived(kind, json!({})),
                Desired::Generated(_) => json!({}),
                Desired::Waiting(_) | Desired::Act(_) | Desired::Copied(_) => continue,
            };
            if kind == Kind::SecretVersion {
                let secret = declared.id.name.trim_end_matches("/versions").to_owned();
                seen.payloads.insert(secret, Payload { version: 1, content: Sensitive::new(PASSWORD) });
            }
            seen.note(declared.id, Sighting::Present(body));
        }
    }
    seen
}

/// The project's policy, which is there before anybody writes it, with our rules as declared.
fn admission_policy(now: Option<&Value>, desired: &Desired) -> Value {
    let initial = || {
        json!({"name": "projects/p-1234/policy", "etag": "BwX=", "globalPolicyEvaluationMode": "ENABLE",
               "defaultAdmissionRule": {"evaluationMode": "ALWAYS_ALLOW",
                                        "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}})
    };
    let mut policy = now.cloned().unwrap_or_else(initial);
    if let Desired::Ready(document) = desired {
        for (field, value) in document.wire().as_object().into_iter().flatten() {
            policy[field] = value.clone();
        }
    }
    policy
}

/// A document as it is answered: with what the server adds and without what it keeps to itself.
fn lived(kind: Kind, mut body: Value) -> Value {
    body["etag"] = "BwX=".into();
    if kind.is_policy() {
        return body;
    }
    for (field, value) in [("metageneration", "3"), ("labelFingerprint", "f="), ("id", "77")] {
        body[field] = value.into();
    }
    match kind {
        Kind::EnabledApi => {
            let services = body["services"].as_array().cloned().unwrap_or_default();
            let service = |name: &Value| json!({"name": format!("projects/1/services/{}", name.as_str().unwrap_or("")), "state": "ENABLED"});
            body["services"] = services.iter().map(service).collect();
        }
        Kind::SqlInstance => {
            body["state"] = "RUNNABLE".into();
            body["databaseVersion"] = "POSTGRES_15".into();
            body["settings"]["settingsVersion"] = "5".into();
            body["connectionName"] = "p-1234:us-central1:i".into();
            body["ipAddresses"] = json!([{"type": "PRIVATE", "ipAddress": "10.9.0.2"}]);
            remove(&mut body, "rootPassword");
        }
        Kind::SqlUser => remove(&mut body, "password"),
        Kind::Bucket => {
            body["projectNumber"] = "77".into();
            remove(&mut body, "project");
        }
        Kind::GlobalAddress | Kind::InternalAddress => {
            body["status"] = "RESERVED".into();
            body["address"] = "10.1.0.9".into();
        }
        Kind::Disk => body["status"] = "READY".into(),
        Kind::Instance => {
            body["status"] = "RUNNING".into();
            body["metadata"]["fingerprint"] = "m=".into();
            body["tags"]["fingerprint"] = "t=".into();
        }
        Kind::Certificate => body["managed"]["state"] = "ACTIVE".into(),
        _ => {}
    }
    body
}

fn remove(body: &mut Value, field: &str) {
    if let Some(fields) = body.as_object_mut() {
        fields.remove(field);
    }
}
