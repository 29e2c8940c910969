//! Virtual machines: the NFS server.
//!
//! Identity: `projects/<p>/zones/<z>/instances/<i>`. Desired: everything when it is made; afterwards labels, start
//! script with the other metadata of ours, and tags, each with a setter and a fingerprint of its own, one per step.
//! Machine type, disks and interfaces are an operator's. Readiness: `RUNNING` (Compute v1).

use serde_json::{Value, json};

use crate::plan::GoogleRequest;
use crate::resources::{Readiness, Wait, WaitKind};

use super::address::set_labels;
use super::descriptor::{Create, Descriptor, Precondition, READ_ONLY, Revision, Update};
use super::{patch, request, text};

/// Compute v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "compute.googleapis.com",
    base: "compute/v1",
    get: "compute.instances.get",
    create: Create::NamedInBody { method_id: "compute.instances.insert" },
    update: Update::Custom(update),
    delete: Some("compute.instances.delete"),
    delete_precondition: Precondition::RequestId,
    labels: Some("/labels"),
    written_once: &[
        "/machineType",
        "/description",
        "/disks",
        "/networkInterfaces",
        "/serviceAccounts",
        "/shieldedInstanceConfig",
    ],
    keyed: &[("/metadata/items", "key"), ("/tags/items", "")],
    readiness,
    ..READ_ONLY
};

fn update(revision: &Revision<'_>) -> Result<GoogleRequest, String> {
    let changed = |field: &str| revision.changes.iter().any(|change| change.path.starts_with(field));
    if changed("/metadata") {
        let (body, method) = (items(revision, "/metadata")?, "compute.instances.setMetadata");
        return Ok(set(revision, "/setMetadata", method, body));
    }
    if changed("/tags") {
        return Ok(set(revision, "/setTags", "compute.instances.setTags", items(revision, "/tags")?));
    }
    set_labels(revision, "compute.instances.setLabels", true)
}

fn set(revision: &Revision<'_>, suffix: &str, method_id: &'static str, body: Value) -> GoogleRequest {
    let mut call = request::on(revision.descriptor, revision.id, suffix, method_id, body);
    call.query.push(("requestId", request::change_id(revision, method_id)));
    call
}

/// A list with the items of others kept, and the fingerprint of what was seen.
fn items(revision: &Revision<'_>, field: &str) -> Result<Value, String> {
    let list = patch::replaced(revision).pointer(&format!("{field}/items")).cloned().unwrap_or_default();
    let fingerprint = patch::seen_text(revision, &format!("{field}/fingerprint"))?;
    Ok(json!({"items": list, "fingerprint": fingerprint}))
}

fn readiness(seen: &Value) -> Readiness {
    let name = text(seen, "/name");
    match text(seen, "/status") {
        "RUNNING" => Readiness::Ready,
        "TERMINATED" | "STOPPED" | "SUSPENDED" => {
            Readiness::Failed(format!("the VM {name} is stopped; start it"))
        }
        status => Readiness::NotYet(Wait::new(WaitKind::LongOperation, format!("the VM {name} is {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Body;
    use crate::resources::google::{Kind, driver};
    use crate::resources::{Document, ResourceId};

    #[test]
    fn a_new_script_is_set_beside_the_metadata_of_others() {
        let id = ResourceId::google(Kind::Instance, "projects/p/zones/z/instances/i");
        let desired = Document::new(json!({"labels": {"tenant": "demo"}, "tags": {"items": ["nfs"]},
            "metadata": {"items": [{"key": "startup-script", "value": "new"}]}}));
        let seen = json!({"labels": {"tenant": "demo"}, "tags": {"items": ["nfs", "theirs"]},
            "metadata": {"fingerprint": "f=", "items": [{"key": "ssh-keys", "value": "x"}, {"key": "startup-script", "value": "old"}]}});
        let changes = driver::compare(Kind::Instance, &desired, &seen);
        assert_eq!(changes.len(), 1);
        let call = driver::update(&id, &desired, &seen, &changes, 1).unwrap();
        assert_eq!(call.method_id, "compute.instances.setMetadata");
        let Body::Document(body) = call.body else { panic!("no body") };
        assert_eq!(body.wire()["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(body.wire()["fingerprint"], "f=");
    }

    #[test]
    fn a_stopped_machine_is_not_waited_for() {
        assert!(matches!(readiness(&json!({"status": "STAGING"})), Readiness::NotYet(_)));
        assert!(matches!(readiness(&json!({"status": "TERMINATED"})), Readiness::Failed(_)));
    }
}
