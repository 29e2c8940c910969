//! The shared heart of the server: the world behind its lock, the log, the faults, the triggers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::apis::secret_manager;
use super::apis::storage::directory;
use super::call::Call;
use super::context::{Cx, Site};
use super::faults::{Fault, FaultKind, Hook, Verdict};
use super::log::Log;
use super::persist;
use super::reply::Reply;
use super::router;
use super::store::World;
use crate::embedded::clock::Clock;

/// Where the events of a bucket go.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The door's URL.
    pub url: String,
    /// The account in the ID token.
    pub service_account: String,
    /// The audience of the ID token.
    pub audience: String,
}

/// What the server's threads share.
pub struct Cloud {
    /// The unchanging facts.
    pub site: Site,
    /// The time.
    pub clock: Clock,
    /// Rung when something was queued or finished.
    pub wake: Notify,
    world: Mutex<World>,
    /// The requests so far.
    pub log: Mutex<Log>,
    /// Failures to come.
    pub faults: Mutex<Vec<Fault>>,
    /// Sees every call first.
    pub hook: Mutex<Option<Hook>>,
    /// By bucket.
    pub triggers: Mutex<BTreeMap<String, Vec<Trigger>>>,
    persist: Option<PathBuf>,
}

/// What to do with a connection.
pub enum Outcome {
    /// Send this, after so long.
    Answer(Reply, Duration),
    /// Close it.
    Close,
}

/// A lock whose holder panicked is still a lock.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cloud {
    /// A cloud in this world, which is kept in this file, if in any.
    pub fn new(site: Site, clock: Clock, persist: Option<PathBuf>, mut world: World) -> Self {
        // Whatever was under way when the last process ended has to be sent again.
        world.deliveries.values_mut().for_each(|delivery| delivery.in_flight = false);
        Self {
            site,
            clock,
            wake: Notify::new(),
            world: Mutex::new(world),
            log: Mutex::default(),
            faults: Mutex::default(),
            hook: Mutex::default(),
            triggers: Mutex::default(),
            persist,
        }
    }

    /// The world, with everything that was due done.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        let now = self.clock.now();
        world.settle(now);
        secret_manager::ring_due(&mut Cx {
            call: &Call::default(),
            world: &mut world,
            site: &self.site,
            now,
        });
        world
    }

    /// Works on the world as a call does.
    pub fn with<T>(&self, call: &Call, work: impl FnOnce(&mut Cx) -> T) -> T {
        let mut world = self.world();
        let mut cx = Cx { call, world: &mut world, site: &self.site, now: self.clock.now() };
        work(&mut cx)
    }

    /// Looks at the directories behind buckets.
    pub fn scan(&self) {
        if !self.site.directories.is_empty() {
            self.with(&Call::default(), directory::scan_all);
            self.wake.notify_one();
        }
    }

    /// Answers a call, faults and hook included, and notes it.
    pub fn answer(&self, call: &Call) -> Outcome {
        let hook = lock(&self.hook).clone();
        let verdict = hook.map_or(Verdict::Pass, |hook| hook(call));
        let fault = self.next_fault(call);
        let mut wait = self.site.delays.call;
        let before = match (&verdict, fault.as_ref().map(|fault| fault.kind)) {
            (Verdict::FailBefore(status, body), _) => Some(Some(failure(*status, body))),
            (Verdict::DropBefore, _) | (_, Some(FaultKind::Drop)) => Some(None),
            (_, Some(FaultKind::Slow(longer))) => {
                wait += longer;
                None
            }
            _ => fault.as_ref().and_then(|fault| fault.reply(&call.host)).map(Some),
        };
        let outcome = match before {
            Some(Some(reply)) => Some(reply),
            Some(None) => None,
            None => {
                let reply = self.route(call);
                let dropped = verdict == Verdict::DropAfter
                    || fault.is_some_and(|fault| fault.kind == FaultKind::DropAfter);
                (!dropped).then_some(reply)
            }
        };
        lock(&self.log).note(call, outcome.as_ref().map_or(0, |reply| reply.status));
        outcome.map_or(Outcome::Close, |reply| Outcome::Answer(reply, wait))
    }

    fn route(&self, call: &Call) -> Reply {
        let answer = self.with(call, router::route);
        self.wake.notify_one();
        match answer {
            Some(Ok(reply)) => reply,
            Some(Err(error)) => error.reply(&call.host),
            None => {
                lock(&self.log).unimplemented(call);
                router::unknown(call)
            }
        }
    }

    fn next_fault(&self, call: &Call) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let at = faults.iter().position(|fault| fault.matches(call))?;
        let fault = faults[at].clone();
        faults[at].times -= 1;
        faults.retain(|fault| fault.times > 0);
        Some(fault)
    }

    /// Writes the world if it changed and is to be kept.
    pub fn save(&self) {
        let Some(path) = &self.persist else { return };
        let mut world = self.world();
        if world.dirty {
            match persist::save(path, &world) {
                Ok(()) => world.dirty = false,
                Err(error) => tracing::warn!(%error, "the embedded cloud could not be saved"),
            }
        }
    }
}

fn failure(status: u16, body: &str) -> Reply {
    let kind = if body.starts_with('{') { "application/json; charset=UTF-8" } else { "text/plain" };
    Reply::empty(status).with_header("content-type", kind).with_body(body.as_bytes().to_vec())
}
