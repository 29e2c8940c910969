//! The questions a planner asks of a resource, whichever cloud it is in.

use serde_json::Value;

use crate::inventory::Inventory;
use crate::resources::{Change, Document, Kind, Names, Readiness, ResourceId, google, kubernetes};

use super::{Action, Request};

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

/// Whether a resource that was seen is this deployment's own, and not merely used by it.
pub fn is_ours(id: &ResourceId, seen: &Value, names: &Names) -> bool {
    match id.kind {
        Kind::Google(_) => google::driver::is_ours(id, seen, names),
        Kind::Kubernetes(_) => kubernetes::driver::is_ours(seen),
    }
}

/// Whether a resource holds what cannot be made again.
pub fn holds_data(id: &ResourceId) -> bool {
    match id.kind {
        Kind::Google(kind) => kind.descriptor().data_store,
        Kind::Kubernetes(kind) => !kubernetes::driver::prunable(kind),
    }
}

/// The next call on the way to removing a resource as it was seen; `None` when it is never removed by itself.
pub fn removal(id: &ResourceId, seen: &Inventory) -> Option<(Action, Request)> {
    match id.kind {
        Kind::Google(_) => {
            let (action, call) = google::driver::removal(id, seen)?;
            Some((action, Request::Google(call)))
        }
        Kind::Kubernetes(_) => {
            let call = kubernetes::driver::removal(seen.body(id)?)?;
            Some((Action::Delete, Request::Kubernetes(call)))
        }
    }
}
