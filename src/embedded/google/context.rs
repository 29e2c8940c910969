//! What an API function works with: the call, the world, the time and the unchanging facts of the site.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};

use super::call::Call;
use super::store::World;
use super::token::Signer;

/// How long things take, in the embedded cloud's time.
#[derive(Clone, Debug)]
pub struct Delays {
    /// Until a new Cloud SQL instance is RUNNABLE.
    pub sql_create: Duration,
    /// Patch, update, restart and delete of an instance.
    pub sql_update: Duration,
    /// Databases and users.
    pub sql_small: Duration,
    /// Compute Engine operations.
    pub compute: Duration,
    /// Until a VM's own service has done what its metadata says.
    pub guest: Duration,
    /// The other long-running operations.
    pub operation: Duration,
    /// Until a managed certificate is ACTIVE once its name points here.
    pub certificate: Duration,
    /// Until an enabled API answers.
    pub enable: Duration,
    /// Until a new service account is visible.
    pub service_account: Duration,
    /// Extra time for every call, in real time.
    pub call: Duration,
}

impl Default for Delays {
    /// What people see in production.
    fn default() -> Self {
        Self {
            sql_create: Duration::from_secs(600),
            sql_update: Duration::from_secs(60),
            sql_small: Duration::from_secs(5),
            compute: Duration::from_secs(5),
            guest: Duration::from_secs(20),
            operation: Duration::from_secs(10),
            certificate: Duration::from_secs(900),
            enable: Duration::from_secs(5),
            service_account: Duration::ZERO,
            call: Duration::ZERO,
        }
    }
}

impl Delays {
    /// Everything is done at the next look.
    pub fn none() -> Self {
        Self::default().map(|_| Duration::ZERO)
    }

    /// Every delay changed in the same way, such as made shorter for somebody who watches.
    pub fn map(self, change: impl Fn(Duration) -> Duration) -> Self {
        let Self {
            sql_create,
            sql_update,
            sql_small,
            compute,
            guest,
            operation,
            certificate,
            enable,
            service_account,
            call,
        } = self;
        Self {
            sql_create: change(sql_create),
            sql_update: change(sql_update),
            sql_small: change(sql_small),
            compute: change(compute),
            guest: change(guest),
            operation: change(operation),
            certificate: change(certificate),
            enable: change(enable),
            service_account: change(service_account),
            call: change(call),
        }
    }
}

/// What stays the same while the server runs.
pub struct Site {
    /// The project's id.
    pub project: String,
    /// The project's number.
    pub number: String,
    /// Base URL, without a slash at the end.
    pub base: String,
    /// How long things take.
    pub delays: Delays,
    /// Whether calls to an API that is not enabled are refused.
    pub strict_apis: bool,
    /// Whether plausible tags of well-known images exist without being seeded.
    pub plausible_tags: bool,
    /// Whether a second write to an object within a second is refused.
    pub object_rate_limit: bool,
    /// Buckets whose objects are files.
    pub directories: BTreeMap<String, PathBuf>,
    /// Signs ID tokens.
    pub signer: Signer,
}

/// One call being answered.
pub struct Cx<'a> {
    /// The request.
    pub call: &'a Call,
    /// Everything there is.
    pub world: &'a mut World,
    /// The unchanging facts.
    pub site: &'a Site,
    /// The time of the call.
    pub now: Timestamp,
}

impl Cx<'_> {
    /// The time of the call as Google writes it.
    pub fn stamp(&self) -> String {
        stamp(self.now)
    }
}

/// A time with at most microseconds, as Google writes it.
pub fn stamp(time: Timestamp) -> String {
    time.round(Unit::Microsecond).unwrap_or(time).to_string()
}

/// A time so much later.
pub fn after(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}
