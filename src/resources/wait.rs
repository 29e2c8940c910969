//! What something waits on.

use serde::{Deserialize, Serialize};

/// Why there is nothing to do about a resource yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wait {
    /// What sort of waiting, which decides when to look again.
    pub kind: WaitKind,
    /// The reason, for people: `the SQL instance app-sql-1f is being created`.
    pub why: String,
}

impl Wait {
    /// Waiting of this kind, for this reason.
    pub fn new(kind: WaitKind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into() }
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
            WaitKind::User | WaitKind::Paused | WaitKind::Time => 600,
        }
    }
}
