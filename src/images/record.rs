//! What is kept of the images in `images/<deployment>.json`: what no cloud can tell.
//!
//! A Deployment's image field says what runs, and somebody else may have written it; that a digest was healthy, that
//! it failed, and since when a tag has pointed at it is nowhere else. When the record is lost, what runs counts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Digests;

/// Releases that were healthy, kept to go back to.
pub const HEALTHY: usize = 5;
/// Releases that failed, kept so as not to try them again.
pub const FAILED: usize = 20;

/// What was decided and learnt about a deployment's images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Record {
    /// The release that a range brought, when it is another one than the spec's `application_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What each reference stands for in this deployment, whatever its tag points at now.
    pub digests: Digests,
    /// A release that the tags point at and that is not rolled out yet, or never will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// The rollout of another release that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// Releases that ran in health, newest first.
    pub healthy: Vec<Digests>,
    /// Releases that did not, newest first.
    pub failed: Vec<Failed>,
}

/// A release that could be rolled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Its digests.
    pub release: Digests,
    /// When it was first seen, RFC 3339.
    #[schemars(with = "String")]
    pub first_seen: Timestamp,
}

/// A rollout of another release than the one that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rollout {
    /// When it was decided, RFC 3339.
    #[schemars(with = "String")]
    pub began: Timestamp,
    /// When a workload was first seen with it, RFC 3339. The time limit counts from here: a migration before it has
    /// a limit of its own, and a pause stops nothing that has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub started: Option<Timestamp>,
}

/// A release that did not get healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// Its digests.
    pub release: Digests,
    /// Why, for people.
    pub reason: String,
    /// When it was given up, RFC 3339.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl Record {
    /// Notes that a release runs in health.
    pub fn ran(&mut self, release: Digests) {
        self.healthy.retain(|known| *known != release);
        self.healthy.insert(0, release);
        self.healthy.truncate(HEALTHY);
    }

    /// Notes that a release does not get healthy.
    pub fn gave_up(&mut self, release: Digests, reason: String, at: Timestamp) {
        self.healthy.retain(|known| *known != release);
        self.failed.retain(|known| known.release != release);
        self.failed.insert(0, Failed { release, reason, at });
        self.failed.truncate(FAILED);
    }

    /// What is known of the failure of a release.
    pub fn failure(&self, release: &Digests) -> Option<&Failed> {
        self.failed.iter().find(|failed| failed.release == *release)
    }
}
