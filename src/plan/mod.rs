//! What to do next. Pure: no time, randomness, environment or I/O.

pub mod check;
pub mod consent;
pub mod driver;
pub mod pause;
pub mod planner;
pub mod prune;
pub mod removal;
pub mod render;
pub mod step;

use std::collections::BTreeSet;

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use check::Checked;
pub use planner::plan;
pub use step::{Action, Body, GoogleRequest, KubernetesRequest, Method, RegistryRequest, Request, Step};

use crate::condition::Finding;
use crate::resources::{Change, ResourceId, Wait, WaitKind};
use crate::slice::Slice;

/// Steps that can be taken now, what the rest waits on, and what the user should know.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    /// Steps that can be taken now, in any order and side by side.
    pub steps: Vec<Step>,
    /// What has to wait.
    pub pending: Vec<Pending>,
    /// What the user should know.
    pub findings: Vec<Finding>,
    /// How many resources are as they should be.
    pub unchanged: usize,
    /// Steps that are not taken without an approval.
    pub gated: Vec<Step>,
    /// Resources whose removal was approved.
    #[serde(skip)]
    pub approved: BTreeSet<ResourceId>,
}

impl Plan {
    /// Whether everything is as it should be.
    pub fn is_converged(&self) -> bool {
        self.steps.is_empty() && self.pending.is_empty() && !self.has_errors()
    }

    /// Whether something keeps it from ever converging by itself.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == crate::condition::Severity::Error)
    }

    /// The wait that ends first, which decides when to look again; `None` when nothing is waited for.
    ///
    /// What waits on another resource of this deployment does not count: that other one has its own wait,
    /// and looking earlier would only show the same.
    pub fn next_wait(&self) -> Option<&Wait> {
        let waits = self.pending.iter().flat_map(|pending| &pending.waits);
        let (dependencies, roots): (Vec<&Wait>, Vec<&Wait>) =
            waits.partition(|wait| wait.kind == WaitKind::Dependency);
        let waits = if roots.is_empty() { dependencies } else { roots };
        waits.into_iter().min_by_key(|wait| wait.look_again_secs())
    }

    /// Takes out the steps that somebody who may write only these slices may not take, and says whether there
    /// were any: whoever may has to take them.
    pub fn narrow(&mut self, writes: &[Slice]) -> bool {
        let before = self.steps.len();
        self.steps.retain(|step| writes.contains(&step.slice));
        self.steps.len() != before
    }

    /// A hash of what the plan would do, which tells one plan from another. What is approved has a hash of its own
    /// ([`consent::hash`]).
    ///
    /// # Errors
    /// Only when the plan cannot be written as JSON, which its types rule out.
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        let text = serde_json::to_vec(&(&self.steps, &self.pending))?;
        Ok(hex::encode(Sha256::digest(text)))
    }
}

/// A resource that is not as it should be, and about which nothing can be done yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// Which resource.
    pub resource: ResourceId,
    /// Its slice.
    pub slice: Slice,
    /// What will be done when the waiting ends; `None` when it only has to become ready.
    pub action: Option<Action>,
    /// What it waits on.
    pub waits: Vec<Wait>,
}
