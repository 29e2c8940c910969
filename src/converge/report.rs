//! Telling: the status document.

use std::collections::BTreeMap;

use serde_json::json;

use crate::backup;
use crate::condition::{Condition, ConditionType, Finding, Reason, Severity};
use crate::error::CloudError;
use crate::inventory::{Inventory, Sighting};
use crate::plan::{Plan, consent, render};
use crate::slice::Slice;
use crate::state::status::{self, ApprovalWanted, Happened, Phase, PlanShown, SpecRef, Status, Waiting};

use super::scene::Refusal;
use super::{Converger, Scene, Work, execute, hint, milestones, outputs, phase};

/// Tells what was seen and what is going to be done.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn planned(
    converger: &Converger,
    work: &Work,
    scene: &Scene,
    seen: &Inventory,
    plan: &Plan,
    memory: &execute::Memory,
) -> Result<(), CloudError> {
    let (old, _) = status::read(&converger.state, &work.deployment).await?;
    let mut status = Status {
        deployment: work.deployment.clone(),
        phase: if scene.withdrawn { withdrawn_phase(plan) } else { phase(plan) },
        spec: SpecRef {
            object: work.object.clone(),
            generation: scene.generation,
            digest: scene.digest.clone(),
        },
        observed_at: Some((converger.now)()),
        outputs: outputs::outputs(scene, seen),
        conditions: conditions(plan),
        findings: plan.findings.clone(),
        plan: shown(plan),
        approval: seen
            .images
            .approval
            .clone()
            .or_else(|| backup::before::approval(&scene.context(seen)))
            .or_else(|| wanted(plan, scene.generation)),
        inventory: inventory(seen, plan),
        operations: memory
            .operations()
            .map(|(id, operation)| {
                (id.to_string(), json!({ "host": operation.host, "path": operation.path }))
            })
            .collect(),
        own_rings: own_rings(&old, plan),
        history: old.history.clone(),
        ..Status::default()
    };
    for (about, what) in milestones::between(&old, &status) {
        let entry = happened(converger, work, scene.generation, &what);
        status.history.insert(0, Happened { about: Some(about), ..entry });
    }
    still_stalled(&old, plan, &mut status);
    remember(converger, work, &old, &mut status);
    status::write(&converger.state, status).await.map(drop)
}

/// What could not be carried out and is about to be tried again stays told until the plan is another one: it neither
/// flaps nor fills the history.
fn still_stalled(old: &Status, plan: &Plan, status: &mut Status) {
    if old.phase != Phase::Stalled || old.plan.hash != status.plan.hash {
        return;
    }
    let tried = |finding: &&Finding| {
        let subject = finding.subject.as_deref();
        finding.severity == Severity::Error
            && plan.steps.iter().any(|step| subject == Some(&step.resource.to_string()))
    };
    let failures: Vec<Finding> = old.findings.iter().filter(tried).cloned().collect();
    if !failures.is_empty() {
        status.phase = Phase::Stalled;
        note(status, failures);
    }
}

/// Adds failures to what is told, and to the conditions of their slices.
fn note(status: &mut Status, failures: Vec<Finding>) {
    for failure in failures {
        if let Some(condition) = status.conditions.iter_mut().find(|one| one.slice == failure.slice) {
            condition.kind = ConditionType::Stalled;
            (condition.reason, condition.message) = (failure.reason, failure.message.clone());
        }
        if !status.findings.contains(&failure) {
            status.findings.push(failure);
        }
    }
}

/// Tells that the plan that was told last could not be carried out: the linter refused it, or calls failed for good. What
/// was told of it stays.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn stalled(converger: &Converger, work: &Work, findings: Vec<Finding>) -> Result<(), CloudError> {
    let (old, _) = status::read(&converger.state, &work.deployment).await?;
    let mut status = Status { phase: Phase::Stalled, ..old.clone() };
    note(&mut status, findings);
    write(converger, work, &old, status, "the plan could not be carried out").await
}

/// Tells that the spec was refused; everything else in the status stays.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn refused(converger: &Converger, work: &Work, refusal: Refusal) -> Result<(), CloudError> {
    let Refusal { generation, findings } = refusal;
    changed(
        converger,
        work,
        generation,
        Phase::Refused,
        findings,
        "the spec was refused; nothing was changed",
    )
    .await
}

/// Tells that the spec is gone, and what became of what it made.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn withdrawn(converger: &Converger, work: &Work, what: &str) -> Result<(), CloudError> {
    let (old, generation) = status::read(&converger.state, &work.deployment).await?;
    if generation.is_none() {
        return Ok(());
    }
    let generation = old.spec.generation;
    changed(converger, work, generation, Phase::Withdrawn, Vec::new(), what).await
}

async fn changed(
    converger: &Converger,
    work: &Work,
    generation: i64,
    phase: Phase,
    findings: Vec<Finding>,
    what: &str,
) -> Result<(), CloudError> {
    let (old, _) = status::read(&converger.state, &work.deployment).await?;
    let spec = SpecRef { object: work.object.clone(), generation, digest: old.spec.digest.clone() };
    let status = Status { deployment: work.deployment.clone(), phase, findings, spec, ..old.clone() };
    write(converger, work, &old, status, what).await
}

/// Writes a status, with what happened in its history when that is news.
async fn write(
    converger: &Converger,
    work: &Work,
    old: &Status,
    mut status: Status,
    what: &str,
) -> Result<(), CloudError> {
    let generation = status.spec.generation;
    if old.phase != status.phase || old.spec.generation != generation || old.findings != status.findings {
        status.history.insert(0, happened(converger, work, generation, what));
    }
    status.observed_at = Some((converger.now)());
    status::write(&converger.state, status).await.map(drop)
}

/// Adds to the history what a reader would want to find there: a plan with steps, and each change of phase.
fn remember(converger: &Converger, work: &Work, old: &Status, status: &mut Status) {
    let generation = status.spec.generation;
    if !status.plan.steps.is_empty() && status.plan.hash != old.plan.hash {
        let what = format!("{}: {}", status.plan.summary, status.plan.steps.join(", "));
        status.history.insert(0, happened(converger, work, generation, &what));
    } else if status.phase != old.phase {
        let what = format!("{:?}", status.phase).to_lowercase();
        status.history.insert(0, happened(converger, work, generation, &what));
    }
}

/// What our own writes to secrets will be told as, before they are made: a message may come at once.
fn own_rings(old: &Status, plan: &Plan) -> Vec<String> {
    let mut rings = hint::own_rings(plan);
    let known = old.own_rings.iter().filter(|ring| !rings.contains(ring)).cloned().collect::<Vec<_>>();
    rings.extend(known);
    rings
}

fn happened(converger: &Converger, work: &Work, generation: i64, what: &str) -> Happened {
    Happened { at: (converger.now)(), generation, cause: work.cause.clone(), what: what.into(), about: None }
}

/// A plan as the status keeps it.
pub fn shown(plan: &Plan) -> PlanShown {
    PlanShown {
        hash: plan.hash().unwrap_or_default(),
        summary: render::summary(plan),
        steps: plan.steps.iter().flat_map(render::step_lines).collect(),
        waiting: plan
            .pending
            .iter()
            .map(|pending| Waiting {
                slice: pending.slice.name().into(),
                resource: pending.resource.to_string(),
                on: pending.waits.iter().map(|wait| wait.why.clone()).collect(),
            })
            .collect(),
    }
}

/// How each resource was found: what was seen, and what is planned because it was not.
fn inventory(seen: &Inventory, plan: &Plan) -> BTreeMap<String, String> {
    let standing = |sighting: &Sighting| match sighting {
        Sighting::Absent => "absent".to_owned(),
        Sighting::Present(_) => "present".to_owned(),
        Sighting::Unreadable(why) => format!("unreadable: {why}"),
    };
    let steps = plan.steps.iter().map(|step| &step.resource);
    let planned = steps.chain(plan.pending.iter().map(|pending| &pending.resource));
    let planned = planned.filter_map(|id| Some((id, seen.sighting(id)?)));
    seen.all().chain(planned).map(|(id, sighting)| (id.to_string(), standing(sighting))).collect()
}

/// What waits for an approval.
fn wanted(plan: &Plan, generation: i64) -> Option<ApprovalWanted> {
    let (hash, steps) = (consent::hash(&plan.gated), consent::lines(&plan.gated));
    (!steps.is_empty()).then_some(ApprovalWanted { hash, steps, generation: Some(generation) })
}

/// How a deployment that is being taken down shows in the status.
fn withdrawn_phase(plan: &Plan) -> Phase {
    match phase(plan) {
        Phase::Converged if plan.gated.is_empty() => Phase::Withdrawn,
        Phase::Converged => Phase::Stalled,
        other => other,
    }
}

/// One condition for each slice; `Ready` where nothing is planned, waited for or wrong.
pub fn conditions(plan: &Plan) -> Vec<Condition> {
    Slice::ALL.into_iter().map(|slice| condition(slice, plan)).collect()
}

fn condition(slice: Slice, plan: &Plan) -> Condition {
    let errors = |finding: &&Finding| finding.slice == slice && finding.severity == Severity::Error;
    let steps = plan.steps.iter().filter(|step| step.slice == slice).count();
    let waiting = plan.pending.iter().find(|pending| pending.slice == slice);
    let (kind, reason, message) = match (plan.findings.iter().find(errors), waiting) {
        (Some(finding), _) => (ConditionType::Stalled, finding.reason, finding.message.clone()),
        (None, _) if steps > 0 => (ConditionType::Reconciling, Reason::Progressing, format!("{steps} steps")),
        (None, Some(pending)) => {
            let why = pending.waits.first().map(|wait| wait.why.as_str()).unwrap_or_default();
            (ConditionType::Reconciling, Reason::Waiting, format!("{}: {why}", pending.resource))
        }
        (None, None) => (ConditionType::Ready, Reason::Converged, String::new()),
    };
    Condition { slice, kind, reason, message }
}
