//! What the user is told about a slice: typed conditions and findings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::slice::Slice;

/// Why a condition is as it is, or what a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Reason {
    /// Everything is as the spec says.
    Converged,
    /// Steps are being taken.
    Progressing,
    /// Something has to become ready first.
    Waiting,
    /// Only the user can do what comes next.
    WaitingForUser,
    /// A call failed in a way that trying again will not mend.
    CallFailed,
    /// A Job failed; the message has the tail of its log.
    JobFailed,
    /// Pods did not become ready in time.
    RolloutFailed,
    /// A field that cannot change would have to.
    Immutable,
    /// What the spec counts on was not found: network, cluster, instance, secret.
    NotFound,
    /// A generated secret is missing while what it opens is there; it is not drawn anew.
    SecretLost,
    /// A newer spec has already been written.
    Superseded,
    /// A variable is set that this version makes nothing of.
    NotConverged,
    /// What was ordered cannot be done with what it was ordered for.
    Unsupported,
    /// The plan linter refused a step.
    Refused,
    /// Something of ours that the spec no longer names, and that is not removed by itself.
    Orphaned,
    /// A warning of a spec rule.
    SpecWarning,
    /// The work is paused.
    Paused,
    /// A backup should have been made, and was not.
    BackupOverdue,
    /// The schema changes, and the backup that should come before it is not there.
    NoBackupBeforeMigration,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For information.
    Info,
    /// Something to think about.
    Warning,
    /// It keeps the slice from converging.
    Error,
}

impl From<crate::spec::Severity> for Severity {
    fn from(severity: crate::spec::Severity) -> Self {
        match severity {
            crate::spec::Severity::Info => Severity::Info,
            crate::spec::Severity::Warning => Severity::Warning,
            crate::spec::Severity::Error => Severity::Error,
        }
    }
}

/// Something the user should know. Its texts never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What it is about.
    pub reason: Reason,
    /// How serious it is.
    pub severity: Severity,
    /// The slice it concerns.
    pub slice: Slice,
    /// The resource or variable it concerns.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// What is the case.
    pub message: String,
    /// What the user can do.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub help: String,
}

/// The type of a slice's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ConditionType {
    /// The slice is as the spec says.
    Ready,
    /// Work is going on.
    Reconciling,
    /// Work cannot go on by itself.
    Stalled,
}

/// The state of one slice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Which slice.
    pub slice: Slice,
    /// Which of the three it is.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Why.
    pub reason: Reason,
    /// For people.
    pub message: String,
}
