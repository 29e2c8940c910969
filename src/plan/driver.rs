//! The questions a planner asks of a resource, whichever cloud it is in.

use serde_json::Value;

use crate::resources::{Change, Document, Kind, Readiness, ResourceId, google, kubernetes};

/// The differences between what should be and what was seen.
pub fn compare(kind: Kind, desired: &Document, seen: &Value) -> Vec<Change> {
    match kind {
        Kind::Google(kind) => google::driver::compare(kind, desired, seen),
        Kind::Kubernetes(kind) => kubernetes::driver::compare(kind, desired, seen),
    }
}

/// Whether others may build on a resource.
pub fn readiness(kind: Kind, seen: &Value) -> Readiness {
    match kind {
        Kind::Google(kind) => google::driver::readiness(kind, seen),
        Kind::Kubernetes(kind) => kubernetes::driver::readiness(kind, seen),
    }
}

/// The spec generation that wrote a resource last, where it says so.
pub fn newer_generation(kind: Kind, seen: &Value) -> Option<i64> {
    match kind {
        Kind::Google(kind) => google::driver::newer_generation(kind, seen),
        Kind::Kubernetes(_) => kubernetes::driver::newer_generation(seen),
    }
}

/// What takes only one change at a time, such as a Cloud SQL instance.
pub fn lane(id: &ResourceId) -> Option<String> {
    match id.kind {
        Kind::Google(_) => google::driver::lane(id),
        Kind::Kubernetes(_) => None,
    }
}
