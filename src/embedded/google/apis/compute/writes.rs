//! Creating, changing and deleting: the same for all kinds but for a few particulars.

use serde_json::{Value, json};

use super::kinds::Kind;
use super::{SERVICE, addresses, fetch, guest, instances, not_found, path_of, security_policies};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::mask;
use crate::embedded::google::operation::{self, COMPUTE_LINK};
use crate::embedded::google::store::{Effect, set, text};

/// `insert` into a collection.
pub fn insert(cx: &mut Cx, path: &str, kind: &Kind) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let name = text(&body, "name").to_owned();
    check_name(&name)?;
    let target = format!("{path}/{name}");
    if cx.world.get(&format!("{SERVICE}/{target}")).is_some() {
        return Err(ApiError::already_exists(format!("The resource '{target}' already exists")));
    }
    let mut document = body;
    common(cx, &mut document, &target, kind);
    match kind.collection {
        "addresses" => addresses::prepare(cx, &mut document, path)?,
        "instances" => instances::prepare(cx, &mut document, &target)?,
        "disks" => prepare_disk(&mut document, path),
        "firewalls" => prepare_firewall(cx, &mut document)?,
        "securityPolicies" => security_policies::prepare(&mut document),
        _ => {}
    }
    let key = format!("{SERVICE}/{target}");
    if kind.collection == "instances" {
        guest::look(cx, &target, &document);
    }
    cx.world.put(key.clone(), document);
    let effects = match kind.status {
        ("", _) => Vec::new(),
        (_, done) => vec![Effect::Merge(key, json!({"status": done}))],
    };
    Ok(operation::compute(cx, &target, "insert", effects))
}

fn common(cx: &mut Cx, document: &mut Value, target: &str, kind: &Kind) {
    let fields = json!({"kind": kind.kind, "id": operation::id_of_new(cx, target), "creationTimestamp": cx.stamp(),
                        "selfLink": format!("{COMPUTE_LINK}/{target}")});
    set(document, fields);
    let pieces: Vec<&str> = target.split('/').collect();
    if let [_, project, places @ ("regions" | "zones"), place, ..] = pieces[..] {
        let field = places.trim_end_matches('s');
        document[field] = json!(format!("{COMPUTE_LINK}/projects/{project}/{places}/{place}"));
    }
    if !kind.status.0.is_empty() {
        document["status"] = json!(kind.status.0);
    }
    if kind.labelled {
        document["labelFingerprint"] = json!(cx.world.next_etag());
    }
    if kind.fingerprinted {
        document["fingerprint"] = json!(cx.world.next_etag());
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let starts = name.chars().next().is_some_and(|letter| letter.is_ascii_lowercase());
    if name.len() > 63 || !starts || !name.chars().all(plain) || name.ends_with('-') {
        return Err(ApiError::invalid(format!(
            "Invalid value for field 'resource.name': '{name}'. Must be a match of regex \
             '(?:[a-z](?:[-a-z0-9]{{0,61}}[a-z0-9])?)'"
        )));
    }
    Ok(())
}

fn prepare_disk(document: &mut Value, path: &str) {
    let scope = path.trim_end_matches("/disks");
    if let Some(size) = document["sizeGb"].as_i64() {
        document["sizeGb"] = json!(size.to_string());
    }
    if document.get("sizeGb").is_none() {
        document["sizeGb"] = json!("500");
    }
    if document.get("type").is_none() {
        document["type"] = json!(format!("{COMPUTE_LINK}/{scope}/diskTypes/pd-standard"));
    }
    document["physicalBlockSizeBytes"] = json!("4096");
}

fn prepare_firewall(cx: &Cx, document: &mut Value) -> Result<(), ApiError> {
    let network = text(document, "network").to_owned();
    if !network.is_empty() {
        fetch(cx, path_of(&network))?;
        document["network"] = json!(format!("{COMPUTE_LINK}/{}", path_of(&network)));
    }
    for (field, value) in
        [("priority", json!(1000)), ("direction", json!("INGRESS")), ("disabled", json!(false))]
    {
        if document.get(field).is_none() {
            document[field] = value;
        }
    }
    if document.get("logConfig").is_none() {
        document["logConfig"] = json!({"enable": false});
    }
    Ok(())
}

/// `patch` merges, `update` replaces what it may.
pub fn patch(cx: &mut Cx, target: &str, kind: &Kind, whole: bool) -> Result<Value, ApiError> {
    let old = fetch(cx, target)?;
    let mut body = cx.call.json()?;
    if kind.fingerprinted && text(&body, "fingerprint") != text(&old, "fingerprint") {
        return Err(ApiError::condition_not_met("Fingerprint in request does not match the current one."));
    }
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|field, _| {
            !["id", "kind", "selfLink", "creationTimestamp", "name", "status", "region", "zone"]
                .contains(&field.as_str())
        });
    }
    let mut new = old.clone();
    if whole {
        for field in ["allowed", "denied", "sourceRanges", "targetTags", "sourceTags", "description"] {
            if let Some(fields) = new.as_object_mut() {
                fields.remove(field);
            }
        }
    }
    mask::merge(&mut new, &body);
    if kind.fingerprinted {
        new["fingerprint"] = json!(cx.world.next_etag());
    }
    Ok(commit(cx, target, if whole { "update" } else { "patch" }, new))
}

/// Stores a changed document at once, under an operation that is done later: a second setter that does not
/// wait for the first one sees its change.
pub fn commit(cx: &mut Cx, target: &str, action: &str, document: Value) -> Value {
    if cx.world.failure_of(target).is_none() {
        cx.world.put(format!("{SERVICE}/{target}"), document);
    }
    operation::compute(cx, target, action, Vec::new())
}

/// `delete`; refused while somebody uses it.
pub fn delete(cx: &mut Cx, target: &str, kind: &Kind) -> Result<Value, ApiError> {
    let document = fetch(cx, target)?;
    if let Some(user) = user_of(cx, target, &document) {
        return Err(ApiError::new(
            400,
            "FAILED_PRECONDITION",
            "resourceInUseByAnotherResource",
            format!(
                "The {} resource '{target}' is already being used by '{user}'",
                kind.collection.trim_end_matches('s')
            ),
        ));
    }
    if document["deletionProtection"] == json!(true) {
        let message = format!(
            "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion. \
             {target}'."
        );
        return Err(ApiError::new(400, "FAILED_PRECONDITION", "invalidResourceUsage", message));
    }
    let mut effects = vec![Effect::Remove(format!("{SERVICE}/{target}"))];
    if kind.collection == "instances" {
        effects.extend(instances::release(cx, &document));
        cx.world.apply(Effect::Merge(format!("{SERVICE}/{target}"), json!({"status": "STOPPING"})));
    }
    Ok(operation::compute(cx, target, "delete", effects))
}

/// Who uses a resource: what its `users` says, or a firewall, subnet or instance on a network.
fn user_of(cx: &Cx, target: &str, document: &Value) -> Option<String> {
    let listed = document["users"].as_array().and_then(|users| users.first()).and_then(Value::as_str);
    if let Some(user) = listed {
        return Some(path_of(user).to_owned());
    }
    let is_network = target.contains("/global/networks/");
    let root = format!("{SERVICE}/projects/{}/", cx.site.project);
    let user =
        cx.world.below(&root).find(|(_, other)| is_network && path_of(text(other, "network")) == target);
    user.map(|(key, _)| key.trim_start_matches("compute/").to_owned())
}

/// `resize`, `addResourcePolicies` and `removeResourcePolicies` of a disk.
pub fn disk_action(cx: &mut Cx, target: &str, action: &str) -> Option<Result<Value, ApiError>> {
    let change = match action {
        "resize" => resize,
        "addResourcePolicies" => add_policies,
        "removeResourcePolicies" => remove_policies,
        _ => return None,
    };
    Some(fetch(cx, target).and_then(|mut disk| {
        let body = cx.call.json()?;
        change(cx, &mut disk, &body)?;
        Ok(commit(cx, target, action, disk))
    }))
}

fn resize(_: &Cx, disk: &mut Value, body: &Value) -> Result<(), ApiError> {
    let wanted =
        body["sizeGb"].as_str().and_then(|size| size.parse().ok()).or_else(|| body["sizeGb"].as_u64());
    let current = text(disk, "sizeGb").parse::<u64>().unwrap_or(0);
    match wanted {
        Some(wanted) if wanted > current => {
            disk["sizeGb"] = json!(wanted.to_string());
            Ok(())
        }
        _ => Err(ApiError::invalid(
            "Invalid value for field 'sizeGb': New disk size must be greater than existing size.",
        )),
    }
}

fn add_policies(cx: &Cx, disk: &mut Value, body: &Value) -> Result<(), ApiError> {
    let mut policies = disk["resourcePolicies"].as_array().cloned().unwrap_or_default();
    for policy in body["resourcePolicies"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let path = path_of(policy);
        if cx.world.get(&format!("{SERVICE}/{path}")).is_none() {
            return Err(not_found(path));
        }
        let link = json!(format!("{COMPUTE_LINK}/{path}"));
        if !policies.contains(&link) {
            policies.push(link);
        }
    }
    disk["resourcePolicies"] = json!(policies);
    Ok(())
}

fn remove_policies(_: &Cx, disk: &mut Value, body: &Value) -> Result<(), ApiError> {
    let gone: Vec<&str> = body["resourcePolicies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(path_of)
        .collect();
    if let Some(policies) = disk["resourcePolicies"].as_array_mut() {
        policies.retain(|policy| !gone.contains(&path_of(policy.as_str().unwrap_or_default())));
    }
    Ok(())
}
