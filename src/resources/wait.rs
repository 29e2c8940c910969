//! What something waits on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why there is nothing to do about a resource yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wait {
    /// What sort of waiting, which decides when to look again.
    pub kind: WaitKind,
    /// The reason, for people: `the SQL instance app-sql-1f is being created`.
    pub why: String,
    /// In how many seconds it ends, when that is known. It says nothing of what is waited for, so it is not shown.
    #[serde(skip)]
    pub ends_in_secs: Option<u64>,
}

/// Seconds after which one looks again, however long something may still take.
const LONGEST_SECS: u64 = 600;

impl Wait {
    /// Waiting of this kind, for this reason.
    pub fn new(kind: WaitKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into(), ends_in_secs: None }
    }

    /// Waiting for a time to come.
    pub fn until(now: Timestamp, end: Timestamp, why: impl Into<String>) -> Self {
        let secs = u64::try_from(end.duration_since(now).as_secs()).unwrap_or(0);
        // The rest of a second that has begun.
        Self { ends_in_secs: Some(secs + 1), ..Self::new(WaitKind::Time, why) }
    }

    /// The same wait, told in other words.
    pub fn told(self, why: impl FnOnce(&str) -> String) -> Self {
        Self { why: why(&self.why), ..self }
    }

    /// Seconds until it is worth looking again.
    pub fn look_again_secs(&self) -> u64 {
        self.ends_in_secs.map_or(self.kind.look_again_secs(), |secs| secs.min(LONGEST_SECS))
    }

    /// Waiting for another resource that is not there or not ready.
    pub fn dependency(why: impl Into<String>) -> Self {
        Self::new(WaitKind::Dependency, why)
    }
}

/// Sorts of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitKind {
    /// Another resource of this deployment comes first.
    Dependency,
    /// An operation of Google's that takes seconds to a minute.
    Operation,
    /// An operation of Google's that takes minutes: a Cloud SQL instance, a VM.
    LongOperation,
    /// Pods that have to become ready.
    Rollout,
    /// A Job that has to finish.
    Job,
    /// An address or a route that the load balancer has to take up.
    FrontDoor,
    /// A time that has to pass, such as the soak time of an image.
    Time,
    /// The user paused it.
    Paused,
    /// Something only the user can do, such as a DNS record or a missing secret.
    User,
}

impl WaitKind {
    /// Seconds until it is worth looking again.
    pub fn look_again_secs(self) -> u64 {
        match self {
            WaitKind::Operation => 2,
            WaitKind::Dependency | WaitKind::Rollout | WaitKind::Job => 5,
            WaitKind::FrontDoor => 10,
            WaitKind::LongOperation => 15,
            // DNS is changed by people and certificates are rate limited by their issuer.
            WaitKind::User | WaitKind::Paused | WaitKind::Time => LONGEST_SECS,
        }
    }
}
