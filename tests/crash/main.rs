//! Dying: the process ends before or after any single call that changes something, and is started again.
//!
//! A read changes nothing, so the worlds that a death can leave behind are the worlds between two writes:
//! dying before and after each write covers them all. Beside that it dies at a few calls of any kind, drawn by a seed
//! that is printed (`DIFY_CRASH_SEED` sets it); with `DIFY_CRASH_EVERY_CALL=1` at every single one instead.

#[path = "../harness/mod.rs"]
mod harness;

mod backup;
mod death;

use std::collections::BTreeMap;

use base64::Engine;
use dify_reconciler::converge::Outcome;
use futures::StreamExt;
use rand::SeedableRng;
use serde_json::Value;

use death::{Death, Moment, Place};
use harness::{MINIMAL, Stage};

/// Worlds that are played side by side.
const SIDE_BY_SIDE: usize = 4;

/// How many calls of any kind are died at beside the writes.
const DRAWN: usize = 6;

/// Writes of a long procedure at which it dies by default, drawn by the same seed; `DIFY_CRASH_EVERY_CALL=1` dies at all.
const LONG: usize = 10;

/// Fixed names, so that two worlds can be compared.
fn spec(more: &str) -> String {
    format!("{MINIMAL}deployment_id: crash001\n{more}")
}

/// A scenario: the spec that is there already, if any, how long it has been, what happens then, and the spec whose
/// work dies; none withdraws it.
#[derive(Clone, Default)]
struct Scenario {
    before: Option<String>,
    hours: u64,
    spec: Option<String>,
    event: Option<fn(&Stage)>,
}

impl Scenario {
    /// A world in which the first spec has converged and the second has just been saved.
    async fn stage(&self) -> (Stage, dify_reconciler::converge::Work) {
        let stage = Stage::instant().await;
        if let Some(before) = &self.before {
            let work = stage.save("prod.yaml", before).await;
            assert_eq!(stage.settle(&work).await, Outcome::Converged);
            stage.clock.advance(std::time::Duration::from_secs(self.hours * 3600));
        }
        if let Some(event) = self.event {
            event(&stage);
        }
        let work = match &self.spec {
            Some(spec) => stage.save("prod.yaml", spec).await,
            None => stage.withdraw("prod.yaml").await,
        };
        (stage, work)
    }

    /// How the work has to end.
    fn end(&self) -> Outcome {
        let destroys = self.before.as_ref().is_some_and(|before| before.contains("deletion_policy: destroy"));
        match &self.spec {
            Some(_) => Outcome::Converged,
            // Data is left, and waits for somebody's approval.
            None if destroys => Outcome::Stalled,
            None => Outcome::Withdrawn,
        }
    }

    /// The world when nobody dies, and how many writes and calls it takes to get there.
    async fn undisturbed(&self) -> (BTreeMap<String, Value>, (usize, usize)) {
        let (stage, work) = self.stage().await;
        let counter = Death::never(&stage);
        assert_eq!(stage.settle(&work).await, self.end(), "{:#?}", stage.status(&work).await.findings);
        (stage.world(), counter.counted())
    }

    /// The world when the worker dies at a call and another one takes over.
    async fn disturbed(&self, place: Place, moment: Moment) -> BTreeMap<String, Value> {
        let (mut stage, work) = self.stage().await;
        let death = Death::at(&stage, place, moment);
        tokio::select! {
            () = death.came() => {}
            _ = stage.settle(&work) => {}
        }
        death.over(&stage).await;
        stage.reborn();
        let outcome = stage.settle(&work).await;
        let status = stage.status(&work).await;
        assert_eq!(outcome, self.end(), "{moment:?} {place:?}: {:#?}", status.findings);
        if self.hours > 0 {
            // What the worlds are compared without: contents.
            assert!(stage.pods_log_in(), "{moment:?} {place:?}: the pods cannot log in");
        }
        stage.world()
    }
}

/// Plays a scenario once undisturbed and once for each death, and compares the worlds.
async fn survives_every_death(scenario: Scenario) {
    let (expected, (writes, calls)) = scenario.undisturbed().await;
    assert!(writes > 0, "the scenario changes nothing");
    // A long procedure goes through hours of waiting again after each death.
    let is_long = scenario.hours > 0 || scenario.event.is_some();
    let places = places(writes, calls, if is_long { LONG } else { usize::MAX });
    let deaths = places.into_iter().flat_map(|place| [(place, Moment::Before), (place, Moment::After)]);
    let worlds = deaths.map(|(place, moment)| {
        let scenario = scenario.clone();
        async move {
            let world = tokio::spawn(async move { scenario.disturbed(place, moment).await }).await;
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

/// Where to die: at every call, or at every write (as many as `most`, when there are more) and some calls.
fn places(writes: usize, calls: usize, most: usize) -> Vec<Place> {
    if std::env::var_os("DIFY_CRASH_EVERY_CALL").is_some() {
        return (1..=calls).map(Place::Call).collect();
    }
    let given = std::env::var("DIFY_CRASH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(rand::random);
    println!("DIFY_CRASH_SEED={seed}");
    let mut chance = rand::rngs::StdRng::seed_from_u64(seed);
    let drawn = rand::seq::index::sample(&mut chance, calls, DRAWN.min(calls));
    let written = rand::seq::index::sample(&mut chance, writes, most.min(writes));
    let written = written.into_iter().map(|index| Place::Write(index + 1));
    written.chain(drawn.into_iter().map(|index| Place::Call(index + 1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_install_survives_every_death() {
    survives_every_death(Scenario { spec: Some(spec("")), ..Scenario::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_upgrade_survives_every_death() {
    let before = Some(spec("application_version: 1.17.0\n"));
    let spec = Some(spec("application_version: 1.17.1\n"));
    survives_every_death(Scenario { before, spec, ..Scenario::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_scale_survives_every_death() {
    let spec_of = |more: &str| Some(spec(more));
    let (before, spec) = (spec_of(""), spec_of("max_instance_count: 6\nworker: {replicas: 2}\n"));
    survives_every_death(Scenario { before, spec, ..Scenario::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_keeps_everything_survives_every_death() {
    survives_every_death(Scenario { before: Some(spec("")), ..Scenario::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_the_database_password_survives_every_death() {
    // A short drain: what is waited for there changes nothing, and each look costs.
    let due = spec(
        "enable_auto_password_rotation: true\nsecret_rotation_period: 86400s\nrotation_propagation_delay_sec: 5\n",
    );
    survives_every_death(Scenario { before: Some(due.clone()), hours: 25, spec: Some(due), event: None })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_redis_password_and_the_sandboxs_key_survives_every_death() {
    let spec = spec("rotation_propagation_delay_sec: 5\n");
    let event: fn(&Stage) = |stage| {
        add_version(stage, "redis-password", "RotatedRedisPassword");
        add_version(stage, "code-execution-api-key", "RotatedSandboxKey");
    };
    let (before, event) = (Some(spec.clone()), Some(event));
    survives_every_death(Scenario { before, hours: 1, spec: Some(spec), event }).await;
}

/// Somebody adds the second version of a generated secret.
fn add_version(stage: &Stage, suffix: &str, content: &str) {
    let paths = stage.google.paths("secretmanager/");
    let secret = paths.into_iter().find(|path| path.ends_with(&format!("-{suffix}"))).expect("a secret");
    let first = stage.google.get(&format!("{secret}/versions/1")).expect("a version");
    let name = first["name"].as_str().expect("a name").trim_end_matches('1').to_owned();
    let data = base64::engine::general_purpose::STANDARD.encode(content);
    let added = serde_json::json!({"name": format!("{name}2"), "state": "ENABLED", "etag": "\"added\"",
        "createTime": stage.clock.now().to_string(), "replicationStatus": {"automatic": {}}, "_payload": data,
        "_crc32c": crc32c::crc32c(content.as_bytes()).to_string(), "clientSpecifiedPayloadChecksum": false});
    stage.google.put(&format!("{secret}/versions/2"), added);
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_a_deployment_down_survives_every_death() {
    let before = Some(spec("deploy_application: false\ndeletion_policy: destroy\n"));
    survives_every_death(Scenario { before, ..Scenario::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_rolled_out_and_taken_back_survives_every_death() {
    let spec = spec("image_policy: {mode: follow}\ndeployment_timeout: 600\n");
    let event: fn(&Stage) = |stage| {
        let pushed = stage.google.push_image("langgenius/dify-api", "1.17.1", "broken");
        stage.kubernetes.faults().broken_image(&pushed);
    };
    let (before, event) = (Some(spec.clone()), Some(event));
    survives_every_death(Scenario { before, spec: Some(spec), event, ..Scenario::default() }).await;
}
