//! What the server's threads and its handles share.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, io};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::controllers;
use super::faults::{Action, Table, lock};
use super::request::Request;
use super::settings::Settings;
use super::store::World;
use super::traffic::{Log, Record, RequestInfo};
use super::verbs::{self, Answer};
use crate::embedded::clock::Clock;

/// The world with its clock, and how it is looked at.
pub struct Core {
    /// The embedded time.
    pub clock: Clock,
    /// The version of the world after each change: wakes the watches.
    pub changed: watch::Sender<u64>,
    /// The bearer token asked for, if any.
    pub token: Option<String>,
    persist: Option<PathBuf>,
    state: Mutex<State>,
    faults: Mutex<Table>,
    log: Mutex<Log>,
}

struct State {
    world: World,
    /// The version the controllers have seen.
    settled: u64,
    /// When they are due next.
    due: Option<Timestamp>,
    saved: u64,
}

/// What is done with a request.
pub enum Served {
    /// It is answered.
    Answer(Answer),
    /// The connection breaks.
    Dropped,
}

impl Core {
    /// A world as it was saved, or a new one.
    pub fn open(
        clock: Clock,
        settings: Settings,
        token: Option<String>,
        persist: Option<PathBuf>,
    ) -> io::Result<Self> {
        let mut world = match persist.as_deref().map(fs::read) {
            Some(Ok(bytes)) => World::load(&serde_json::from_slice(&bytes)?),
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => World::new(clock.now()),
        };
        world.settings = settings;
        Ok(Self::of(world, clock, token, persist))
    }

    /// The same world under another clock, going its own way from here.
    pub fn copy(&self, clock: Clock) -> Self {
        Self::of(self.with_world(|world| world.copy()), clock, self.token.clone(), None)
    }

    fn of(world: World, clock: Clock, token: Option<String>, persist: Option<PathBuf>) -> Self {
        let changed = watch::Sender::new(world.version());
        let state = Mutex::new(State { world, settled: 0, due: None, saved: 0 });
        Self { clock, changed, token, persist, state, faults: Mutex::default(), log: Mutex::default() }
    }

    /// Looks at the world as it is now.
    pub fn with_world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let mut state = lock(&self.state);
        self.settle(&mut state);
        let found = look(&mut state.world);
        self.settle(&mut state);
        self.announce(&state);
        found
    }

    /// Changes what a person or a test decides.
    pub fn with_settings<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        let mut state = lock(&self.state);
        let result = change(&mut state.world.settings);
        // Whatever was decided may be due.
        state.world.resting.clear();
        state.settled = 0;
        result
    }

    /// Changes what goes wrong.
    pub(super) fn with_faults<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut lock(&self.faults))
    }

    /// Looks at the requests so far.
    pub(super) fn with_log<T>(&self, look: impl FnOnce(&mut Log) -> T) -> T {
        look(&mut lock(&self.log))
    }

    /// Lets everything happen that is due, and answers when something is due next.
    pub fn advance(&self) -> Option<Timestamp> {
        let mut state = lock(&self.state);
        self.settle(&mut state);
        self.announce(&state);
        state.due
    }

    fn settle(&self, state: &mut State) {
        let now = self.clock.now();
        let due = state.due.is_some_and(|due| due <= now);
        if due || state.settled != state.world.version() {
            state.due = controllers::advance(&mut state.world, now);
            state.settled = state.world.version();
        }
    }

    fn announce(&self, state: &State) {
        let version = state.world.version();
        self.changed.send_if_modified(|last| std::mem::replace(last, version) != version);
    }

    /// Serves a request: numbers it, lets faults have their say, writes it down.
    pub fn serve(&self, request: &Request, query: &str) -> Served {
        let info = RequestInfo {
            seq: lock(&self.log).next(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: query.to_owned(),
            user_agent: request.user_agent.clone(),
        };
        // A hook may look at the world or change the faults, so no lock is held while it decides.
        let action = self.decide(&info);
        let served = match action {
            Action::Proceed => Served::Answer(self.execute(request)),
            Action::FailBefore(failure) => Served::Answer(Answer::failure(&failure)),
            Action::DropBefore => Served::Dropped,
            Action::DropAfter => {
                drop(self.execute(request));
                Served::Dropped
            }
        };
        let status = match &served {
            Served::Answer(Answer::Json { code, .. } | Answer::Text(code, _)) => *code,
            Served::Answer(Answer::Watch(_)) => 200,
            Served::Dropped => 0,
        };
        lock(&self.log).push(Record { request: info, status });
        served
    }

    fn decide(&self, info: &RequestInfo) -> Action {
        let hook = match lock(&self.faults).decide(info) {
            Ok(action) => return action,
            Err(hook) => hook,
        };
        hook.map_or(Action::Proceed, |hook| hook(info))
    }

    fn execute(&self, request: &Request) -> Answer {
        let mut state = lock(&self.state);
        self.settle(&mut state);
        let answer = verbs::handle(&mut state.world, request, self.clock.now());
        // What the change sets off begins now, not when somebody looks next.
        self.settle(&mut state);
        self.announce(&state);
        answer
    }

    /// Writes the world down if it has changed: whole or not at all.
    pub fn save(&self) -> io::Result<()> {
        let Some(path) = &self.persist else { return Ok(()) };
        let document = {
            let mut state = lock(&self.state);
            if state.saved == state.world.version() {
                return Ok(());
            }
            state.saved = state.world.version();
            state.world.save()
        };
        write_whole(path, &document)
    }
}

fn write_whole(path: &Path, document: &Value) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let part = path.with_extension("part");
    fs::write(&part, serde_json::to_vec(document)?)?;
    fs::rename(&part, path)
}
