//! The whole world without what differs between two equal runs, for comparing them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::store::World;

/// Fields that say when, in which edition or under which number, not what.
const INCIDENTAL: [&str; 38] = [
    "attempts",
    "componentCount",
    "crc32c",
    "createTime",
    "creationTimestamp",
    "currentPrimary",
    "etag",
    "fingerprint",
    "generation",
    "id",
    "insertTime",
    "labelFingerprint",
    "lastAttemptTime",
    "lastStartTimestamp",
    "lastStopTimestamp",
    "md5Hash",
    "mediaLink",
    "metageneration",
    "mutateTime",
    "mutationRecord",
    "nextRotationTime",
    "scheduleTime",
    "selfLinkWithId",
    "settingsVersion",
    "size",
    "destroyTime",
    "timeCreated",
    "timeDeleted",
    "timeFinalized",
    "timeStorageClassUpdated",
    "uid",
    "uniqueId",
    "updateTime",
    "updated",
    "uploadTime",
    "userUpdateTime",
    "creationRecord",
    "lastUpdated",
];

/// Path to document, without operations, queued tasks, messages, times, etags, fingerprints and numbers.
pub fn of(world: &World) -> BTreeMap<String, Value> {
    world.all().iter().filter(|(key, _)| lasting(key)).map(|(key, doc)| (key.clone(), essence(doc))).collect()
}

/// Whether the document stays: operations, tasks, messages and noncurrent objects come and go.
fn lasting(key: &str) -> bool {
    let passing = ["/operations/", "/tasks/", "/tombstones/", "/messages/", "/uploads/", "/v/"];
    !passing.iter().any(|part| key.contains(part))
}

fn essence(document: &Value) -> Value {
    match document {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(name, value)| {
                    let sized = name.as_str() == "size" && value.is_string();
                    !name.starts_with('_')
                        && (!INCIDENTAL.contains(&name.as_str()) || (name.as_str() == "size" && !sized))
                })
                .map(|(name, value)| (name.clone(), essence(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(essence).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn two_runs_that_differ_in_times_and_numbers_look_the_same() {
        let mut first = World::default();
        first.put("a/x", json!({"name": "x", "etag": "1", "labels": {"k": "v"}, "_hidden": 1}));
        let mut second = World::default();
        second.put("a/x", json!({"name": "x", "etag": "2", "labels": {"k": "v"}}));
        second.put("a/operations/1", json!({"name": "1"}));
        assert_eq!(of(&first), of(&second));
    }
}
