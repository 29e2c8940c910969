//! Things that go wrong on purpose: answers that fail a number of times, and a hook before every call.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::call::Call;
use super::error::ApiError;
use super::reply::Reply;

/// What a hook wants to happen to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answer it.
    Pass,
    /// Answer this status and body and do nothing.
    FailBefore(u16, String),
    /// Close the connection and do nothing.
    DropBefore,
    /// Do it, then close the connection without an answer.
    DropAfter,
}

/// A hook that sees every call before it is answered.
pub type Hook = Arc<dyn Fn(&Call) -> Verdict + Send + Sync>;

/// A failure that happens a number of times.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Upper-case method, or any.
    pub method: Option<String>,
    /// Text that `host/path` contains; `*` stands for anything between two pieces of it.
    pub pattern: String,
    /// How it fails.
    pub kind: FaultKind,
    /// How many calls are still to fail.
    pub times: u32,
}

/// The ways to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// 429 with the reason RATE_LIMIT_EXCEEDED.
    RateLimited,
    /// 429 for an allocation that will not grow: a fatal one.
    AllocationExceeded,
    /// 503.
    Unavailable,
    /// 500.
    Internal,
    /// 403 that is really a quota per minute.
    Quota,
    /// 403 of a missing permission.
    Forbidden,
    /// The connection is closed before anything happens.
    Drop,
    /// The call is done, then the connection is closed.
    DropAfter,
    /// Answered, but so much later, in real time.
    Slow(Duration),
}

impl Fault {
    /// So many failures of this kind on paths that contain the pattern.
    pub fn new(pattern: &str, kind: FaultKind, times: u32) -> Self {
        Self { method: None, pattern: pattern.to_owned(), kind, times }
    }

    /// Only for this method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_uppercase());
        self
    }

    /// Whether the fault is meant for this call.
    pub fn matches(&self, call: &Call) -> bool {
        if self.times == 0 || self.method.as_ref().is_some_and(|method| *method != call.method) {
            return false;
        }
        let full = format!("{}{}", call.host, call.path);
        let mut rest = full.as_str();
        self.pattern.split('*').all(|piece| match rest.find(piece) {
            Some(at) => {
                rest = &rest[at + piece.len()..];
                true
            }
            None => false,
        })
    }

    /// The refusal, for the kinds that answer one.
    pub fn reply(&self, host: &str) -> Option<Reply> {
        let quota = |reason: &str| {
            json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
                   "domain": "googleapis.com",
                   "metadata": {"service": host, "quota_metric": format!("{host}/requests"),
                                "quota_limit": "RequestsPerMinutePerProject"}})
        };
        const PER_MINUTE: &str =
            "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'.";
        let error = match self.kind {
            FaultKind::RateLimited => {
                ApiError::new(429, "RESOURCE_EXHAUSTED", "rateLimitExceeded", PER_MINUTE)
                    .with_detail(quota("RATE_LIMIT_EXCEEDED"))
            }
            FaultKind::AllocationExceeded => {
                ApiError::new(429, "RESOURCE_EXHAUSTED", "quotaExceeded", "Allocation limit reached.")
                    .with_detail(quota("RESOURCE_QUOTA_EXCEEDED"))
            }
            FaultKind::Unavailable => {
                ApiError::new(503, "UNAVAILABLE", "backendError", "The service is currently unavailable.")
            }
            FaultKind::Internal => ApiError::internal("Internal error encountered."),
            FaultKind::Quota => ApiError::new(403, "PERMISSION_DENIED", "rateLimitExceeded", PER_MINUTE)
                .with_detail(quota("RATE_LIMIT_EXCEEDED")),
            FaultKind::Forbidden => ApiError::forbidden("The caller does not have permission"),
            FaultKind::Drop | FaultKind::DropAfter | FaultKind::Slow(_) => return None,
        };
        Some(error.reply(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_anywhere_in_host_and_path() {
        let call = Call::new("PATCH", "/sqladmin.googleapis.com/v1/projects/p/instances/i", "");
        assert!(Fault::new("sqladmin*instances", FaultKind::Unavailable, 1).matches(&call));
        assert!(!Fault::new("sqladmin*users", FaultKind::Unavailable, 1).matches(&call));
        assert!(!Fault::new("sqladmin", FaultKind::Unavailable, 1).method("get").matches(&call));
    }
}
