//! What was told, as it is kept for the next look.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, ConditionType, Reason};
use crate::slice::Slice;

/// What was told to one receiver about one deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The condition of each slice.
    pub conditions: BTreeMap<Slice, ToldCondition>,
    /// Hash of the plan that waits for an approval; empty when none does.
    pub approval: String,
    /// Ids of those entries of the history that are still in it.
    pub history: BTreeSet<String>,
}

/// A condition as it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldCondition {
    /// Its type.
    pub kind: ConditionType,
    /// Its reason.
    pub reason: Reason,
    /// When it was told, RFC 3339.
    pub at: Timestamp,
}

impl ToldCondition {
    /// A condition that is told now.
    pub fn of(condition: &Condition, now: Timestamp) -> Self {
        Self { kind: condition.kind, reason: condition.reason, at: now }
    }

    /// Whether there is nothing new about it. While work goes on, the reason changes between taking steps and
    /// waiting all the time, which says nothing to anybody; why work cannot go on does.
    pub fn is_still(&self, condition: &Condition) -> bool {
        self.kind == condition.kind
            && (self.kind != ConditionType::Stalled || self.reason == condition.reason)
    }
}
