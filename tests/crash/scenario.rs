//! A scenario: what was there before, what happens then, and how the world is when the work dies on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dify_reconciler::converge::{Outcome, Work};
use futures::StreamExt;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde_json::Value;

use crate::death::{Death, Moment, Place};
use crate::harness::{self, Stage};
use crate::slots::numbered;

/// Worlds that are played side by side.
const SIDE_BY_SIDE: usize = 4;

/// Deaths at writes that are drawn for a scenario, unless all are asked for: of a short one, and of one that goes through
/// hours of waiting again after each death.
const WRITES: (usize, usize) = (24, 4);

/// Calls of any kind that are died at beside the writes.
const CALLS: (usize, usize) = (4, 1);

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
        let stage = ground.copy();
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

/// When to die: at some writes and some calls, as a seed says. `DIFY_CRASH=writes` means before and after every write,
/// `DIFY_CRASH=calls` before and after every call.
fn deaths(writes: usize, calls: usize, is_long: bool) -> Vec<(Place, Moment)> {
    let all = |places: usize, place: fn(usize) -> Place| -> Vec<(Place, Moment)> {
        let both = |place| [(place, Moment::Before), (place, Moment::After)];
        (1..=places).map(place).flat_map(both).collect()
    };
    let wanted = std::env::var("DIFY_CRASH").unwrap_or_default();
    if wanted == "calls" {
        return all(calls, Place::Call);
    }
    let given = std::env::var("DIFY_CRASH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(rand::random);
    println!("DIFY_CRASH_SEED={seed}");
    let mut chance = rand::rngs::StdRng::seed_from_u64(seed);
    let of = |(short, long): (usize, usize)| if is_long { long } else { short };
    let at_writes = if wanted == "writes" { usize::MAX } else { of(WRITES) };
    let mut some = |mut deaths: Vec<(Place, Moment)>, most: usize| {
        deaths.shuffle(&mut chance);
        deaths.truncate(most);
        deaths
    };
    [some(all(writes, Place::Write), at_writes), some(all(calls, Place::Call), of(CALLS))].concat()
}
