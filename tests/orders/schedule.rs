//! A story, and one order in which its deliveries arrive.

use std::fmt;
use std::ops::{AddAssign, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dify_reconciler::cloud::Precondition;
use dify_reconciler::converge::{Converger, Outcome, Work};
use dify_reconciler::embedded::google::Verdict;
use dify_reconciler::events::object_change::{Change, ObjectChange};
use dify_reconciler::events::{Event, SpecCommitted, SpecWithdrawn};
use dify_reconciler::handlers::{self, Errand, Motion};
use dify_reconciler::state::status::Phase;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;

use crate::harness::{self, Stage};
use crate::queue::Queue;
use crate::stamps::Stamps;

const OBJECT: &str = "prod.yaml";
/// How far virtual time jumps in the middle of a work: its lease is over then, and the other instance takes it.
const JUMP: Duration = Duration::from_secs(100);
/// Works of one schedule after which it will not end any more.
const MOST_WORKS: usize = 400;

/// Three versions of a spec. The user saves them, takes the last one away, and puts it back.
pub struct Story {
    pub base: &'static str,
    pub changes: [&'static [&'static str]; 3],
}

/// What was played.
#[derive(Default)]
pub struct Tally {
    pub schedules: u64,
    pub works: u64,
    pub overlaps: u64,
    pub duplicates: u64,
    pub stamps: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.works += other.works;
        self.overlaps += other.overlaps;
        self.duplicates += other.duplicates;
        self.stamps += other.stamps;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schedules, works, overlaps, duplicates, stamps } = self;
        write!(
            f,
            "{schedules} schedules: {works} works, {overlaps} times both at once, {duplicates} duplicates, {stamps} stamps"
        )
    }
}

/// What the user does next.
#[derive(Clone, Copy)]
enum Act {
    Save(usize),
    Withdraw,
}

const ACTS: [Act; 5] = [Act::Save(0), Act::Save(1), Act::Save(2), Act::Withdraw, Act::Save(2)];

/// A delivery on its way.
#[derive(Clone)]
struct Delivery {
    work: Work,
    key: String,
}

impl Story {
    fn spec(&self, version: usize) -> String {
        format!("{}{}", self.base, self.changes[version].concat())
    }

    /// Does what the user does, and answers the event's delivery.
    async fn act(&self, stage: &Stage, act: Act, live: &mut i64) -> Delivery {
        let objects = &stage.converger.cloud.objects;
        let (change, generation) = match act {
            Act::Save(version) => {
                let text = self.spec(version).into();
                let written =
                    objects.write("specs", OBJECT, text, "application/yaml", Precondition::None).await;
                (Change::Finalized, written.expect("the spec is saved"))
            }
            Act::Withdraw => {
                objects.delete("specs", OBJECT, None).await.expect("the spec is deleted");
                (Change::Deleted, *live)
            }
        };
        *live = generation;
        let bucket = "specs".to_owned();
        let told = ObjectChange { change, bucket, object: OBJECT.into(), generation, metageneration: None };
        let event = match change {
            Change::Finalized => Event::SpecCommitted(SpecCommitted(told)),
            _ => Event::SpecWithdrawn(SpecWithdrawn(told)),
        };
        let Motion::Converge(work) = handlers::motion(&event, "specs") else { panic!("no work") };
        Delivery { work, key: event.key() }
    }

    /// The world after the story when nothing comes in between.
    async fn undisturbed(&self) -> (Stage, std::collections::BTreeMap<String, serde_json::Value>) {
        let stage = Stage::instant().await;
        let mut live = 0;
        for act in ACTS {
            let delivery = self.act(&stage, act, &mut live).await;
            let outcome = stage.settle(&delivery.work).await;
            let end = if matches!(act, Act::Withdraw) { Outcome::Withdrawn } else { Outcome::Converged };
            assert_eq!(outcome, end, "{:#?}", stage.status(&delivery.work).await);
        }
        let world = stage.world();
        (stage, world)
    }
}

/// Plays schedules one after another in one world.
pub async fn play(story: &'static Story, seeds: Range<u64>) -> Tally {
    let (stage, expected) = story.undisturbed().await;
    let mut stamps = Stamps::watch(&stage);
    let instances = [stage.twin(), stage.twin()];
    let mut tally = Tally::default();
    for seed in seeds {
        let mut schedule = Schedule {
            story,
            stage: &stage,
            instances: &instances,
            chance: StdRng::seed_from_u64(seed),
            queue: Queue::new(),
            acts: ACTS.to_vec(),
            deliveries: Vec::new(),
            live: 0,
            tally: Tally::default(),
        };
        schedule.run(seed).await;
        tally.stamps = stamps.check(&stage, &format!("seed {seed}"));
        tally += Tally { schedules: 1, duplicates: schedule.queue.duplicates, ..schedule.tally };
        harness::assert_same(&expected, &stage.world(), &format!("seed {seed}"));
        let status = stage.status(&Work::on(OBJECT, "test")).await;
        assert_eq!((status.phase, status.spec.generation), (Phase::Converged, schedule.live), "seed {seed}");
    }
    tally
}

struct Schedule<'a> {
    story: &'static Story,
    stage: &'a Stage,
    instances: &'a [Converger; 2],
    chance: StdRng,
    queue: Queue,
    acts: Vec<Act>,
    deliveries: Vec<Delivery>,
    live: i64,
    tally: Tally,
}

impl Schedule<'_> {
    /// Until everything has happened, was delivered and was done.
    async fn run(&mut self, seed: u64) {
        loop {
            assert!(self.tally.works < MOST_WORKS as u64, "seed {seed} does not come to an end");
            match self.chance.random_range(0..4) {
                0 if !self.acts.is_empty() => self.next_act().await,
                1 if !self.deliveries.is_empty() => self.deliver(),
                _ => {
                    let now = self.stage.clock.now();
                    if let Some(errand) = self.queue.take(now, &mut self.chance) {
                        self.work(errand).await;
                    } else if self.acts.is_empty() && self.deliveries.is_empty() {
                        let Some(next) = self.queue.next() else { return };
                        let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
                        self.stage.clock.advance(wait);
                    }
                }
            }
        }
    }

    /// The user does something. It is told two or three times, and a tick comes now and then.
    async fn next_act(&mut self) {
        let act = self.acts.remove(0);
        // Time goes on between two things a user does.
        self.stage.clock.advance(Duration::from_secs(1));
        let told = self.story.act(self.stage, act, &mut self.live).await;
        let copies = self.chance.random_range(2..4);
        self.deliveries.extend(std::iter::repeat_n(told, copies));
        if self.chance.random_bool(0.3) {
            let tick =
                Delivery { work: Work::on(OBJECT, "resync"), key: format!("tick/{}", self.acts.len()) };
            self.deliveries.extend([tick.clone(), tick]);
        }
    }

    /// Any delivery that is on its way arrives.
    fn deliver(&mut self) {
        let at = self.chance.random_range(0..self.deliveries.len());
        let Delivery { work, key } = self.deliveries.swap_remove(at);
        self.queue.first(Errand::new(work), &key, self.stage.clock.now());
    }

    /// One instance works; now and then the other one takes over in the middle of it, while it goes on.
    async fn work(&mut self, errand: Errand) {
        let first = self.chance.random_range(0..2);
        let (one, other) = (&self.instances[first], &self.instances[1 - first]);
        let second = if self.chance.random_bool(0.5) {
            self.queue.take(self.stage.clock.now(), &mut self.chance)
        } else {
            None
        };
        let Some(second) = second else {
            let outcome = one.work(&errand.work).await;
            return self.ended(errand, outcome);
        };
        self.tally.overlaps += 1;
        let came = {
            let number = self.chance.random_range(1..8);
            self.jump_at_write(number)
        };
        let done = Notify::new();
        let working = async {
            let outcome = one.work(&errand.work).await;
            done.notify_one();
            outcome
        };
        let taking_over = async {
            tokio::select! {
                () = came.notified() => {}
                () = done.notified() => {}
            }
            other.work(&second.work).await
        };
        let (outcome, other_outcome) = tokio::join!(working, taking_over);
        self.stage.google.clear_intercept();
        self.ended(errand, outcome);
        self.ended(second, other_outcome);
    }

    /// Time jumps at a write of this number, so that the lease is over before the work is.
    fn jump_at_write(&self, number: usize) -> Arc<Notify> {
        let came = Arc::new(Notify::new());
        let (ring, clock, writes) = (came.clone(), self.stage.clock.clone(), AtomicUsize::new(0));
        self.stage.google.intercept(move |call| {
            if call.is_write() && writes.fetch_add(1, Ordering::SeqCst) + 1 == number {
                clock.advance(JUMP);
                ring.notify_one();
            }
            Verdict::Pass
        });
        came
    }

    fn ended(&mut self, errand: Errand, outcome: Result<Outcome, dify_reconciler::error::CloudError>) {
        self.tally.works += 1;
        let now = self.stage.clock.now();
        match outcome {
            Ok(outcome) => {
                if let Some(later) = errand.follow(&outcome, now) {
                    self.queue.later(later);
                }
            }
            Err(_) => self.queue.again(errand, now),
        }
    }
}
