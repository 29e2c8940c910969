//! A backup and an import, dying on the way.
//!
//! An import's safety backup is named by the time at which the request was noted, which a death may put off: slots are
//! compared as what they are, not by their time.

use std::time::Duration;

use crate::scenario::{Scenario, World};
use crate::spec;

/// The world with every slot's time replaced.
fn without_times(world: World) -> World {
    let plain = |text: &str| {
        let mut made = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("202611") {
            let slot = rest.get(at..at + 16).filter(|slot| slot.to_ascii_uppercase().ends_with('Z'));
            made += &rest[..at];
            made += if slot.is_some() { "SLOT" } else { &rest[at..at + 6] };
            rest = &rest[at + if slot.is_some() { 16 } else { 6 }..];
        }
        made + rest
    };
    let replaced = |body: String| serde_json::from_str(&plain(&body)).expect("still JSON");
    world.into_iter().map(|(path, body)| (plain(&path), replaced(body.to_string()))).collect()
}

/// The world, in which exactly one backup is complete.
fn one_backup(world: World) -> World {
    let world = without_times(world);
    assert_eq!(world.keys().filter(|path| path.ends_with("/manifest.json")).count(), 1, "one backup");
    world
}

/// A deployment that has converged, of which something is asked that makes a backup.
fn asked() -> Scenario {
    Scenario { before: Some(spec("")), is_long: true, compared: one_backup, ..Scenario::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_survives_every_death() {
    // The schedule's two o'clock has just passed.
    let ago = Duration::from_secs(2 * 3600 + 7);
    Scenario { ago, spec: Some(spec("")), ..asked() }.survives_every_death().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_survives_every_death() {
    let import = "enable_backup_import: true\nbackup_uri: gs://theirs/old.sql\n\
                  acknowledge: [enable_backup_import]\n";
    Scenario { spec: Some(spec(import)), ..asked() }.survives_every_death().await;
}
