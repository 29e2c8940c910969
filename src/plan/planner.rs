//! From what should be and what was seen to what can be done now.

use std::collections::{BTreeMap, BTreeSet};

use crate::condition::{Finding, Reason, Severity};
use crate::inventory::{Inventory, OperationState, Sighting};
use crate::resources::{
    Change, Declared, Desired, Kind, Readiness, Recipe, ResourceId, Wait, WaitKind, google, kubernetes,
};
use crate::slice::Slice;

use super::{Action, Pending, Plan, Request, Step, driver, prune};

/// Plans the next steps towards `declared`, given what was `seen`, for the spec of this `generation`.
///
/// A resource is written only when everything it needs is settled: it exists, is as it should be and is
/// ready. When anything was already written by a newer spec, nothing is planned at all.
pub fn plan(declared: &[Declared], seen: &Inventory, generation: i64) -> Plan {
    let mut plan = Plan { findings: superseded(declared, seen, generation), ..Plan::default() };
    if !plan.findings.is_empty() {
        return plan;
    }
    let standings: BTreeMap<&ResourceId, Standing> =
        declared.iter().map(|declared| (&declared.id, standing(declared, seen))).collect();
    let mut lanes = busy_lanes(seen);
    for declared in declared {
        let blockers = blockers(declared, &standings);
        place(&mut plan, declared, &standings[&declared.id], blockers, &mut lanes, generation, seen);
    }
    prune::prune(&mut plan, declared, seen);
    plan
}

/// How a resource stands, regardless of what it needs.
enum Standing {
    /// As it should be, and ready.
    Settled,
    /// Not to be written now.
    Waits { waits: Vec<Wait>, action: Option<Action> },
    /// To be made.
    Missing,
    /// To be changed.
    Differs(Vec<Change>),
    /// It will not get there by itself.
    Broken(Finding),
}

fn standing(declared: &Declared, seen: &Inventory) -> Standing {
    let sighting = seen.sighting(&declared.id);
    if let Some(standing) = operation(declared, sighting, seen) {
        return standing;
    }
    match (&declared.desired, sighting) {
        (_, None) => waits(Wait::dependency("it could not be looked at yet"), None),
        (Desired::Waiting(reasons), Some(Sighting::Unreadable(_))) => {
            Standing::Waits { waits: reasons.clone(), action: None }
        }
        (_, Some(Sighting::Unreadable(why))) => {
            // Most often because what it is in is not there yet: that has a wait of its own.
            waits(Wait::dependency(format!("it cannot be read: {why}")), None)
        }
        (Desired::Waiting(reasons), Some(sighting)) => {
            let action = matches!(sighting, Sighting::Absent).then_some(Action::Create);
            Standing::Waits { waits: reasons.clone(), action }
        }
        (Desired::Act(_), Some(Sighting::Absent)) => {
            waits(Wait::dependency("it is gone, and a procedure was about to change it"), None)
        }
        (Desired::Act(act), Some(Sighting::Present(_))) => Standing::Differs(act.changes.clone()),
        (Desired::Found, Some(Sighting::Absent)) => Standing::Broken(not_found(declared)),
        (_, Some(Sighting::Absent)) => Standing::Missing,
        (Desired::Ready(document), Some(Sighting::Present(body))) => {
            let changes = driver::compare(declared.id.kind, document, body);
            if changes.is_empty() { ready(declared, body, seen) } else { Standing::Differs(changes) }
        }
        (Desired::Found | Desired::Generated(_) | Desired::Copied(_), Some(Sighting::Present(body))) => {
            ready(declared, body, seen)
        }
    }
}

/// What an operation of ours that is in flight, or failed, says about a resource that is not there yet.
fn operation(declared: &Declared, sighting: Option<&Sighting>, seen: &Inventory) -> Option<Standing> {
    match (seen.operations.get(&declared.id)?, sighting) {
        (OperationState::Running, _) => {
            Some(waits(Wait::new(WaitKind::Operation, "an operation on it is running"), None))
        }
        (OperationState::Failed(why), Some(Sighting::Absent)) => Some(Standing::Broken(Finding {
            reason: Reason::CallFailed,
            severity: Severity::Error,
            slice: declared.slice,
            subject: Some(declared.id.to_string()),
            message: format!("making it failed: {why}"),
            help: "Mend what the message names; the next tick tries again.".into(),
        })),
        _ => None,
    }
}

fn ready(declared: &Declared, body: &serde_json::Value, seen: &Inventory) -> Standing {
    match driver::readiness(declared.id.kind, body) {
        Readiness::Ready => Standing::Settled,
        Readiness::NotYet(wait) => waits(wait, None),
        Readiness::Failed(why) => Standing::Broken(failed(declared, &why, seen)),
    }
}

fn failed(declared: &Declared, why: &str, seen: &Inventory) -> Finding {
    let is_job = declared.id.kind == Kind::Kubernetes(kubernetes::Kind::Job);
    let tail = seen.log_tails.get(&declared.id).map(|tail| format!("\nThe end of its log:\n{tail}"));
    Finding {
        reason: if is_job { Reason::JobFailed } else { Reason::RolloutFailed },
        severity: Severity::Error,
        slice: declared.slice,
        subject: Some(declared.id.to_string()),
        message: format!("{why}{}", tail.unwrap_or_default()),
        help: match (is_job, declared.slice) {
            // A restore stops what runs; that is told beside this.
            (true, Slice::Backup) => "Mend the cause, then delete the Job: it is made again at the next tick.",
            (true, _) => {
                "Mend the cause, then delete the Job: it is made again at the next tick. What ran before keeps running."
            }
            (false, _) => "Look at the pods' events and logs. What ran before keeps running.",
        }
        .into(),
    }
}

fn waits(wait: Wait, action: Option<Action>) -> Standing {
    Standing::Waits { waits: vec![wait], action }
}

fn not_found(declared: &Declared) -> Finding {
    Finding {
        reason: Reason::NotFound,
        severity: Severity::Error,
        slice: declared.slice,
        subject: Some(declared.id.to_string()),
        message: "the spec counts on it, and it does not exist".into(),
        help: "Create it, or name another one in the spec.".into(),
    }
}

/// Findings for everything of ours that a newer spec has already written.
fn superseded(declared: &[Declared], seen: &Inventory, generation: i64) -> Vec<Finding> {
    declared
        .iter()
        .filter_map(|Declared { id, .. }| Some((id, driver::newer_generation(id.kind, seen.body(id)?)?)))
        .filter(|(_, newer)| *newer > generation)
        .map(|(id, newer)| Finding {
            reason: Reason::Superseded,
            severity: Severity::Error,
            slice: Slice::Project,
            subject: Some(id.to_string()),
            message: format!("generation {newer} has already written it; generation {generation} is older"),
            help: "Nothing to do: the newer spec's own event converges it.".into(),
        })
        .collect()
}

fn busy_lanes(seen: &Inventory) -> BTreeSet<String> {
    seen.operations
        .iter()
        .filter(|(_, state)| **state == OperationState::Running)
        .filter_map(|(id, _)| driver::lane(id))
        .collect()
}

/// What keeps a resource from being written: everything it needs that is not settled.
fn blockers(declared: &Declared, standings: &BTreeMap<&ResourceId, Standing>) -> Vec<Wait> {
    let unsettled = |need: &&ResourceId| !matches!(standings.get(need), Some(Standing::Settled));
    declared
        .needs
        .iter()
        .filter(unsettled)
        .map(|need| {
            let (kind, why) = match standings.get(need) {
                Some(Standing::Waits { waits, .. }) => {
                    let first = waits.first();
                    (first.map_or(WaitKind::Dependency, |w| w.kind), first.map(|w| w.why.as_str()))
                }
                Some(Standing::Broken(_)) => (WaitKind::User, Some("it failed")),
                _ => (WaitKind::Dependency, None),
            };
            let because = why.map(|why| format!(": {why}")).unwrap_or_default();
            Wait::new(kind, format!("{} {} comes first{because}", need.kind, need.short_name()))
        })
        .collect()
}

fn place(
    plan: &mut Plan,
    declared: &Declared,
    standing: &Standing,
    blockers: Vec<Wait>,
    lanes: &mut BTreeSet<String>,
    generation: i64,
    seen: &Inventory,
) {
    let action = match standing {
        Standing::Settled => {
            plan.unchanged += 1;
            return;
        }
        Standing::Broken(finding) => {
            plan.findings.push(finding.clone());
            return;
        }
        Standing::Waits { waits, action } => return wait(plan, declared, *action, waits.clone()),
        Standing::Missing => Action::Create,
        Standing::Differs(_) => Action::Update,
    };
    if !blockers.is_empty() {
        return wait(plan, declared, Some(action), blockers);
    }
    if let Some(lane) = driver::lane(&declared.id)
        && !lanes.insert(lane.clone())
    {
        let why = format!("{lane} takes one change at a time");
        return wait(plan, declared, Some(action), vec![Wait::new(WaitKind::Operation, why)]);
    }
    match step(declared, standing, action, generation, seen) {
        Ok(step) => plan.steps.push(step),
        Err(why) => plan.findings.push(immutable(declared, why)),
    }
}

fn wait(plan: &mut Plan, declared: &Declared, action: Option<Action>, waits: Vec<Wait>) {
    plan.pending.push(Pending { resource: declared.id.clone(), slice: declared.slice, action, waits });
}

fn step(
    declared: &Declared,
    standing: &Standing,
    action: Action,
    generation: i64,
    seen: &Inventory,
) -> Result<Step, String> {
    let id = &declared.id;
    let body = seen.body(id);
    let changes = match standing {
        Standing::Differs(changes) => changes.clone(),
        _ => Vec::new(),
    };
    let request = match (&declared.desired, id.kind) {
        (Desired::Generated(recipe), _) => generated(id, *recipe),
        (Desired::Act(act), _) => Request::Google(act.request.clone()),
        (Desired::Copied(copy), _) => Request::Registry(copy.clone()),
        (Desired::Ready(document), Kind::Google(_)) => Request::Google(match body {
            None => google::driver::create(id, document, generation),
            Some(body) => google::driver::update(id, document, body, &changes, generation)?,
        }),
        (Desired::Ready(document), Kind::Kubernetes(kind)) => {
            Request::Kubernetes(kubernetes::driver::apply(kind, document, body, &changes)?)
        }
        (Desired::Found | Desired::Waiting(_), _) => return Err("it is not ours to write".into()),
    };
    Ok(Step { resource: id.clone(), slice: declared.slice, action, changes, request })
}

fn generated(id: &ResourceId, recipe: Recipe) -> Request {
    Request::Google(google::driver::generate(id, recipe))
}

fn immutable(declared: &Declared, why: String) -> Finding {
    Finding {
        reason: Reason::Immutable,
        severity: Severity::Error,
        slice: declared.slice,
        subject: Some(declared.id.to_string()),
        message: why,
        help: "Put the old value back into the spec, or remove the resource by hand if its loss is meant."
            .into(),
    }
}
