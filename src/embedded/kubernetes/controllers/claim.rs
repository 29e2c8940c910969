//! Claims are bound at once, and let go of as soon as they are deleted.

use serde_json::{Value, json};

use super::Run;
use crate::embedded::kubernetes::store::{Key, World, field, uid};

/// Binds a claim, resizes its volume, or lets it go.
pub fn run(run: &mut Run, world: &mut World, key: &Key, object: &Value) {
    if !field(object, "deletionTimestamp").is_empty() {
        let mut freed = object.clone();
        if let Some(finalizers) = freed["metadata"]["finalizers"].as_array_mut() {
            finalizers.retain(|name| name != "kubernetes.io/pvc-protection");
        }
        drop(run.writer(key.kind(), "").update(world, key, freed));
        return;
    }
    if object["spec"].get("volumeName").is_none() {
        let mut bound = object.clone();
        bound["spec"]["volumeName"] = format!("pvc-{}", uid(object)).into();
        drop(run.writer(key.kind(), "").update(world, key, bound));
    }
    let status = json!({"phase": "Bound", "accessModes": object["spec"]["accessModes"],
        "capacity": {"storage": object["spec"]["resources"]["requests"]["storage"]}});
    run.set_status(world, key, status);
}
