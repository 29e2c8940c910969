//! What is paused is planned and shown, and not done.

use jiff::Timestamp;

use crate::condition::{Finding, Reason, Severity};
use crate::resources::{Wait, WaitKind};
use crate::state::orders::{Orders, Pause};

use super::{Pending, Plan, Step};

/// Takes the steps of paused slices out of what is done now. Says so in a finding for each pause that held
/// something back.
pub fn pause(plan: &mut Plan, orders: &Orders, now: Timestamp) {
    let mut held: Vec<(&Pause, Finding)> = Vec::new();
    for step in std::mem::take(&mut plan.steps) {
        let Some(pause) = orders.pause(step.slice, now) else {
            plan.steps.push(step);
            continue;
        };
        let until = pause.until.map_or("until it is resumed".to_owned(), |until| format!("until {until}"));
        let why = format!("{} is paused {until}: {}", step.slice.name(), pause.reason);
        if !held.iter().any(|(known, _)| *known == pause) {
            held.push((pause, finding(&step, &why)));
        }
        let waits = vec![Wait::new(WaitKind::Paused, why)];
        plan.pending.push(Pending {
            resource: step.resource,
            slice: step.slice,
            action: Some(step.action),
            waits,
        });
    }
    plan.findings.extend(held.into_iter().map(|(_, finding)| finding));
}

fn finding(step: &Step, why: &str) -> Finding {
    Finding {
        reason: Reason::Paused,
        severity: Severity::Info,
        slice: step.slice,
        subject: None,
        message: why.to_owned(),
        help: "`dify-reconciler resume NAME` ends the pause.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, KubernetesRequest, Request};
    use crate::resources::{ResourceId, kubernetes};
    use crate::slice::Slice;

    fn step(slice: Slice) -> Step {
        Step {
            resource: ResourceId::kubernetes(kubernetes::Kind::ConfigMap, "n", slice.name()),
            slice,
            action: Action::Create,
            changes: Vec::new(),
            request: Request::Kubernetes(KubernetesRequest::Delete {
                uid: String::new(),
                resource_version: String::new(),
            }),
        }
    }

    #[test]
    fn only_what_is_paused_waits_and_the_user_is_told_once() {
        let steps = vec![step(Slice::Workload), step(Slice::Workload), step(Slice::Cluster)];
        let mut plan = Plan { steps, ..Plan::default() };
        let mut orders = Orders::default();
        let now = Timestamp::UNIX_EPOCH;
        orders.pause_for(Pause {
            slice: Some(Slice::Workload),
            until: None,
            reason: "release freeze".into(),
            at: now,
        });
        pause(&mut plan, &orders, now);
        assert_eq!((plan.steps.len(), plan.pending.len(), plan.findings.len()), (1, 2, 1));
        assert!(plan.pending[0].waits[0].why.contains("release freeze"));
        assert!(!plan.is_converged());
    }
}
