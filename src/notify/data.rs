//! What is in a notice's `data`: the contract with whoever receives it. Fields are only ever added.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::condition::{ConditionType, Reason};
use crate::slice::Slice;
use crate::state::status::Phase;

/// `dify.reconciler.condition.changed.v1`: a slice's condition is another one.
#[derive(Serialize, JsonSchema)]
pub struct ConditionChanged<'a> {
    /// The deployment.
    pub deployment: &'a str,
    /// Generation of its spec.
    pub generation: i64,
    /// The slice.
    pub slice: Slice,
    /// What its condition is.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Why.
    pub reason: Reason,
    /// For people.
    pub message: &'a str,
    /// What was told of it before.
    pub was: Option<ConditionType>,
}

/// `dify.reconciler.approval.wanted.v1`: steps wait for somebody's approval.
#[derive(Serialize, JsonSchema)]
pub struct ApprovalWanted<'a> {
    /// The deployment.
    pub deployment: &'a str,
    /// Generation of its spec.
    pub generation: i64,
    /// The hash that is approved.
    pub hash: &'a str,
    /// The steps.
    pub steps: &'a [String],
    /// The command that approves them.
    pub approve: String,
}

/// `dify.reconciler.history.added.v1`, `.rollout.v1`, `.rotation.v1`, `.backup.v1`: something happened. The last three
/// are entries of the history as well, and only called by what they are about.
#[derive(Serialize, JsonSchema)]
pub struct Happened<'a> {
    /// The deployment.
    pub deployment: &'a str,
    /// Generation of its spec.
    pub generation: i64,
    /// When, RFC 3339.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What set it in motion.
    pub cause: &'a str,
    /// What came of it, for people.
    pub what: &'a str,
    /// How the deployment stands as a whole; only with the newest entry.
    pub phase: Option<Phase>,
    /// Why it does not stand well; only with the newest entry.
    pub errors: &'a [String],
}
