//! The embedded cloud's time: real time made faster for a person, or moved by hand in a test.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A shared clock. Clones show the same time.
#[derive(Clone)]
pub struct Clock {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    moved: watch::Sender<Timestamp>,
}

enum Source {
    Running { origin: Timestamp, started: Instant, speed: f64 },
    Manual(Mutex<Timestamp>),
}

impl Clock {
    /// Real time from now on, `speed` times as fast.
    pub fn running(speed: f64) -> Self {
        let origin = Timestamp::now();
        Self::from_source(Source::Running { origin, started: Instant::now(), speed }, origin)
    }

    /// Time that stands still until [`advance`](Self::advance) is called.
    pub fn manual(start: Timestamp) -> Self {
        Self::from_source(Source::Manual(Mutex::new(start)), start)
    }

    fn from_source(source: Source, now: Timestamp) -> Self {
        Self { inner: Arc::new(Inner { source, moved: watch::Sender::new(now) }) }
    }

    /// The time in the embedded cloud.
    pub fn now(&self) -> Timestamp {
        match &self.inner.source {
            Source::Running { origin, started, speed } => {
                later(*origin, Duration::from_secs_f64(started.elapsed().as_secs_f64() * speed))
            }
            Source::Manual(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a manual clock; a running one ignores it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.inner.source {
            let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = later(*now, by);
            self.inner.moved.send_replace(*now);
        }
    }

    /// Returns when the clock shows `deadline` or later.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match &self.inner.source {
            Source::Running { speed, .. } => {
                let ahead = deadline.duration_since(self.now()).as_secs_f64();
                if ahead > 0.0 {
                    tokio::time::sleep(Duration::from_secs_f64(ahead / speed)).await;
                }
            }
            Source::Manual(_) => {
                let mut moved = self.inner.moved.subscribe();
                while self.now() < deadline && moved.changed().await.is_ok() {}
            }
        }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_hand_passes_its_deadline() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let deadline = later(clock.now(), Duration::from_secs(600));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(deadline).await }
        });
        clock.advance(Duration::from_secs(599));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.expect("the sleeper ends");
    }
}
