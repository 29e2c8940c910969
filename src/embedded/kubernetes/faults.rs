//! What goes wrong on purpose.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::core::Core;
use super::failure::Failure;
use super::settings::JobFault;
use super::traffic::RequestInfo;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Action {
    /// It is served.
    Proceed,
    /// It is refused and nothing happens.
    FailBefore(Failure),
    /// The connection breaks and nothing happens.
    DropBefore,
    /// It is served, but the connection breaks before the answer is out.
    DropAfter,
}

/// Decides over every request.
pub type Intercept = Arc<dyn Fn(&RequestInfo) -> Action + Send + Sync>;

/// The faults in force.
#[derive(Clone, Default)]
pub(super) struct Table {
    answers: Vec<Trouble>,
    intercept: Option<Intercept>,
    pub latency: Duration,
}

#[derive(Clone)]
struct Trouble {
    method: String,
    path: String,
    action: Action,
    times: usize,
}

impl Table {
    /// What becomes of this request (which uses a fault up), or who is to decide it.
    pub fn decide(&mut self, request: &RequestInfo) -> Result<Action, Option<Intercept>> {
        let meets = |trouble: &&mut Trouble| {
            trouble.times > 0
                && (trouble.method.is_empty() || trouble.method == request.method)
                && request.path.contains(&trouble.path)
        };
        if let Some(trouble) = self.answers.iter_mut().find(meets) {
            trouble.times -= 1;
            return Ok(trouble.action.clone());
        }
        Err(self.intercept.clone())
    }
}

/// A handle on what goes wrong.
#[derive(Clone)]
pub struct Faults {
    pub(super) core: Arc<Core>,
}

impl Faults {
    /// Jobs whose name begins with `prefix` fail, and their pods print `log`.
    pub fn fail_jobs(&self, prefix: &str, log: &str) {
        self.fail_jobs_times(prefix, log, "", usize::MAX);
    }

    /// The next `times` Jobs whose name begins with `prefix` fail; `message` is their termination message.
    pub fn fail_jobs_times(&self, prefix: &str, log: &str, message: &str, times: usize) {
        let (prefix, log, termination_message) = (prefix.to_owned(), log.to_owned(), message.to_owned());
        self.core.with_settings(|settings| {
            settings.failing_jobs.insert(0, JobFault { prefix, log, termination_message, times });
        });
    }

    /// Jobs whose name begins with `prefix` never end by themselves; their deadline ends them.
    pub fn hang_jobs(&self, prefix: &str) {
        self.core.with_settings(|settings| settings.hanging_jobs.push(prefix.to_owned()));
    }

    /// Deployments and StatefulSets whose name begins with `prefix` never become available.
    pub fn never_available(&self, prefix: &str) {
        self.core.with_settings(|settings| settings.stuck.push(prefix.to_owned()));
    }

    /// Deployments and StatefulSets that run an image with this in its reference, such as a digest, never become
    /// available. It is the image's own doing, so [`clear`](Self::clear) leaves it.
    pub fn broken_image(&self, part: &str) {
        self.core.with_settings(|settings| settings.broken_images.push(part.to_owned()));
    }

    /// The next `times` requests of `method` (`""` for all) with `path` somewhere in their path meet
    /// `action`.
    pub fn meet(&self, method: &str, path: &str, times: usize, action: Action) {
        let (method, path) = (method.to_owned(), path.to_owned());
        self.core.with_faults(|table| table.answers.push(Trouble { method, path, action, times }));
    }

    /// As [`meet`](Self::meet): the server has an internal error.
    pub fn internal_error(&self, method: &str, path: &str, times: usize) {
        let failure =
            Failure::new(500, "InternalError", "Internal error occurred: etcdserver: request timed out");
        self.meet(method, path, times, Action::FailBefore(failure));
    }

    /// As [`meet`](Self::meet): the server is busy.
    pub fn throttled(&self, method: &str, path: &str, times: usize) {
        let why = "the server has received too many requests and has asked us to try again later";
        self.meet(method, path, times, Action::FailBefore(Failure::new(429, "TooManyRequests", why)));
    }

    /// As [`meet`](Self::meet): Autopilot's admission refuses what is written.
    pub fn warden(&self, method: &str, path: &str, times: usize) {
        let why = "admission webhook \"warden-validating.common-webhooks.networking.gke.io\" denied the request: GKE \
                   Warden rejected the request because it violates one or more constraints.\nViolations details: \
                   {\"[denied by autogke-disallow-privilege]\":[\"container api is privileged; not allowed in \
                   Autopilot\"]}";
        self.meet(method, path, times, Action::FailBefore(Failure::new(403, "Forbidden", why)));
    }

    /// Decides over every request that no other fault meets.
    pub fn intercept(&self, decide: impl Fn(&RequestInfo) -> Action + Send + Sync + 'static) {
        self.core.with_faults(|table| table.intercept = Some(Arc::new(decide)));
    }

    /// Every answer takes this long.
    pub fn latency(&self, latency: Duration) {
        self.core.with_faults(|table| table.latency = latency);
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        self.core.with_faults(|table| *table = Table::default());
        self.core.with_settings(|settings| {
            settings.failing_jobs.clear();
            settings.hanging_jobs.clear();
            settings.stuck.clear();
        });
    }
}

/// A lock that a panicking test has left is as good as any.
pub(super) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
