//! What the server says of itself: its version, and the kinds it serves.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kinds::{KINDS, Kind};
use super::verbs::Answer;

/// The answer to a request that is about the server; `None` if it is about objects.
pub fn answer(path: &str) -> Option<Answer> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let found = match segments.as_slice() {
        ["version"] => version(),
        ["livez" | "readyz" | "healthz"] => return Some(Answer::Text(200, "ok".to_owned())),
        ["api"] => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        ["api", "v1"] => resources("", "v1")?,
        ["apis"] => {
            let groups: Vec<Value> =
                groups().into_iter().filter(|group| !group.is_empty()).map(group).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["apis", name] if groups().contains(name) => {
            let mut group = group(name);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            group
        }
        ["apis", group, version] => resources(group, version)?,
        _ => return None,
    };
    Some(Answer::json(200, found))
}

/// Whether a path is below a group and version that is served.
pub fn is_served(path: &str) -> bool {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["api", ..] => true,
        ["apis", group, ..] => groups().contains(group),
        _ => false,
    }
}

fn version() -> Value {
    json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0", "gitCommit": "unknown", "gitTreeState": "archive",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "none", "platform": "linux/amd64"})
}

fn groups() -> BTreeSet<&'static str> {
    KINDS.iter().map(|kind| kind.group).collect()
}

fn group(name: &str) -> Value {
    let versions: BTreeSet<&str> =
        KINDS.iter().filter(|kind| kind.group == name).map(|kind| kind.version).collect();
    let versions: Vec<Value> = versions
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    json!({"name": name, "preferredVersion": versions.first(), "versions": versions})
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let found = KINDS.iter().filter(|kind| kind.group == group && kind.version == version);
    let resources: Vec<Value> = found.flat_map(entries).collect();
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
        "resources": resources});
    (!resources.is_empty()).then_some(list)
}

fn entries(kind: &Kind) -> Vec<Value> {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    let mut entries = vec![json!({"name": kind.plural, "singularName": kind.kind.to_lowercase(),
        "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs})];
    let mut below = |name: &str, verbs: &[&str]| {
        entries.push(json!({"name": format!("{}/{name}", kind.plural), "singularName": "",
            "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs}));
    };
    if kind.status {
        below("status", &["get", "patch", "update"]);
    }
    if kind.kind == "Pod" {
        below("log", &["get"]);
    }
    entries
}
