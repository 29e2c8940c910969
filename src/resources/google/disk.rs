//! Disks: the NFS server's data disk.
//!
//! Identity: `projects/<p>/zones/<z>/disks/<d>`. Desired: size and type when it is made, labels. Compare: labels; a
//! disk only grows, and how far is an operator's. Readiness: `READY`. Never removed (Compute v1).

use serde_json::Value;

use crate::resources::{Readiness, Wait, WaitKind};

use super::address::set_labels;
use super::descriptor::{Create, Descriptor, Precondition, READ_ONLY, Update};
use super::text;

/// Compute v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "compute.googleapis.com",
    base: "compute/v1",
    get: "compute.disks.get",
    create: Create::NamedInBody { method_id: "compute.disks.insert" },
    update: Update::Custom(|revision| set_labels(revision, "compute.disks.setLabels", true)),
    labels: Some("/labels"),
    written_once: &["/sizeGb", "/type", "/description"],
    delete: Some("compute.disks.delete"),
    delete_precondition: Precondition::RequestId,
    data_store: true,
    readiness,
    ..READ_ONLY
};

fn readiness(seen: &Value) -> Readiness {
    match text(seen, "/status") {
        "READY" => Readiness::Ready,
        "FAILED" => Readiness::Failed("the disk failed; restore it from a snapshot".into()),
        "DELETING" => Readiness::Failed("the disk is being deleted".into()),
        _ => Readiness::NotYet(Wait::new(WaitKind::Operation, "the disk is being created")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::Document;
    use crate::resources::google::{Kind, driver};

    #[test]
    fn a_disk_that_has_grown_is_left_alone() {
        let desired = Document::new(json!({"sizeGb": "10", "labels": {}}));
        assert!(
            driver::compare(Kind::Disk, &desired, &json!({"sizeGb": "50", "status": "READY"})).is_empty()
        );
        assert_eq!(readiness(&json!({"status": "READY"})), Readiness::Ready);
    }
}
