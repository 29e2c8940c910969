//! A backup and an import, dying on the way.

use std::time::Duration;

use crate::scenario::{Scenario, World};
use crate::slots::numbered;
use crate::spec;

/// The world, in which exactly one backup is complete.
fn one_backup(world: World) -> World {
    let world = numbered(world);
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
