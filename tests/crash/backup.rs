//! A backup and an import, dying before and after any single write.

use std::collections::BTreeMap;

use dify_reconciler::converge::{Outcome, Work};
use futures::StreamExt;
use serde_json::Value;

use crate::death::{Death, Moment, Place};
use crate::harness::{self, Stage};
use crate::slots::numbered;
use crate::{SIDE_BY_SIDE, spec};

/// What is asked of a deployment that has converged.
#[derive(Clone, Copy)]
enum Asked {
    /// Its scheduled backup is due.
    Backup,
    /// Its spec wants a file imported.
    Import,
}

impl Asked {
    async fn stage(self) -> (Stage, Work) {
        let stage = Stage::instant().await;
        let work = stage.save("prod.yaml", &spec("")).await;
        assert_eq!(stage.settle(&work).await, Outcome::Converged);
        match self {
            Asked::Backup => {
                let due: jiff::Timestamp = "2026-11-23T02:00:07Z".parse().expect("a time");
                stage.clock.advance(due.duration_since(stage.clock.now()).try_into().expect("it is to come"));
                (stage, work)
            }
            Asked::Import => {
                let import = "enable_backup_import: true\nbackup_uri: gs://theirs/old.sql\n\
                              acknowledge: [enable_backup_import]\n";
                let work = stage.save("prod.yaml", &spec(import)).await;
                (stage, work)
            }
        }
    }

    async fn undisturbed(self) -> (BTreeMap<String, Value>, usize) {
        let (stage, work) = self.stage().await;
        let counter = Death::never(&stage);
        assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
        (numbered(stage.world()), counter.counted().0)
    }

    async fn disturbed(self, place: Place, moment: Moment) -> BTreeMap<String, Value> {
        let (mut stage, work) = self.stage().await;
        let death = Death::at(&stage, place, moment);
        tokio::select! {
            () = death.came() => {}
            _ = stage.settle(&work) => {}
        }
        death.over(&stage).await;
        stage.reborn();
        let outcome = stage.settle(&work).await;
        let findings = stage.status(&work).await.findings;
        assert_eq!(outcome, Outcome::Converged, "{moment:?} {place:?}: {findings:#?}");
        numbered(stage.world())
    }
}

async fn survives_every_death(asked: Asked) {
    let (expected, calls) = asked.undisturbed().await;
    assert!(expected.keys().filter(|path| path.ends_with("/manifest.json")).count() == 1, "one backup");
    let places = crate::places(calls, calls, crate::LONG).into_iter();
    let deaths = places.flat_map(|place| [(place, Moment::Before), (place, Moment::After)]);
    let worlds = deaths.map(|(place, moment)| async move {
        let world = tokio::spawn(asked.disturbed(place, moment)).await;
        (place, moment, world.expect("the scenario goes on"))
    });
    let mut worlds = futures::stream::iter(worlds).buffer_unordered(SIDE_BY_SIDE);
    let mut played = 0;
    while let Some((place, moment, world)) = worlds.next().await {
        harness::assert_same(&expected, &world, &format!("{moment:?} {place:?}"));
        played += 1;
    }
    println!("{played} deaths survived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_survives_every_death() {
    survives_every_death(Asked::Backup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_survives_every_death() {
    survives_every_death(Asked::Import).await;
}
