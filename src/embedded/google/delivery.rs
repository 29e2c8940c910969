//! What the embedded cloud sends by itself: events, tasks, scheduled calls and Pub/Sub pushes.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::context::after;

/// A request waiting to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Its place in the queue.
    pub id: u64,
    /// Who sends it.
    pub kind: Kind,
    /// When it is sent next.
    pub due: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// Attempts that got a response.
    pub responses: u32,
    /// Whether an attempt is under way.
    #[serde(skip)]
    pub in_flight: bool,
    /// Where to; empty while an event waits for a trigger.
    pub url: String,
    /// HTTP method.
    pub method: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body, base64.
    pub body: String,
    /// The account and audience of the ID token to attach.
    pub token: Option<(String, String)>,
    /// How long to wait between attempts.
    pub backoff: Backoff,
}

/// The sender of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A storage event of this bucket.
    Event {
        /// The bucket's name.
        bucket: String,
    },
    /// A task; the full name of its resource.
    Task {
        /// `projects/p/locations/l/queues/q`.
        queue: String,
        /// The last piece of the task's name.
        task: String,
    },
    /// A run of a scheduler job.
    Job {
        /// The full name of the job.
        job: String,
    },
    /// A push of a subscription.
    Push {
        /// The full name of the subscription.
        subscription: String,
    },
}

/// Waiting times between attempts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backoff {
    /// First wait, in seconds.
    pub first_secs: f64,
    /// Longest wait, in seconds.
    pub most_secs: f64,
    /// How often the wait doubles.
    pub doublings: u32,
    /// Attempts before giving up; 0 is without end.
    pub attempts: u32,
}

impl Backoff {
    /// What Eventarc's subscriptions have: 10 s to 600 s, without end.
    pub fn events() -> Self {
        Self { first_secs: 10.0, most_secs: 600.0, doublings: 16, attempts: 0 }
    }

    /// The time of the attempt after `attempts` failed ones; nothing when it was the last.
    pub fn next(&self, now: Timestamp, attempts: u32) -> Option<Timestamp> {
        if self.attempts > 0 && attempts >= self.attempts {
            return None;
        }
        let doubled = self.first_secs * f64::from(attempts.saturating_sub(1).min(self.doublings)).exp2();
        Some(after(now, Duration::from_secs_f64(doubled.clamp(0.0, self.most_secs))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let backoff = Backoff::events();
        let waits: Vec<i64> = (1..=8)
            .filter_map(|attempts| backoff.next(Timestamp::UNIX_EPOCH, attempts))
            .map(|at| at.as_second())
            .collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600]);
        assert!(Backoff { attempts: 2, ..backoff }.next(Timestamp::UNIX_EPOCH, 2).is_none());
    }
}
