//! Removing Kubernetes objects of ours that the spec no longer names.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::inventory::Inventory;
use crate::resources::{Declared, Kind, ResourceId, kubernetes};
use crate::slice::Slice;

use super::{Action, Pending, Plan, Request, Step};

/// Adds deletions once everything that is declared in the cluster stands. Until then the old objects
/// stay: they may be what still serves.
pub fn prune(plan: &mut Plan, declared: &[Declared], seen: &Inventory) {
    if !plan.findings.is_empty() || !cluster_settled(plan) {
        return;
    }
    let wanted: BTreeSet<&ResourceId> = declared.iter().map(|declared| &declared.id).collect();
    for kind in kubernetes::Kind::ALL {
        if !kubernetes::driver::prunable(kind) {
            continue;
        }
        let leftovers = seen
            .of_kind(Kind::Kubernetes(kind))
            .filter(|(id, body)| !wanted.contains(id) && !has_owner(body) && !may_run(plan, kind, body));
        for (id, body) in leftovers.collect::<Vec<_>>() {
            if let Some(request) = kubernetes::driver::delete(kind, body) {
                plan.steps.push(Step {
                    resource: id.clone(),
                    slice: slice_of(kind, body),
                    action: Action::Delete,
                    changes: Vec::new(),
                    request: Request::Kubernetes(request),
                });
            }
        }
    }
}

fn cluster_settled(plan: &Plan) -> bool {
    let in_cluster = |id: &ResourceId| matches!(id.kind, Kind::Kubernetes(_));
    // A restore waits until everything that writes is gone, and nothing serves as long as it does.
    let counts = |pending: &Pending| in_cluster(&pending.resource) && pending.slice != Slice::Backup;
    !plan.steps.iter().any(|step| in_cluster(&step.resource)) && !plan.pending.iter().any(counts)
}

/// Whether an object is a Job of a backup, while another one waits: it may run.
fn may_run(plan: &Plan, kind: kubernetes::Kind, body: &Value) -> bool {
    slice_of(kind, body) == Slice::Backup && plan.pending.iter().any(|pending| pending.slice == Slice::Backup)
}

/// An object that another object made, such as a CronJob's Job, goes with its owner.
fn has_owner(body: &Value) -> bool {
    body.pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .is_some_and(|owners| !owners.is_empty())
}

/// The slice of an object that nothing declares any more.
pub fn slice_of(kind: kubernetes::Kind, body: &Value) -> Slice {
    use kubernetes::Kind::*;
    let component = body.pointer("/metadata/labels/component").and_then(Value::as_str);
    match kind {
        Job if component == Some(kubernetes::backup::COMPONENT) => Slice::Backup,
        Namespace | ResourceQuota | ServiceAccount | NetworkPolicy => Slice::Cluster,
        Job => Slice::Migration,
        Gateway | HttpRoute | GcpBackendPolicy | HealthCheckPolicy | Service => Slice::Exposure,
        ConfigMap
        | Secret
        | PersistentVolumeClaim
        | CronJob
        | Deployment
        | StatefulSet
        | HorizontalPodAutoscaler
        | VerticalPodAutoscaler
        | PodDisruptionBudget => Slice::Workload,
    }
}
