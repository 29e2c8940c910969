//! A deleted namespace takes everything in it along.

use serde_json::Value;

use super::Run;
use crate::embedded::kubernetes::store::{Key, World, field};

/// Empties and removes a namespace that is being deleted.
pub fn run(_: &mut Run, world: &mut World, key: &Key, object: &Value) {
    if field(object, "deletionTimestamp").is_empty() {
        return;
    }
    let inside: Vec<Key> =
        world.all().map(|(key, _)| key).filter(|at| at.namespace == key.name).cloned().collect();
    for at in inside {
        world.remove(&at);
    }
    world.remove(key);
}
