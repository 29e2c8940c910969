//! A hundred rotations on a real PostgreSQL while clients log in all the time, with a death at each arrow in turn.
//!
//! The machine is the one of production. Here its arrows are carried out on a server; what it looks at is what
//! Secret Manager, Cloud SQL and the cluster would show. Whoever takes a step remembers nothing: it looks, takes
//! the one step that follows from that, and dies.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use dify_reconciler::rotation::machine::{
    self, Arrow, Mark, Next, Side, Sight, Trial, TrialResult, Version, Wish,
};
use jiff::{SignedDuration, Timestamp};

use crate::server::Deployment;
use crate::wire::Session;

const ROTATIONS: usize = 100;
const CLIENTS: usize = 6;
/// How many logins a second there have to be for the proof to count. A machine that does not manage so many
/// without any rotation, or is busy with other tests, has to keep half of what it manages.
const RATE: f64 = 500.0;
/// How long it is measured what the machine manages.
const MEASURED: Duration = Duration::from_secs(2);
/// How long it takes until a worker is born, so that what it does itself weighs little beside the clients' load.
const BIRTH: Duration = Duration::from_millis(5);
/// Logins between two looks of a client at who logs in: what a rollout is for a pod.
const LOGINS_OF_A_POD: u64 = 3;

/// What the pods of one rollout have.
#[derive(Clone)]
struct Published {
    number: u64,
    role: String,
    password: String,
}

/// Clients that log in all the time, each with what it was started with, until it is rolled.
struct Clients {
    published: Arc<RwLock<Published>>,
    rolled: Vec<Arc<AtomicU64>>,
    logins: Arc<AtomicU64>,
    failures: Arc<Mutex<Vec<String>>>,
    end: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Clients {
    fn start(port: u16, database: &str, first: Published) -> Self {
        let mut clients = Self {
            published: Arc::new(RwLock::new(first)),
            rolled: (0..CLIENTS).map(|_| Arc::default()).collect(),
            logins: Arc::default(),
            failures: Arc::default(),
            end: Arc::default(),
            threads: Vec::new(),
        };
        for rolled in &clients.rolled {
            let (published, rolled) = (clients.published.clone(), rolled.clone());
            let (logins, failures) = (clients.logins.clone(), clients.failures.clone());
            let (end, database) = (clients.end.clone(), database.to_owned());
            clients.threads.push(thread::spawn(move || {
                while !end.load(Ordering::Relaxed) {
                    let pod = published.read().expect("the lock").clone();
                    // Whoever had the old password before is gone, now that this is told.
                    rolled.store(pod.number, Ordering::SeqCst);
                    for _ in 0..LOGINS_OF_A_POD {
                        match Session::log_in(port, &pod.role, &pod.password, &database) {
                            Ok(_) => drop(logins.fetch_add(1, Ordering::Relaxed)),
                            Err(error) => failures.lock().expect("the lock").push(error.to_string()),
                        }
                    }
                }
            }));
        }
        clients
    }

    fn roll_out(&self, role: &str, password: &str) {
        let mut published = self.published.write().expect("the lock");
        if published.password != password {
            let number = published.number + 1;
            *published = Published { number, role: role.into(), password: password.into() };
        }
    }

    fn are_rolled_out(&self) -> bool {
        let number = self.published.read().expect("the lock").number;
        self.rolled.iter().all(|rolled| rolled.load(Ordering::SeqCst) >= number)
    }

    fn stop(mut self) -> (u64, Vec<String>) {
        self.end.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a client ends");
        }
        let failures = std::mem::take(&mut *self.failures.lock().expect("the lock"));
        (self.logins.load(Ordering::Relaxed), failures)
    }
}

/// A version as Secret Manager keeps it.
struct Kept {
    version: Version,
    password: String,
    enabled: bool,
}

/// What lasts: secrets, label, operations, Jobs, and the time.
struct World {
    now: Timestamp,
    secrets: [Vec<Kept>; 2],
    mark: Option<Mark>,
    changes: Vec<Timestamp>,
    trials: BTreeMap<(Side, u64), Trial>,
    ordered: Option<Timestamp>,
}

/// When a death comes relative to its call.
#[derive(Clone, Copy, PartialEq)]
enum Death {
    Before,
    After,
}

impl World {
    fn begin(deployment: &Deployment) -> Self {
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let first = |number| Kept {
            version: Version { number: 1, created: now },
            password: deployment.login(number).1.to_owned(),
            enabled: true,
        };
        let secrets = [vec![first(0)], vec![first(1)]];
        Self { now, secrets, mark: None, changes: vec![], trials: BTreeMap::new(), ordered: None }
    }

    fn pass(&mut self, secs: i64) {
        self.now += SignedDuration::from_secs(secs);
    }

    /// Everything the machine is shown.
    fn sight(&self) -> Sight {
        let enabled = |side: Side| {
            let kept = self.secrets[side.index()].iter().filter(|kept| kept.enabled);
            kept.map(|kept| kept.version.clone()).collect()
        };
        Sight {
            at: self.now,
            mark: self.mark,
            version: self.serving().1,
            versions: [enabled(Side::A), enabled(Side::B)],
            trials: self.trials.clone(),
            changes: self.changes.clone(),
            users: Vec::new(),
            drain_secs: 90,
            wish: Wish { ordered: self.ordered, period_secs: u64::MAX, ..Wish::default() },
        }
    }

    fn serving(&self) -> (Side, u64) {
        self.mark.map_or((Side::A, 1), |mark| (mark.side, mark.version))
    }

    fn password(&self, side: Side, version: u64) -> &str {
        let mut kept = self.secrets[side.index()].iter();
        &kept.find(|kept| kept.version.number == version).expect("a version").password
    }

    /// Carries one arrow out.
    fn take(&mut self, arrow: Arrow, deployment: &Deployment, clients: &Clients) {
        let server = deployment.server;
        match arrow {
            Arrow::Draw(side) => {
                // Drawn after the switch, it says that everything has been rolled out.
                let (serving, version) = self.serving();
                let password = self.password(serving, version);
                clients.roll_out(&deployment.names.logins[serving.index()], password);
                while !clients.are_rolled_out() {
                    thread::sleep(Duration::from_millis(1));
                }
                let number = self.secrets[side.index()].len() as u64 + 1;
                let version = Version { number, created: self.now };
                let password = format!("Drawn{}{}{number}", side.letter(), self.now.as_second());
                self.secrets[side.index()].push(Kept { version, password, enabled: true });
            }
            Arrow::Set(side, version) => {
                let login = &deployment.names.logins[side.index()];
                let sql = format!("ALTER ROLE {login} PASSWORD '{}'", self.password(side, version));
                let admin = (server.admin(), server.admin_password());
                let mut session =
                    Session::log_in(server.port(), admin.0, admin.1, "postgres").expect("an admin");
                session.ask(&sql).expect("the password is set");
                self.changes.push(self.now);
            }
            Arrow::Test(side, version, attempt) => {
                let login = &deployment.names.logins[side.index()];
                let database = &deployment.names.application;
                let session = Session::log_in(server.port(), login, self.password(side, version), database);
                let role = session.and_then(|mut session| session.ask("SELECT current_user"));
                let result = match role {
                    Ok(role) if role == deployment.names.owner => TrialResult::LoggedIn,
                    _ => TrialResult::Failed(self.now),
                };
                self.trials.insert((side, version), Trial { attempt, result });
            }
            Arrow::Switch(mark) => self.mark = Some(mark),
            Arrow::Disable(side, version) => {
                let mut kept = self.secrets[side.index()].iter_mut();
                kept.find(|kept| kept.version.number == version).expect("a version").enabled = false;
            }
        }
    }
}

/// One rotation; dies at the call of this number. Answers the arrows that were taken.
fn rotate(
    world: &mut World,
    deployment: &Deployment,
    clients: &Clients,
    death: (usize, Death),
) -> Vec<Arrow> {
    world.pass(1_000);
    world.ordered = Some(world.now);
    world.pass(1);
    let (mut taken, mut calls) = (Vec::new(), 0);
    loop {
        // A worker that was just born: it knows nothing but what it sees.
        thread::sleep(BIRTH);
        let sight = world.sight();
        world.pass(1);
        match machine::next(&sight) {
            Next::Settled => return taken,
            Next::Wait(_) | Next::Until(..) => world.pass(30),
            Next::Stuck(side, version) => panic!("stuck at {side:?} {version}"),
            Next::Take(arrow) => {
                let dies = calls == death.0;
                calls += 1;
                if dies && death.1 == Death::Before {
                    continue;
                }
                world.take(arrow, deployment, clients);
                if dies && matches!(arrow, Arrow::Set(..)) {
                    // The answer is lost, and so many operations came since that this one is not listed any more.
                    world.changes.clear();
                }
                taken.push(arrow);
                assert!(taken.len() < 50, "it goes on for ever: {taken:?}");
            }
        }
    }
}

#[test]
fn a_hundred_rotations_under_load_and_deaths_fail_no_login_and_leave_no_old_password() {
    let Some(deployment) = Deployment::new_for_logins("rotating") else { return };
    deployment.run().good();
    let mut world = World::begin(&deployment);
    let (role, password) = deployment.login(0);
    let first = Published { number: 0, role: role.into(), password: password.into() };
    let (port, database) = (deployment.server.port(), deployment.names.application.clone());
    let clients = Clients::start(port, &database, first);
    thread::sleep(MEASURED);
    let before = clients.logins.load(Ordering::Relaxed);
    let able = before as f64 / MEASURED.as_secs_f64();
    let begun = Instant::now();

    for rotation in 0..ROTATIONS {
        let (side, version) = world.serving();
        let old = world.password(side, version).to_owned();
        let moment = if rotation / 9 % 2 == 0 { Death::Before } else { Death::After };
        let taken = rotate(&mut world, &deployment, &clients, (rotation % 9, moment));
        assert_eq!(world.serving().0, side.other(), "the logins take turns");
        let switches = taken.iter().filter(|arrow| matches!(arrow, Arrow::Switch(_))).count();
        assert_eq!(switches, 1, "one commit point: {taken:?}");

        let login = &deployment.names.logins[side.index()];
        let refused = Session::log_in(port, login, &old, &database).err().map(|error| error.to_string());
        let refused = refused.unwrap_or_else(|| panic!("the old password of {login} still logs in"));
        assert!(refused.contains("28P01"), "{refused}");
        for (side, kept) in Side::BOTH.into_iter().zip(&world.secrets) {
            let enabled = kept.iter().filter(|kept| kept.enabled).count();
            assert_eq!(enabled, 1, "one password of {side:?} is left");
        }
    }
    let secs = begun.elapsed().as_secs_f64();
    let (logins, failures) = clients.stop();
    let rate = (logins - before) as f64 / secs;
    let failed = failures.len();
    println!("{ROTATIONS} rotations in {secs:.1} s, {logins} logins, {failed} failed");
    println!("{rate:.0} logins a second; without rotation {able:.0}");
    assert_eq!(failures, Vec::<String>::new());
    assert!(rate >= RATE.min(able / 2.0), "only {rate:.0} logins a second of {able:.0}");
}
