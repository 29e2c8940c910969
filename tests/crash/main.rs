//! Dying: the process ends before or after any single call that changes something, and is started again.
//!
//! A read changes nothing, so the worlds that a death can leave behind are the worlds between two writes:
//! dying before and after each write covers them all. `DIFY_CRASH_EVERY_CALL=1` dies at every read, too.

#[path = "../harness/mod.rs"]
mod harness;

mod death;

use std::collections::BTreeMap;

use dify_reconciler::converge::Outcome;
use futures::StreamExt;
use serde_json::Value;

use death::{Death, Moment};
use harness::{MINIMAL, Stage};

/// Worlds that are played side by side.
const SIDE_BY_SIDE: usize = 4;

/// Fixed names, so that two worlds can be compared.
fn spec(more: &str) -> String {
    format!("{MINIMAL}deployment_id: crash001\n{more}")
}

/// A scenario: the spec that is there already, if any, how long it has been, and the spec whose work dies; none
/// withdraws it.
#[derive(Clone, Default)]
struct Scenario {
    before: Option<String>,
    hours: u64,
    spec: Option<String>,
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
        let work = match &self.spec {
            Some(spec) => stage.save("prod.yaml", spec).await,
            None => stage.withdraw("prod.yaml").await,
        };
        (stage, work)
    }

    /// How the work has to end.
    fn end(&self) -> Outcome {
        if self.spec.is_some() { Outcome::Converged } else { Outcome::Withdrawn }
    }

    /// The world when nobody dies, and how many calls it takes to get there.
    async fn undisturbed(&self) -> (BTreeMap<String, Value>, usize) {
        let (stage, work) = self.stage().await;
        let counter = Death::never(&stage);
        assert_eq!(stage.settle(&work).await, self.end(), "{:#?}", stage.status(&work).await.findings);
        (stage.world(), counter.calls())
    }

    /// The world when the worker dies at a call and another one takes over.
    async fn disturbed(&self, number: usize, moment: Moment) -> BTreeMap<String, Value> {
        let (mut stage, work) = self.stage().await;
        let death = Death::at(&stage, number, moment);
        tokio::select! {
            () = death.came() => {}
            _ = stage.settle(&work) => {}
        }
        death.over(&stage).await;
        stage.reborn();
        let outcome = stage.settle(&work).await;
        let status = stage.status(&work).await;
        assert_eq!(outcome, self.end(), "{moment:?} call {number}: {:#?}", status.findings);
        if self.hours > 0 {
            // What the worlds are compared without: contents.
            assert!(stage.pods_log_in(), "{moment:?} call {number}: the pods cannot log in");
        }
        stage.world()
    }
}

/// Plays a scenario once undisturbed and once for each death, and compares the worlds.
async fn survives_every_death(scenario: Scenario) {
    let (expected, calls) = scenario.undisturbed().await;
    assert!(calls > 0, "the scenario changes nothing");
    let deaths = (1..=calls).flat_map(|number| [(number, Moment::Before), (number, Moment::After)]);
    let worlds = deaths.map(|(number, moment)| {
        let scenario = scenario.clone();
        async move {
            let world = tokio::spawn(async move { scenario.disturbed(number, moment).await }).await;
            (number, moment, world.expect("the scenario goes on"))
        }
    });
    let mut worlds = futures::stream::iter(worlds).buffer_unordered(SIDE_BY_SIDE);
    let mut played = 0;
    while let Some((number, moment, world)) = worlds.next().await {
        harness::assert_same(&expected, &world, &format!("{moment:?} call {number}"));
        played += 1;
    }
    println!("{played} deaths survived");
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
    survives_every_death(Scenario { before: Some(due.clone()), hours: 25, spec: Some(due) }).await;
}
