//! Removing what is ours and should not be there any more: what a changed spec no longer names, and what a
//! withdrawn spec wants destroyed.
//!
//! What stands on something goes before it. Data is offered for removal and taken only when somebody approved it
//! (see [`super::consent`]).

use std::collections::BTreeSet;

use crate::condition::{Finding, Reason, Severity};
use crate::inventory::{Inventory, OperationState};
use crate::resources::{Declared, Desired, Kind, Names, ResourceId, Wait, WaitKind, google, kubernetes};
use crate::slice::Slice;

use super::{Action, Change, Pending, Plan, Request, Step, driver};

/// Adds the removal of Google resources that were ours and that the spec no longer names, once everything that it
/// does name stands. Kubernetes objects have [`super::prune`], which needs no memory.
pub fn leftovers(
    plan: &mut Plan,
    declared: &[Declared],
    known: &BTreeSet<ResourceId>,
    names: &Names,
    seen: &Inventory,
) {
    if !plan.is_converged() {
        return;
    }
    let wanted: BTreeSet<&ResourceId> = declared.iter().map(|declared| &declared.id).collect();
    let doomed = known.iter().filter(|id| matches!(id.kind, Kind::Google(_)) && !wanted.contains(id));
    remove(plan, doomed.cloned().collect(), names, seen);
}

/// The plan that takes a deployment down: everything of it that was made, and nothing that was only found.
pub fn demolition(
    declared: &[Declared],
    known: &BTreeSet<ResourceId>,
    names: &Names,
    seen: &Inventory,
) -> Plan {
    let mut plan = Plan::default();
    let found: BTreeSet<&ResourceId> =
        declared.iter().filter(|one| matches!(one.desired, Desired::Found)).map(|one| &one.id).collect();
    let made = declared.iter().map(|declared| &declared.id).chain(known);
    let in_cluster = kubernetes::Kind::ALL.into_iter().flat_map(|kind| seen.of_kind(Kind::Kubernetes(kind)));
    let all = made.chain(in_cluster.map(|(id, _)| id)).filter(|id| !found.contains(id));
    remove(&mut plan, all.cloned().collect(), names, seen);
    plan.steps.extend(revocations(declared, seen));
    plan
}

/// Steps for what can go now, and waits for what cannot yet.
fn remove(plan: &mut Plan, doomed: BTreeSet<ResourceId>, names: &Names, seen: &Inventory) {
    let present: Vec<&ResourceId> = doomed.iter().filter(|id| is_removable(id, names, seen)).collect();
    let first = present.iter().filter(|id| !driver::holds_data(id)).map(|id| turn(id)).min();
    let mut lanes = BTreeSet::new();
    for id in &present {
        let free = driver::lane(id).is_none_or(|lane| lanes.insert(lane));
        let is_turn = if driver::holds_data(id) { first.is_none() } else { Some(turn(id)) == first };
        match seen.operations.get(*id) {
            Some(OperationState::Running) => wait(plan, id, WaitKind::LongOperation, "it is being removed"),
            Some(OperationState::Failed(why)) => plan.findings.push(failed(id, why)),
            _ if !is_turn || !free => wait(plan, id, WaitKind::Dependency, "what stands on it goes first"),
            _ => match driver::removal(id, seen) {
                Some((action, request)) => place(plan, step(id, action, request)),
                None => wait(plan, id, WaitKind::Operation, "it changes at the moment"),
            },
        }
    }
}

/// Data waits for its approval; everything else goes.
fn place(plan: &mut Plan, step: Step) {
    if driver::holds_data(&step.resource) { plan.gated.push(step) } else { plan.steps.push(step) }
}

/// It is there, it is ours, and it is something that can be removed by itself. A database goes with its instance.
fn is_removable(id: &ResourceId, names: &Names, seen: &Inventory) -> bool {
    // What lies in a bucket goes by its own rules, such as a backup's retention, and never because its spec went.
    if id.kind == Kind::Google(google::Kind::Object) {
        return false;
    }
    let Some(body) = seen.body(id) else { return false };
    driver::is_ours(id, body, names) && driver::removal(id, seen).is_some()
}

/// The order of leaving: the lowest first.
fn turn(id: &ResourceId) -> u8 {
    use google::Kind as G;
    use kubernetes::Kind as K;
    match id.kind {
        Kind::Kubernetes(K::Namespace) => 3,
        Kind::Kubernetes(K::PersistentVolumeClaim) => 2,
        Kind::Kubernetes(
            K::Secret | K::ConfigMap | K::ServiceAccount | K::NetworkPolicy | K::ResourceQuota,
        ) => 1,
        Kind::Kubernetes(_) => 0,
        Kind::Google(G::CertificateMapEntry) => 4,
        Kind::Google(G::CertificateMap | G::Instance) => 5,
        Kind::Google(_) => 6,
    }
}

/// Roles of ours in the project's policy, which outlives the accounts that they were given to.
fn revocations(declared: &[Declared], seen: &Inventory) -> Vec<Step> {
    let policies = declared.iter().filter(|one| one.id.kind == Kind::Google(google::Kind::ProjectPolicy));
    policies
        .filter_map(|one| {
            let Desired::Ready(document) = &one.desired else { return None };
            let (changes, request) = google::project_policy::revoke(&one.id, document, seen.body(&one.id)?)?;
            Some(Step { changes, ..step(&one.id, Action::Update, Request::Google(request)) })
        })
        .collect()
}

fn step(id: &ResourceId, action: Action, request: Request) -> Step {
    let changes: Vec<Change> = Vec::new();
    Step { resource: id.clone(), slice: slice_of(id), action, changes, request }
}

fn wait(plan: &mut Plan, id: &ResourceId, kind: WaitKind, why: &str) {
    let waits = vec![Wait::new(kind, why)];
    plan.pending.push(Pending {
        resource: id.clone(),
        slice: slice_of(id),
        action: Some(Action::Delete),
        waits,
    });
}

fn failed(id: &ResourceId, why: &str) -> Finding {
    Finding {
        reason: Reason::CallFailed,
        severity: Severity::Error,
        slice: slice_of(id),
        subject: Some(id.to_string()),
        message: format!("removing it failed: {why}"),
        help: "Mend what the message names; the next tick tries again.".into(),
    }
}

/// The slice of a resource that nothing declares any more.
fn slice_of(id: &ResourceId) -> Slice {
    use google::Kind as G;
    match id.kind {
        Kind::Kubernetes(kind) => super::prune::slice_of(kind, &serde_json::Value::Null),
        Kind::Google(kind) => match kind {
            G::Project | G::EnabledApi | G::ProjectPolicy | G::ServiceAccount | G::ServiceAccountPolicy => {
                Slice::Project
            }
            G::Subnetwork | G::Cluster => Slice::Network,
            G::Secret | G::SecretVersion | G::SecretHistory | G::SecretPolicy => Slice::Secrets,
            G::SqlInstance | G::SqlDatabase | G::SqlUser | G::SqlOperation => Slice::Database,
            G::Bucket | G::BucketPolicy => Slice::Storage,
            G::InternalAddress | G::Firewall | G::Disk | G::Instance | G::GuestAttributes => Slice::Nfs,
            G::Repository | G::RepositoryPolicy | G::DockerImage | G::ImagePart => Slice::Images,
            G::Attestor | G::AdmissionPolicy => Slice::Images,
            G::Object => Slice::Backup,
            G::GlobalAddress | G::Certificate | G::CertificateMap | G::CertificateMapEntry => Slice::Exposure,
        },
    }
}
