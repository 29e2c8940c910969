//! The status document `status/<deployment>.json`: what people and scripts read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cloud::objects::WriteError;
use crate::condition::{Condition, Finding};
use crate::error::CloudError;

use super::State;

/// Version of the document's shape. It grows when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// How many entries of the history are kept.
const HISTORY: usize = 50;

/// How many messages of our own are known again: those of some rotations, and of a first install.
const OWN_RINGS: usize = 60;

/// How a deployment stands as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Everything is as the spec says.
    Converged,
    /// Work is going on.
    #[default]
    Reconciling,
    /// Work cannot go on by itself; the findings say why.
    Stalled,
    /// The spec was refused; what was there before stays.
    Refused,
    /// The spec was withdrawn.
    Withdrawn,
}

/// The status of one deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Status {
    /// Version of this document's shape.
    pub version: u32,
    /// The deployment's name: its spec file's stem.
    pub deployment: String,
    /// How it stands.
    pub phase: Phase,
    /// The spec object this is about.
    pub spec: SpecRef,
    /// When this was last true, RFC 3339.
    #[schemars(with = "String")]
    pub observed_at: Option<Timestamp>,
    /// The module's outputs, under its names, and more.
    pub outputs: BTreeMap<String, Value>,
    /// One condition a slice.
    pub conditions: Vec<Condition>,
    /// What the user should know.
    pub findings: Vec<Finding>,
    /// The last plan.
    pub plan: PlanShown,
    /// What waits for somebody's approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalWanted>,
    /// Every resource of the deployment and how it stands.
    pub inventory: BTreeMap<String, String>,
    /// Operations in flight: a hint for the next look, never a fact.
    pub operations: BTreeMap<String, Value>,
    /// Messages that our own writes to secrets come back as, newest first: a hint for the door, never a fact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub own_rings: Vec<String>,
    /// What happened, newest first.
    pub history: Vec<Happened>,
}

/// Which spec a status is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SpecRef {
    /// Name of the object in the spec bucket.
    pub object: String,
    /// Its generation.
    pub generation: i64,
    /// Hash of its content, the same for equal specs.
    pub digest: String,
}

/// A plan as it is kept in a status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlanShown {
    /// Its hash, by which it can be approved.
    pub hash: String,
    /// In one sentence.
    pub summary: String,
    /// What was or is being done: `+ Secret …`.
    pub steps: Vec<String>,
    /// What waits, by resource, and on what.
    pub waiting: Vec<Waiting>,
}

/// Steps that are not taken without an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ApprovalWanted {
    /// The hash to approve them by: `dify-reconciler approve NAME HASH`.
    pub hash: String,
    /// The steps, as in a plan.
    pub steps: Vec<String>,
    /// The generation of the spec that an approval would be for; none when it is for whatever spec there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
}

/// A resource that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Waiting {
    /// Its slice.
    pub slice: String,
    /// The resource.
    pub resource: String,
    /// What it waits on.
    pub on: Vec<String>,
}

/// One entry of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Happened {
    /// When, RFC 3339.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Generation of the spec.
    pub generation: i64,
    /// What set it in motion.
    pub cause: String,
    /// What came of it.
    pub what: String,
    /// What it is about, when that has a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// What an entry of the history is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A release that began to roll out, runs in health, or was taken back.
    Rollout,
    /// A password that was replaced.
    Rotation,
    /// A backup that is complete, or was restored on trial.
    Backup,
}

/// Name of a deployment's status object.
pub fn object_name(deployment: &str) -> String {
    format!("status/{deployment}.json")
}

/// The kept status and its object generation; an empty one at `None` when there is none.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn read(state: &State, deployment: &str) -> Result<(Status, Option<i64>), CloudError> {
    match state.read::<Status>(&object_name(deployment)).await? {
        Some(kept) => Ok((kept.value.unwrap_or_default(), Some(kept.generation))),
        None => Ok((Status::default(), None)),
    }
}

/// Writes a status unless it says nothing new, and returns the generation it is at now. A status that
/// somebody else wrote meanwhile is read again and only replaced when it is not about a newer spec.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn write(state: &State, mut status: Status) -> Result<i64, CloudError> {
    status.version = VERSION;
    status.history.truncate(HISTORY);
    status.own_rings.truncate(OWN_RINGS);
    loop {
        let (kept, generation) = read(state, &status.deployment).await?;
        if let Some(generation) = generation
            && (kept.spec.generation > status.spec.generation || says_the_same(&kept, &status))
        {
            return Ok(generation);
        }
        match state.write(&object_name(&status.deployment), &status, generation).await {
            Ok(generation) => return Ok(generation),
            Err(WriteError::Conflict) => {}
            Err(WriteError::Cloud(error)) => return Err(error),
        }
    }
}

fn says_the_same(kept: &Status, new: &Status) -> bool {
    let timeless = |status: &Status| Status { observed_at: None, ..status.clone() };
    timeless(kept) == timeless(new)
}
