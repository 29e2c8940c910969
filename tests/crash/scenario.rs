//! A scenario: what was there before, what happens then, and how the world is when the work dies on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dify_reconciler::converge::{Outcome, Work};
use futures::StreamExt;
use rand::SeedableRng;
use serde_json::Value;

use crate::death::{Death, Moment, Place};
use crate::harness::{self, Stage};
use crate::slots::numbered;

/// Worlds that are played side by side.
const SIDE_BY_SIDE: usize = 4;

/// How many calls of any kind are died at beside the writes.
const DRAWN: usize = 6;

/// Writes of a long procedure at which it dies unless all are asked for. It goes through hours of waiting again after
/// each death.
const LONG: usize = 10;

/// Both clouds, by the paths of what is in them.
pub type World = BTreeMap<String, Value>;

/// What was there before, and what happens then.
#[derive(Clone)]
pub struct Scenario {
    /// The spec that has converged already, if any.
    pub before: Option<String>,
    /// How long ago that was.
    pub ago: Duration,
    /// What else happens then.
    pub event: Option<fn(&Stage)>,
    /// The spec whose work dies; none withdraws it.
    pub spec: Option<String>,
    /// How the work has to end.
    pub end: Outcome,
    /// Whether each death costs hours of waiting.
    pub is_long: bool,
    /// What two worlds are compared by.
    pub compared: fn(World) -> World,
    /// What else has to be true in the end.
    pub also: fn(&Stage),
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            before: None,
            ago: Duration::ZERO,
            event: None,
            spec: None,
            end: Outcome::Converged,
            is_long: false,
            compared: numbered,
            also: |_| {},
        }
    }
}

impl Scenario {
    /// Plays once undisturbed and once for each death, and compares the worlds.
    pub async fn survives_every_death(self) {
        let ground = Arc::new(self.ground().await);
        let (expected, (writes, calls)) = self.undisturbed(&ground).await;
        assert!(writes > 0, "the scenario changes nothing");
        let deaths = deaths(writes, calls, self.is_long);
        let worlds = deaths.into_iter().map(|(place, moment)| {
            let (scenario, ground) = (self.clone(), ground.clone());
            async move {
                let world =
                    tokio::spawn(async move { scenario.disturbed(&ground, place, moment).await }).await;
                (place, moment, world.expect("the scenario goes on"))
            }
        });
        let mut worlds = futures::stream::iter(worlds).buffer_unordered(SIDE_BY_SIDE);
        let mut played = 0;
        while let Some((place, moment, world)) = worlds.next().await {
            harness::assert_same(&expected, &world, &format!("{moment:?} {place:?}"));
            played += 1;
        }
        println!("{played} deaths survived; undisturbed it takes {calls} calls, {writes} of them writes");
    }

    /// The world before, played once for all deaths.
    async fn ground(&self) -> Stage {
        let stage = Stage::instant().await;
        if let Some(before) = &self.before {
            let work = stage.save("prod.yaml", before).await;
            assert_eq!(stage.settle(&work).await, Outcome::Converged);
            stage.clock.advance(self.ago);
        }
        stage
    }

    /// A world of its own in which it has just happened, and the work that this asks for.
    async fn stage(&self, ground: &Stage) -> (Stage, Work) {
        let stage = ground.copy().await;
        if let Some(event) = self.event {
            event(&stage);
        }
        let work = match &self.spec {
            Some(spec) => stage.save("prod.yaml", spec).await,
            None => stage.withdraw("prod.yaml").await,
        };
        (stage, work)
    }

    /// The world when nobody dies, and how many writes and calls it takes to get there.
    async fn undisturbed(&self, ground: &Stage) -> (World, (usize, usize)) {
        let (stage, work) = self.stage(ground).await;
        let counter = Death::never(&stage);
        assert_eq!(stage.settle(&work).await, self.end, "{:#?}", stage.status(&work).await.findings);
        ((self.compared)(stage.world()), counter.counted())
    }

    /// The world when the worker dies at a call and another one takes over.
    async fn disturbed(&self, ground: &Stage, place: Place, moment: Moment) -> World {
        let (mut stage, work) = self.stage(ground).await;
        let death = Death::at(&stage, place, moment);
        tokio::select! {
            () = death.came() => {}
            _ = stage.settle(&work) => {}
        }
        death.over(&stage).await;
        stage.reborn();
        let outcome = stage.settle(&work).await;
        let status = stage.status(&work).await;
        assert_eq!(outcome, self.end, "{moment:?} {place:?}: {:#?}", status.findings);
        (self.also)(&stage);
        (self.compared)(stage.world())
    }
}

/// When to die. `DIFY_CRASH=writes` means before and after each write, `DIFY_CRASH=calls` before and after each call.
/// Otherwise each write of a short scenario is met before or after, and a few of a long one, as a seed says.
fn deaths(writes: usize, calls: usize, is_long: bool) -> Vec<(Place, Moment)> {
    let both = |place: Place| [(place, Moment::Before), (place, Moment::After)];
    let wanted = std::env::var("DIFY_CRASH").unwrap_or_default();
    if wanted == "calls" {
        return (1..=calls).map(Place::Call).flat_map(both).collect();
    }
    let given = std::env::var("DIFY_CRASH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(rand::random);
    println!("DIFY_CRASH_SEED={seed}");
    let mut chance = rand::rngs::StdRng::seed_from_u64(seed);
    let drawn = rand::seq::index::sample(&mut chance, calls, DRAWN.min(calls)).into_iter();
    let drawn = drawn.map(|index| Place::Call(index + 1)).flat_map(both);
    let written = match (wanted.as_str(), is_long) {
        ("writes", _) => (1..=writes).map(Place::Write).flat_map(both).collect(),
        (_, true) => {
            let some = rand::seq::index::sample(&mut chance, writes, LONG.min(writes)).into_iter();
            some.map(|index| Place::Write(index + 1)).flat_map(both).collect()
        }
        (_, false) => each_once(writes, seed),
    };
    drawn.chain(written).collect()
}

/// Each write met once: every other one before, the rest after; the seed says with which it begins.
fn each_once(writes: usize, seed: u64) -> Vec<(Place, Moment)> {
    let moment = |write: usize| {
        if (write as u64).wrapping_add(seed).is_multiple_of(2) { Moment::Before } else { Moment::After }
    };
    (1..=writes).map(|write| (Place::Write(write), moment(write))).collect()
}
