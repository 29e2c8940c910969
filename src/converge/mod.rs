//! The work: observe, plan, check, carry out, until there is nothing left to do now.
//!
//! Each step of the way has its file. A crash anywhere needs no recovery: the next work observes where
//! things stand and goes on.

pub mod attest;
pub mod execute;
pub mod hint;
pub mod images;
pub mod milestones;
pub mod mirror;
pub mod observe;
pub mod outputs;
pub mod propose;
pub mod report;
pub mod scene;
pub mod shelf;
pub mod tell;
pub mod withdraw;
pub mod work;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cloud::Cloud;
use crate::condition::Finding;
use crate::error::CloudError;
use crate::inventory::Inventory;
use crate::plan::{self, Plan};
use crate::resources::{ResourceId, WaitKind};
use crate::state::status::Phase;
use crate::state::{State, lease};

pub use hint::Hint;
pub use scene::{Admission, Scene};
pub use work::Work;

/// What every work needs.
#[derive(Clone)]
pub struct Converger {
    /// The clouds.
    pub cloud: Arc<Cloud>,
    /// The state bucket.
    pub state: State,
    /// Name of the spec bucket.
    pub spec_bucket: String,
    /// Tells the time; the embedded cloud has its own.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Most rounds of one work before it hands over to a continuation.
    pub max_rounds: usize,
}

/// How a work ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Everything is as the spec says.
    Converged,
    /// Something is still on its way: look again after this long.
    Pending(Duration),
    /// It cannot go on by itself; the status says why. A tick looks again later.
    Stalled,
    /// The spec was refused; nothing was changed.
    Refused,
    /// The spec is gone.
    Withdrawn,
    /// What is left to do is another handler's to write.
    HandedOver,
    /// Another worker has the deployment until then.
    Busy(Timestamp),
}

impl Converger {
    /// Makes a deployment what its live spec says, as far as that can be done now.
    ///
    /// # Errors
    /// When the spec or the state cannot be read or written; the work should be tried again.
    pub async fn work(&self, work: &Work) -> Result<Outcome, CloudError> {
        let now = (self.now)();
        // Unique for each delivery: two workers with one task never take each other for themselves.
        let holder = format!("{:016x}", rand::random::<u64>());
        let mut lease = match lease::ask(&self.state, &work.deployment, &holder, now).await? {
            lease::Asked::Held(lease) => lease,
            lease::Asked::Busy(until) => return Ok(Outcome::Busy(until)),
        };
        let outcome = match self.rounds(work, &mut lease).await {
            Ok(outcome) => Ok(tell::tell(self, work, outcome).await),
            Err(error) => Err(error),
        };
        lease.release((self.now)()).await;
        outcome
    }

    async fn rounds(&self, work: &Work, lease: &mut lease::Lease) -> Result<Outcome, CloudError> {
        let (mut memory, mut known) = (execute::Memory::default(), scene::Known::default());
        let work = &mut work.clone();
        for _ in 0..self.max_rounds {
            let scene = match scene::admit_again(self, work, &mut known).await? {
                Admission::Admitted(scene) => *scene,
                Admission::Refused(refusal) => {
                    report::refused(self, work, refusal).await?;
                    return Ok(Outcome::Refused);
                }
                Admission::Withdrawn => {
                    if let Some(other) = scene::other(self, work).await? {
                        // The file was renamed: its deployment is not withdrawn.
                        work.object = other;
                        continue;
                    }
                    match withdraw::policy(self, work).await? {
                        withdraw::Policy::Destroy(scene) => *scene,
                        settled => return withdraw::settle(self, work, settled).await,
                    }
                }
            };
            let (seen, plan) = self.look(&scene, &mut memory).await;
            match images::keep(self, work, &scene, &seen).await? {
                images::Recorded::AsItWas | images::Recorded::Anew => {}
                images::Recorded::NotOurs => return Ok(Outcome::HandedOver),
                images::Recorded::Overtaken | images::Recorded::Moved => continue,
            }
            match self.round(work, &scene, &seen, plan, &mut memory).await? {
                Some(Outcome::Converged) if scene.withdrawn => {
                    return withdraw::settle(self, work, withdraw::Policy::Gone).await;
                }
                Some(outcome) => return Ok(outcome),
                None if lease.renew((self.now)()).await? => {}
                None => return Ok(Outcome::Busy((self.now)())),
            }
        }
        Ok(Outcome::Pending(Duration::from_secs(1)))
    }

    /// What there is, and what would be done about it. Writes nothing.
    pub async fn look(&self, scene: &Scene, memory: &mut execute::Memory) -> (Inventory, Plan) {
        let seen = observe::observe(&self.cloud, scene, memory, (self.now)()).await;
        let mut plan = propose::propose(scene, &seen, (self.now)());
        plan.findings.extend(memory.findings());
        (seen, plan)
    }

    /// Carries out one plan; answers the outcome when there is nothing left to do now.
    async fn round(
        &self,
        work: &Work,
        scene: &Scene,
        seen: &Inventory,
        mut plan: Plan,
        memory: &mut execute::Memory,
    ) -> Result<Option<Outcome>, CloudError> {
        report::planned(self, work, scene, seen, &plan, memory).await?;
        let left = plan.narrow(&work.writes());
        if plan.steps.is_empty() {
            return Ok(Some(match settled(&plan) {
                _ if left => Outcome::HandedOver,
                // Data waits for its approval.
                Outcome::Converged if scene.withdrawn && !plan.gated.is_empty() => Outcome::Stalled,
                outcome => outcome,
            }));
        }
        let checked = match plan::check::check(plan, seen, &work.writes()) {
            Ok(checked) => checked,
            Err(refusals) => {
                report::stalled(self, work, refusals).await?;
                return Ok(Some(Outcome::Stalled));
            }
        };
        execute::execute(&self.cloud, checked, memory).await;
        let failures = memory.findings();
        if !failures.is_empty() {
            report::stalled(self, work, failures).await?;
        }
        Ok(memory.pause().map(Outcome::Pending))
    }
}

fn settled(plan: &Plan) -> Outcome {
    match plan.next_wait() {
        _ if plan.is_converged() => Outcome::Converged,
        Some(wait) if !stuck(plan) => Outcome::Pending(Duration::from_secs(wait.look_again_secs())),
        _ => Outcome::Stalled,
    }
}

/// Whether an error holds everything up that is still to come: nothing is waited for that ends by itself.
fn stuck(plan: &Plan) -> bool {
    let by_itself =
        !matches!(plan.next_wait().map(|wait| wait.kind), None | Some(WaitKind::User | WaitKind::Dependency));
    plan.has_errors() && plan.steps.is_empty() && !by_itself
}

/// How a plan shows in the status.
fn phase(plan: &Plan) -> Phase {
    if plan.is_converged() {
        Phase::Converged
    } else if stuck(plan) {
        Phase::Stalled
    } else {
        Phase::Reconciling
    }
}

/// A finding about a resource whose call failed for good.
fn call_failed(id: &ResourceId, slice: crate::slice::Slice, error: &CloudError) -> Finding {
    Finding {
        reason: crate::condition::Reason::CallFailed,
        severity: crate::condition::Severity::Error,
        slice,
        subject: Some(id.to_string()),
        message: error.to_string(),
        help: "Mend what the message names; the next tick tries again.".into(),
    }
}
