//! Repeating a call that failed for a reason that passes, within a budget.

use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use google_cloud_gax::backoff_policy::BackoffPolicy;
use google_cloud_gax::exponential_backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use google_cloud_gax::retry_state::RetryState;

use super::answer::Answer;
use crate::error::{CloudError, Failure};

/// How long is tried, and how long one try may take.
#[derive(Clone, Debug)]
pub struct Patience {
    /// After this long nothing is tried again. Work has a budget of minutes, and comes back by itself.
    pub budget: Duration,
    /// Time limit of one try.
    pub attempt: Duration,
    /// The first pause; each one may be twice as long as the one before. What is waited is drawn between
    /// nothing and that.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            budget: Duration::from_secs(20),
            attempt: Duration::from_secs(30),
            pause: Duration::from_millis(500),
        }
    }
}

impl Patience {
    fn backoff(&self) -> ExponentialBackoff {
        ExponentialBackoffBuilder::new()
            .with_initial_delay(self.pause)
            .with_maximum_delay(Duration::from_secs(8))
            .with_scaling(2.0)
            .clamp()
    }

    /// Tries until there is a good answer, an error that stays, or the budget is used up. Gives the
    /// outcome and the number of tries.
    pub async fn run<'a>(
        &self,
        call: &str,
        idempotent: bool,
        attempt: &(dyn Fn() -> BoxFuture<'a, Result<Answer, CloudError>> + Sync),
    ) -> (Result<Answer, CloudError>, u32) {
        let checked = || async { attempt().await.and_then(|answer| answer.checked(call)) };
        self.tried(call, idempotent, checked).await
    }

    /// The same with anything that is good or an error.
    pub async fn tried<T, F>(
        &self,
        call: &str,
        idempotent: bool,
        attempt: impl Fn() -> F,
    ) -> (Result<T, CloudError>, u32)
    where
        F: Future<Output = Result<T, CloudError>>,
    {
        let backoff = self.backoff();
        let start = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = match tokio::time::timeout(self.attempt, attempt()).await {
                Ok(outcome) => outcome,
                Err(_) => Err(CloudError::new(call, Failure::NoAnswer, format!("within {:?}", self.attempt))),
            };
            let error = match outcome {
                Err(error) => error,
                good => return (good, tries),
            };
            let state = RetryState::new(idempotent).set_start(start).set_attempt_count(tries);
            let pause = error.retry_after.unwrap_or_default().max(backoff.on_failure(&state));
            if !error.is_transient(idempotent) || start.elapsed() + pause >= self.budget {
                return (Err(error), tries);
            }
            tracing::debug!(call, tries, %error, "trying again");
            tokio::time::sleep(pause).await;
        }
    }
}
