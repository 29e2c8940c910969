//! The plan linter: the last look before anything is written.

use std::collections::BTreeSet;

use crate::condition::{Finding, Reason, Severity};
use crate::inventory::{Inventory, Sighting};
use crate::resources::{Kind, google, kubernetes};
use crate::slice::Slice;

use super::{Action, KubernetesRequest, Plan, Request, Step, driver};

/// A plan that passed the linter. Only such a plan can be carried out.
#[derive(Debug)]
pub struct Checked(Plan);

impl Checked {
    /// The steps to take.
    pub fn into_steps(self) -> Vec<Step> {
        self.0.steps
    }
}

/// Passes a plan whose every step may be taken by someone who may write `writes`.
///
/// # Errors
/// One finding for each step that may not be taken; then no step of the plan is.
pub fn check(plan: Plan, seen: &Inventory, writes: &[Slice]) -> Result<Checked, Vec<Finding>> {
    let mut touched = BTreeSet::new();
    let mut lanes = BTreeSet::new();
    let mut findings = Vec::new();
    for step in &plan.steps {
        let mut refuse = |why: String| findings.push(refusal(step, why));
        if !writes.contains(&step.slice) {
            refuse(format!("the slice {} is not this handler's to write", step.slice.name()));
        }
        if !touched.insert(&step.resource) {
            refuse("two steps change it at once".into());
        }
        if let Some(lane) = driver::lane(&step.resource)
            && !lanes.insert(lane.clone())
        {
            refuse(format!("{lane} takes one change at a time"));
        }
        if let Err(why) = sound(step, seen, plan.approved.contains(&step.resource)) {
            refuse(why);
        }
    }
    if findings.is_empty() { Ok(Checked(plan)) } else { Err(findings) }
}

fn sound(step: &Step, seen: &Inventory, approved: bool) -> Result<(), String> {
    match (step.action, seen.sighting(&step.resource)) {
        (_, None) => return Err("nobody looked at it".into()),
        (_, Some(Sighting::Unreadable(why))) => return Err(format!("it could not be read: {why}")),
        (Action::Create, Some(Sighting::Present(_))) => return Err("it exists already".into()),
        (Action::Update | Action::Delete, Some(Sighting::Absent)) => return Err("it does not exist".into()),
        (_, Some(_)) => {}
    }
    if step.action == Action::Delete && !removable(step.resource.kind) && !approved {
        return Err("it holds data, and data is not removed without an approval".into());
    }
    match &step.request {
        Request::Kubernetes(KubernetesRequest::Apply { resource_version: None, .. })
            if step.action == Action::Update =>
        {
            Err("the change has no precondition".into())
        }
        _ => Ok(()),
    }
}

fn removable(kind: Kind) -> bool {
    match kind {
        Kind::Google(kind) => google::driver::deletable(kind),
        Kind::Kubernetes(kind) => kubernetes::driver::prunable(kind),
    }
}

fn refusal(step: &Step, why: String) -> Finding {
    Finding {
        reason: Reason::Refused,
        severity: Severity::Error,
        slice: step.slice,
        subject: Some(step.resource.to_string()),
        message: why,
        help: "This is a defect of the reconciler: please report it with the plan.".into(),
    }
}
