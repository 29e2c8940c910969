//! What can go wrong outside, and what to do about it. This is the only file that decides it.

use std::fmt;
use std::time::Duration;

use crate::cloud::scrub;
use crate::resources::{Wait, WaitKind};

/// A call that did not give what was asked for. Its texts never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudError {
    /// Which call: a discovery method id (`sql.instances.insert`) or `Deployment apply`.
    pub call: String,
    /// How it failed.
    pub failure: Failure,
    /// The API's own word for it: `operationInProgress`, `SERVICE_DISABLED`; empty when it gave none.
    pub reason: String,
    /// The API's own text.
    pub message: String,
    /// How long the API asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// How a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was sent: no connection, no name, no TLS.
    Connect,
    /// It was sent, and no answer came back.
    NoAnswer,
    /// There is no identity to make it with.
    Credentials,
    /// The answer cannot be read.
    Malformed,
    /// The answer is an error with this HTTP status.
    Status(u16),
    /// A long-running operation that ended with an error.
    Operation,
    /// What came is not what its digest says.
    Corrupt,
}

/// What to do after a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The world is not as it was seen: observe anew at once, and plan again. A caller that gets this
    /// twice for the same step should treat it as terminal.
    Again,
    /// Nothing is wrong with the call: the same again after this long.
    Retry(Duration),
    /// Something has to become ready first.
    Wait(Wait),
    /// Trying again will not mend it; the message is for the user.
    Terminal,
}

impl CloudError {
    /// A failure with this text, in which secrets are blanked.
    pub fn new(call: impl Into<String>, failure: Failure, message: impl AsRef<str>) -> Self {
        let message = scrub::text(message.as_ref());
        Self { call: call.into(), failure, reason: String::new(), message, retry_after: None }
    }

    /// The same with the API's word for it.
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self.failure {
            Failure::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether somebody else was faster: it exists already, or is no longer as it was seen.
    pub fn is_conflict(&self) -> bool {
        matches!(self.disposition(), Disposition::Again)
    }

    /// Whether the same call may be sent again at once. One that might be done twice is only repeated
    /// when it certainly has not been done at all.
    pub fn is_transient(&self, idempotent: bool) -> bool {
        let passes = || matches!(self.disposition(), Disposition::Retry(_));
        match self.failure {
            Failure::Connect => true,
            Failure::NoAnswer => idempotent,
            Failure::Status(429 | 403) => passes(),
            Failure::Status(408 | 500 | 502 | 503) => idempotent && passes(),
            Failure::Status(_)
            | Failure::Credentials
            | Failure::Malformed
            | Failure::Operation
            | Failure::Corrupt => false,
        }
    }

    /// What to do about it.
    pub fn disposition(&self) -> Disposition {
        match self.failure {
            Failure::Connect | Failure::NoAnswer | Failure::Malformed => self.retry(),
            Failure::Credentials | Failure::Corrupt => Disposition::Terminal,
            Failure::Status(status) => {
                let rule = RULES.iter().find(|rule| rule.fits(status, &self.reason, &self.message));
                self.follow(rule.map_or_else(|| by_status(status), |rule| rule.verdict))
            }
            Failure::Operation => {
                let rule = RULES.iter().find(|rule| rule.fits(0, &self.reason, &self.message));
                self.follow(rule.map_or(Verdict::Terminal, |rule| rule.verdict))
            }
        }
    }

    fn retry(&self) -> Disposition {
        Disposition::Retry(self.retry_after.unwrap_or(RETRY_AFTER))
    }

    fn follow(&self, verdict: Verdict) -> Disposition {
        match verdict {
            Verdict::Again => Disposition::Again,
            Verdict::Retry => self.retry(),
            Verdict::NextMinute => Disposition::Retry(self.retry_after.unwrap_or(NEXT_MINUTE)),
            Verdict::Wait(kind, why) => {
                Disposition::Wait(Wait::new(kind, format!("{why} ({})", self.message)))
            }
            Verdict::Terminal => Disposition::Terminal,
        }
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.call)?;
        match self.failure {
            Failure::Connect => f.write_str("cannot be reached")?,
            Failure::NoAnswer => f.write_str("no answer")?,
            Failure::Credentials => f.write_str("no credentials")?,
            Failure::Malformed => f.write_str("unreadable answer")?,
            Failure::Status(status) => write!(f, "{status}")?,
            Failure::Operation => f.write_str("operation failed")?,
            Failure::Corrupt => f.write_str("not what was asked for")?,
        }
        let parts = [&self.reason, &self.message];
        parts.into_iter().filter(|part| !part.is_empty()).try_for_each(|part| write!(f, ": {part}"))
    }
}

impl std::error::Error for CloudError {}

/// How long after our own attempts are used up a call is worth making again.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Google's rate quotas are counted by the minute.
const NEXT_MINUTE: Duration = Duration::from_secs(30);
/// How refusals by Autopilot's policy read.
const WARDEN: [&str; 3] = ["GKE Warden rejected", "managed-namespaces-limitation", "denied by autogke-"];

#[derive(Clone, Copy)]
enum Verdict {
    Again,
    Retry,
    NextMinute,
    Wait(WaitKind, &'static str),
    Terminal,
}

/// One line of the taxonomy: an error with one of these statuses, and one of these reasons or phrases.
/// A `*` in a phrase stands for anything.
struct Rule {
    statuses: &'static [u16],
    reasons: &'static [&'static str],
    phrases: &'static [&'static str],
    verdict: Verdict,
}

impl Rule {
    fn fits(&self, status: u16, reason: &str, message: &str) -> bool {
        let named = self.reasons.iter().any(|known| known.eq_ignore_ascii_case(reason));
        let status_fits = status == 0 || self.statuses.contains(&status);
        let said = |phrase: &&str| phrase.split('*').all(|part| message.contains(part));
        status_fits && (named || self.phrases.iter().any(said))
    }
}

/// An operation of the same API that has to end first.
const BUSY: Verdict = Verdict::Wait(WaitKind::Operation, "another operation has to end first");
/// Something that was just made and is not known everywhere yet.
const NOT_KNOWN_YET: Verdict = Verdict::Wait(WaitKind::Dependency, "it is not known everywhere yet");

/// What Google's APIs and GKE mean when they do not mean what the status says; the first that fits counts.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule { statuses: &[403], reasons: &[], phrases: &WARDEN, verdict: Verdict::Terminal },
    // Quotas that fill up again by themselves, under whatever status they come.
    Rule { statuses: &[403, 429], reasons: &["rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"], phrases: &["per minute", "Quota exceeded for quota metric"], verdict: Verdict::NextMinute },
    Rule { statuses: &[403, 429], reasons: &["CONCURRENT_OPERATIONS_QUOTA_EXCEEDED"], phrases: &[], verdict: BUSY },
    // An API that was switched on a moment ago.
    Rule { statuses: &[403], reasons: &["SERVICE_DISABLED", "accessNotConfigured"], phrases: &["has not been used in project"], verdict: Verdict::Wait(WaitKind::Operation, "the API has to be switched on") },
    Rule { statuses: &[403], reasons: &[], phrases: &["or it may not exist"], verdict: NOT_KNOWN_YET },
    Rule { statuses: &[403, 404, 409], reasons: &["NamespaceTerminating"], phrases: &["because it is being terminated", "object is being deleted"], verdict: Verdict::Wait(WaitKind::Operation, "what had this name has to be gone first") },
    Rule { statuses: &[400], reasons: &["resourceNotReady"], phrases: &["is not ready"], verdict: Verdict::Wait(WaitKind::Operation, "it has to become ready first") },
    Rule { statuses: &[400, 409], reasons: &["operationInProgress", "invalidState"], phrases: &["Another activation or deactivation is in progress", "There is a peering operation in progress", "PENDING_GENERATION", "peration in progress", "is currently undergoing", "incompatible operation"], verdict: BUSY },
    Rule { statuses: &[400, 409], reasons: &["resourceInUseByAnotherResource"], phrases: &[], verdict: Verdict::Wait(WaitKind::Dependency, "what uses it has to let go first") },
    Rule { statuses: &[400], reasons: &[], phrases: &["ervice account*does not exist"], verdict: NOT_KNOWN_YET },
    // Preconditions that are not told by 412: Secret Manager's etag, IAM's etag, Monitoring's lock.
    Rule { statuses: &[400], reasons: &["conditionNotMet", "invalidFingerprint"], phrases: &["etag", "ingerprint"], verdict: Verdict::Again },
    Rule { statuses: &[409], reasons: &[], phrases: &["oo many concurrent edits"], verdict: Verdict::Retry },
    // A count that is used up stays used up.
    Rule { statuses: &[429], reasons: &["RESOURCE_EXHAUSTED", "TooManyRequests", ""], phrases: &[], verdict: Verdict::Retry },
    // What an API server says to a server-side apply that does not fit the kind's schema.
    Rule { statuses: &[500], reasons: &[], phrases: &["failed to create typed patch object", "failed to convert new object", "field not declared in schema"], verdict: Verdict::Terminal },
    Rule { statuses: &[404], reasons: &[], phrases: &["Unknown project", "project was not found"], verdict: Verdict::Terminal },
];

/// What a status means when no rule knows better.
fn by_status(status: u16) -> Verdict {
    match status {
        408 | 500 | 502 | 503 | 504 => Verdict::Retry,
        // Gone from under us, made by somebody else, changed since it was seen.
        409 | 410 | 412 => Verdict::Again,
        404 => Verdict::Wait(WaitKind::Dependency, "what it belongs to is not there"),
        // 429 with a reason of its own is an allocation limit.
        _ => Verdict::Terminal,
    }
}

#[cfg(test)]
mod tests;
