//! Pull mode: the same events, fetched from Pub/Sub subscriptions instead of brought to `/events`.
//!
//! A message is acknowledged when what it asks for is in the queue, given back when that fails for now, and put
//! aside like any poison when it makes no sense or has failed too often. A dead-letter topic is the
//! subscription's own business: with one, Pub/Sub itself moves a message there after so many attempts.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::task::JoinSet;

use super::metrics::{Counter, Timer};
use super::reply::Reply;
use super::{App, intake, limits, quarantine};
use crate::cloud::pull::{Fetched, Stream};
use crate::error::{CloudError, Failure};
use crate::events::{Flaw, Headers, Poison};

/// The route in logs, numbers and kept poison.
const ROUTE: &str = "pull";
/// Longest pause between two attempts at a message or at a stream.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Most messages whose attempts are counted here; Pub/Sub counts only with a dead-letter topic.
const MOST_COUNTED: usize = 10_000;

/// How one subscription is pulled from.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Full name of the subscription.
    pub subscription: String,
    /// Most messages that are held at a time.
    pub outstanding: u32,
    /// After so many attempts that failed a message is put aside. With pauses that double up to a minute these
    /// are a quarter of an hour: longer than the queue is ever away, and the tick makes up for what was lost.
    pub most_attempts: u32,
    /// The first pause after an attempt that failed; each is twice as long as the one before.
    pub first_pause: Duration,
}

impl Pull {
    /// From this subscription.
    pub fn from(subscription: &str) -> Self {
        let first_pause = Duration::from_secs(1);
        Self { subscription: subscription.to_owned(), outstanding: 24, most_attempts: 20, first_pause }
    }

    fn pause(&self, attempts: u32) -> Duration {
        self.first_pause.saturating_mul(1 << attempts.min(16)).min(LONGEST_PAUSE)
    }
}

/// What one stream after another of a subscription shares.
struct Puller {
    app: App,
    pull: Pull,
    attempts: Mutex<HashMap<String, u32>>,
}

/// Pulls until the process is about to end. A stream that breaks is opened anew.
pub async fn pull(app: App, pull: Pull) {
    let puller =
        std::sync::Arc::new(Puller { app: app.clone(), pull: pull.clone(), attempts: Mutex::default() });
    let mut broken = 0;
    tracing::info!(subscription = pull.subscription, "pulling");
    while !app.is_stopping() {
        let began = Instant::now();
        let Err(error) = stream(&puller).await else { break };
        // One that held for a while was a good one.
        broken = if began.elapsed() > LONGEST_PAUSE { 0 } else { broken + 1 };
        let pause = pull.pause(broken);
        tracing::error!(subscription = pull.subscription, %error, pause_secs = pause.as_secs(), "the stream broke");
        puller.rest(pause).await;
    }
    tracing::info!(subscription = pull.subscription, "pulling has ended");
}

/// One stream, until it breaks or the process is about to end.
async fn stream(puller: &std::sync::Arc<Puller>) -> Result<(), CloudError> {
    let Pull { subscription, outstanding, .. } = &puller.pull;
    let mut stream: Stream = puller.app.cloud.subscriptions.open(subscription, *outstanding).await?;
    let mut handled = JoinSet::new();
    let ended = loop {
        while handled.try_join_next().is_some() {}
        // Pub/Sub is asked to hold back as well, but need not.
        let full = handled.len() >= usize::try_from(*outstanding).unwrap_or(usize::MAX);
        if full {
            tokio::select! {
                () = puller.app.stopping() => break Ok(()),
                _ = handled.join_next() => continue,
            }
        }
        tokio::select! {
            () = puller.app.stopping() => break Ok(()),
            next = stream.next() => match next {
                Some(Ok(fetched)) => {
                    let puller = puller.clone();
                    handled.spawn(async move { puller.handle(fetched).await });
                }
                Some(Err(error)) => break Err(error),
                // Pub/Sub closes streams that it is done with.
                None => break Err(CloudError::new("pull", Failure::NoAnswer, "the stream was closed")),
            },
        }
    };
    // What is held goes back to Pub/Sub when it takes longer than that.
    let closing = async {
        while handled.join_next().await.is_some() {}
        stream.close().await;
    };
    if tokio::time::timeout(limits::LAST_WORK, closing).await.is_err() {
        tracing::warn!(subscription, "messages are given back unhandled");
    }
    ended
}

impl Puller {
    async fn handle(&self, fetched: Fetched) {
        let started = Instant::now();
        let headers = Headers::from([("content-type".to_owned(), "application/json".to_owned())]);
        let attempt = self.attempt(&fetched);
        let reply = self.deliver(&headers, &fetched).await;
        self.app.metrics.count(Counter::Requests, [ROUTE, reply.name()]);
        self.app.metrics.time(Timer::Requests, [ROUTE, ""], started.elapsed());
        match reply {
            Reply::Taken | Reply::PutAside => {
                self.forget(&fetched.id);
                fetched.acknowledge();
            }
            _ if attempt >= self.pull.most_attempts => {
                let why = format!("it failed {attempt} times: {}", reply.name());
                let poison = Poison::new(Flaw::Undeliverable, why);
                quarantine::keep(&self.app, ROUTE, &headers, &fetched.body, &poison).await;
                self.forget(&fetched.id);
                fetched.acknowledge();
            }
            _ => {
                let pause = self.pull.pause(attempt.saturating_sub(1));
                tracing::warn!(id = fetched.id, attempt, reply = reply.name(), "the message is given back");
                // Held meanwhile: Pub/Sub would deliver it again at once, and new ones beside it.
                self.rest(pause).await;
                fetched.give_back();
            }
        }
    }

    async fn deliver(&self, headers: &Headers, fetched: &Fetched) -> Reply {
        // Never closed.
        let Ok(_place) = self.app.gates.events.acquire().await else { return Reply::Stopping };
        let delivered = intake::deliver(&self.app, ROUTE, headers, &fetched.body);
        let delivered = tokio::time::timeout(limits::INTAKE, AssertUnwindSafe(delivered).catch_unwind());
        match delivered.await {
            Err(_) => Reply::TooSlow,
            Ok(Err(_)) => Reply::Crashed,
            Ok(Ok(reply)) => reply.unwrap_or_else(|refused| refused),
        }
    }

    /// Waits so long, but not beyond the end of the process.
    async fn rest(&self, pause: Duration) {
        let _ = tokio::time::timeout(pause, self.app.stopping()).await;
    }

    fn attempt(&self, fetched: &Fetched) -> u32 {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.len() >= MOST_COUNTED {
            attempts.clear();
        }
        let count = attempts.entry(fetched.id.clone()).or_default();
        *count = count.saturating_add(1).max(fetched.attempt);
        *count
    }

    fn forget(&self, id: &str) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
