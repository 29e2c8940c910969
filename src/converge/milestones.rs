//! What a reader of the history wants to find by name: a rollout that began, ran or was taken back; a password that was
//! replaced; a backup that is complete or was tried. Found by comparing what two statuses put out, so that nothing is
//! lost with a process that dies between doing and telling.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::state::status::{About, Status};

/// What became so between two statuses of one deployment, in its order.
pub fn between(old: &Status, new: &Status) -> Vec<(About, String)> {
    let pair = |name: &str| -> Option<(&Value, &Value)> {
        // What nobody had looked at before is not new.
        let (old, new) = (old.outputs.get(name)?, new.outputs.get(name)?);
        (!old.is_null() && !new.is_null()).then_some((old, new))
    };
    let mut found = Vec::new();
    found.extend(pair("release").and_then(|(old, new)| rollout(old, new)).map(|what| (About::Rollout, what)));
    if let Some((old, new)) = pair("database_login")
        && old != new
    {
        let login = new["login"].as_str().unwrap_or_default();
        let what =
            format!("the database password was replaced: {login} logs in with version {}", new["version"]);
        found.push((About::Rotation, what));
    }
    if let Some((old, new)) = pair("secret_versions") {
        found.extend(secrets(old, new).into_iter().map(|what| (About::Rotation, what)));
    }
    if let Some((old, new)) = pair("backups") {
        found.extend(backups(old, new).into_iter().map(|what| (About::Backup, what)));
    }
    found
}

fn rollout(old: &Value, new: &Value) -> Option<String> {
    let under_way = |release: &Value| release["under_way"] == true;
    let (was, is) = (images(old), images(new));
    let shown = |images: &BTreeSet<String>, other: &BTreeSet<String>| -> String {
        images.difference(other).cloned().collect::<Vec<_>>().join(", ")
    };
    if was != is && !under_way(new) && under_way(old) && new["taken_back"] != old["taken_back"] {
        let why = new["taken_back"]["reason"].as_str().unwrap_or_default();
        return Some(format!("{} was taken back, {} runs again: {why}", shown(&was, &is), shown(&is, &was)));
    }
    if was != is {
        return Some(format!("the rollout of {} began", shown(&is, &was)));
    }
    let all = || is.iter().cloned().collect::<Vec<_>>().join(", ");
    match (under_way(old), under_way(new)) {
        (true, false) => Some(format!("{} runs in health", all())),
        (false, true) => Some(format!("the rollout of {} began", all())),
        _ => None,
    }
}

/// `reference@digest` of each image of a release.
fn images(release: &Value) -> BTreeSet<String> {
    let digests = release["images"].as_object().into_iter().flatten();
    digests
        .map(|(reference, digest)| format!("{reference}@{}", digest.as_str().unwrap_or_default()))
        .collect()
}

/// Secrets with a newer version than before. The logins' passwords are drawn before they are used, and are told when
/// they are.
fn secrets(old: &Value, new: &Value) -> Vec<String> {
    let is_login = |name: &str| name.ends_with("-db-password-a") || name.ends_with("-db-password-b");
    let newer =
        |name: &str, version: &Value| old[name].as_u64().is_some_and(|old| Some(old) < version.as_u64());
    let versions = new.as_object().into_iter().flatten();
    versions
        .filter(|(name, version)| !is_login(name) && newer(name, version))
        .map(|(name, version)| format!("secret {name} has version {version}"))
        .collect()
}

fn backups(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    // The newest is the first; told as it happened.
    for backup in new.as_array().into_iter().flatten().rev() {
        let slot = backup["slot"].as_str().unwrap_or_default();
        let known = old.as_array().into_iter().flatten().find(|known| known["slot"] == backup["slot"]);
        if known.is_none() {
            found.push(format!("backup {slot} is complete"));
        }
        let tried = |backup: &Value| backup["verified_at"].is_string();
        if tried(backup) && !known.is_some_and(tried) {
            found.push(format!(
                "backup {slot} was restored on trial in {} seconds",
                backup["restore_seconds"]
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(name: &str, output: Value) -> Status {
        Status { outputs: [(name.to_owned(), output)].into(), ..Status::default() }
    }

    fn told(name: &str, old: Value, new: Value) -> Vec<String> {
        between(&status(name, old), &status(name, new)).into_iter().map(|(_, what)| what).collect()
    }

    fn release(digest: &str, under_way: bool, taken_back: Value) -> Value {
        json!({"images": {"api:1": digest, "web:1": "w"}, "under_way": under_way, "taken_back": taken_back})
    }

    #[test]
    fn a_rollout_is_told_when_it_begins_and_when_it_ends_either_way() {
        let (a, b) = (release("a", false, Value::Null), release("b", true, Value::Null));
        assert_eq!(told("release", a.clone(), b.clone()), ["the rollout of api:1@b began"]);
        let healthy = release("b", false, Value::Null);
        assert_eq!(told("release", b.clone(), healthy), ["api:1@b, web:1@w runs in health"]);
        let back = release("a", false, json!({"reason": "it fell over"}));
        assert_eq!(told("release", b, back), ["api:1@b was taken back, api:1@a runs again: it fell over"]);
        assert_eq!(told("release", a.clone(), a), Vec::<String>::new());
    }

    #[test]
    fn a_backup_is_told_when_it_is_complete_and_when_it_was_tried() {
        let one = |tried: Value| json!([{"slot": "s1", "verified_at": tried, "restore_seconds": 42}]);
        assert_eq!(told("backups", json!([]), one(Value::Null)), ["backup s1 is complete"]);
        assert_eq!(
            told("backups", one(Value::Null), one("now".into())),
            ["backup s1 was restored on trial in 42 seconds"]
        );
        assert_eq!(
            told("backups", one("now".into()), json!([])),
            Vec::<String>::new(),
            "retention is no news"
        );
    }

    #[test]
    fn a_key_is_told_when_it_has_a_newer_version_and_not_when_it_is_new() {
        let versions = |redis: u64| json!({"app-redis-password": redis, "app-db-password-a": redis});
        assert_eq!(
            told("secret_versions", versions(1), versions(2)),
            ["secret app-redis-password has version 2"]
        );
        assert_eq!(told("secret_versions", json!({}), versions(1)), Vec::<String>::new());
    }

    #[test]
    fn a_password_is_told_when_another_login_is_in_use_and_nothing_at_the_first_look() {
        let login = |name: &str| json!({"login": name, "version": 2});
        assert_eq!(told("database_login", login("a"), login("b")).len(), 1);
        assert_eq!(between(&Status::default(), &status("database_login", login("b"))), []);
    }
}
