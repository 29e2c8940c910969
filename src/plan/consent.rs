//! What is not done without somebody's approval: the removal of data.
//!
//! An approval is for what was shown, and for the spec that it was shown for. What is left of it stays approved while it
//! is carried out; anything that was not shown is not covered, and then nothing is. Whatever a later spec wants removed is
//! asked for anew, even where it has the name of something that was approved and went.

use sha2::{Digest, Sha256};

use crate::condition::{Finding, Reason, Severity};
use crate::state::orders::Orders;

use super::{Plan, Step};

/// Moves the gated steps among those that are taken, when they were approved for the spec of this generation; otherwise
/// says what waits.
pub fn settle(plan: &mut Plan, orders: &Orders, generation: i64) {
    if plan.gated.is_empty() {
        return;
    }
    if orders.covers(&lines(&plan.gated), generation) {
        let approved = std::mem::take(&mut plan.gated);
        plan.approved.extend(approved.iter().map(|step| step.resource.clone()));
        plan.steps.extend(approved);
        return;
    }
    let hash = hash(&plan.gated);
    plan.findings.extend(plan.gated.iter().map(|step| Finding {
        reason: Reason::Orphaned,
        severity: Severity::Warning,
        slice: step.slice,
        subject: Some(step.resource.to_string()),
        message:
            "nothing wants it any more, and it holds data: it stays until its removal is approved".into(),
        help: format!("`dify-reconciler approve NAME {hash}` approves it. Take a backup first."),
    }));
}

/// The gated steps as they are shown and approved, one line each.
pub fn lines(gated: &[Step]) -> Vec<String> {
    // Whether protection has to be lifted first says nothing about what is approved.
    gated.iter().map(|step| format!("- {}", step.resource)).collect()
}

/// What the gated steps are approved by.
pub fn hash(gated: &[Step]) -> String {
    let text = lines(gated).join("\n");
    hex::encode(&Sha256::digest(text)[..16])
}
