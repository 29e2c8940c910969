//! Objects go with their owners.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::embedded::kubernetes::store::{Key, World, uid};

/// Removes what is owned by nothing that is still there.
pub fn sweep(world: &mut World) {
    let owned: Vec<(Key, Vec<String>)> = world
        .all()
        .map(|(key, object)| (key, owners(object)))
        .filter(|(_, owners)| !owners.is_empty())
        .map(|(key, owners)| (key.clone(), owners))
        .collect();
    if owned.is_empty() {
        return;
    }
    let there: BTreeSet<String> = world.all().map(|(_, object)| uid(object).to_owned()).collect();
    for (key, owners) in owned {
        if owners.iter().all(|owner| !there.contains(owner)) {
            world.remove(&key);
        }
    }
}

/// Removes what only `owner` owns: its dependents go before it.
pub fn collect(world: &mut World, owner: &str) {
    let dependents: Vec<Key> =
        world.all().filter(|(_, object)| owners(object) == [owner]).map(|(key, _)| key.clone()).collect();
    for key in dependents {
        world.remove(&key);
    }
}

/// Frees what `owner` owns.
pub fn orphan(world: &mut World, owner: &str) {
    let dependents: Vec<(Key, Value)> = world
        .all()
        .filter(|(_, object)| owners(object).iter().any(|uid| uid == owner))
        .map(|(key, object)| (key.clone(), object.clone()))
        .collect();
    for (key, mut object) in dependents {
        if let Some(references) = object["metadata"]["ownerReferences"].as_array_mut() {
            references.retain(|reference| reference["uid"] != owner);
        }
        world.put(key, object);
    }
}

fn owners(object: &Value) -> Vec<String> {
    let references = object["metadata"]["ownerReferences"].as_array();
    references.into_iter().flatten().filter_map(|one| one["uid"].as_str()).map(str::to_owned).collect()
}
