//! Which digest each image has to have: pinned, followed, promoted, and taken back when it does not run.
//!
//! Pure. What the registry says, what runs and what was decided before ([`Record`]) go in; the digests that should
//! run and the record as it should be kept come out ([`Verdict`]). The record is kept before anything is written
//! by it, so that a crash in the middle of a rollout goes on with the same digests even when a tag moved meanwhile.

pub mod attest;
pub mod build;
mod course;
pub mod promotion;
pub mod range;
mod record;
mod release;
mod standing;
mod told;

use jiff::Timestamp;

use crate::condition::Finding;
use crate::inventory::Inventory;
use crate::resources::kubernetes::images;
use crate::resources::mirror::Mirror;
use crate::resources::{Context, Names, Wait};
use crate::slice::Slice;
use crate::spec::Spec;
use crate::state::status::ApprovalWanted;

pub use course::judge;
pub use record::{Candidate, Failed, Record, Rollout};
pub use release::{Digests, references as release};

/// What a look at the images comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What each reference stands for in this deployment.
    pub digests: Digests,
    /// The record as it should be kept.
    pub record: Record,
    /// Whether that is another one than before.
    pub changed: bool,
    /// Whether the deployment is at another release by it, so that everything has to be looked at again.
    pub moved: bool,
    /// What the user should know.
    pub findings: Vec<Finding>,
    /// What a new release waits for.
    pub waits: Vec<Wait>,
    /// A new release that waits for nothing but being copied into the deployment's repository.
    pub incoming: Digests,
    /// The release that waits for somebody's approval.
    pub approval: Option<ApprovalWanted>,
}

/// What was read beside the registries, as far as the spec wants it read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// The newest successful builds of the trigger that has to have made a release; or why they are not known.
    pub builds: Option<Result<Vec<serde_json::Value>, String>>,
    /// What the pipeline brought to this deployment's stage; or why it is not known.
    pub promotions: Option<Result<Promotions, String>>,
    /// What the range of releases came to that is followed; or why it is not known.
    pub range: Option<Result<range::Found, String>>,
}

/// What a pipeline brought to a stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Promotions {
    /// Rollouts to the stage's target.
    pub rollouts: Vec<serde_json::Value>,
    /// The release of the one that is in effect.
    pub release: Option<serde_json::Value>,
}

/// What is known before anything is decided.
pub struct Known<'a> {
    /// What the user asked for, at the release that it is at.
    pub spec: &'a Spec,
    /// The `application_version` that the user wrote.
    pub asked: &'a str,
    /// What things are called; the deployment's name makes an approval its own.
    pub names: &'a Names,
    /// What was seen.
    pub seen: &'a Inventory,
    /// What was decided before.
    pub record: &'a Record,
}

impl Known<'_> {
    /// Whether the release follows its tags.
    pub fn follows(&self) -> bool {
        follows(self.spec)
    }

    /// Whether a new release needs somebody's approval.
    fn asks(&self) -> bool {
        self.spec.image_policy.approval.as_deref() == Some("approve")
    }

    /// What images are told by; nothing of it depends on the spec's generation.
    fn context(&self) -> Context<'_> {
        Context { spec: self.spec, names: self.names, generation: 0, seen: self.seen }
    }

    /// Where copies of images are.
    fn mirror(&self) -> Mirror {
        Mirror::of(&self.context())
    }

    fn now(&self) -> Timestamp {
        self.seen.at.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether the workloads may not be changed now.
    fn paused(&self) -> bool {
        [Slice::Workload, Slice::Migration, Slice::Images]
            .into_iter()
            .any(|slice| self.seen.orders.pause(slice, self.now()).is_some())
    }

    /// Every reference that needs a digest.
    fn references(&self) -> Vec<String> {
        images::references(self.spec)
    }

    /// Whether the release follows a range, so that its tags change.
    fn ranges(&self) -> bool {
        range::of(self.spec).is_some()
    }

    /// Whether digests are a release of these references. Along a range their tags do not count.
    fn is_of(&self, release: &Digests, references: &[String]) -> bool {
        if self.ranges() { range::is_of(release, references) } else { release::is_of(release, references) }
    }
}

/// Whether a spec's API and web images follow their tags. What is promoted does not: the pipeline decides.
pub fn follows(spec: &Spec) -> bool {
    !spec.enable_cloud_deploy && spec.image_policy.mode.as_deref() == Some("follow")
}

/// The references that a registry has to be asked about: those without a digest yet, and the release's own when it
/// follows its tags; the second are to be asked anew each time.
pub fn to_ask(spec: &Spec, record: &Record) -> (Vec<String>, Vec<String>) {
    // Along a range the tags are asked for first; then it is known which digests to ask for.
    let by_tag = follows(spec) && range::of(spec).is_none();
    let anew = if by_tag { release::references(spec) } else { Vec::new() };
    let once = images::references(spec)
        .into_iter()
        .filter(|reference| !record.digests.contains_key(reference) && !anew.contains(reference))
        .collect();
    (once, anew)
}

#[cfg(test)]
mod tests;
