//! The module's outputs, under its names, and what it lacked.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::inventory::Inventory;
use crate::resources::{facts, google};

use super::Scene;

/// Every output; one that is not known yet is `null`.
pub fn outputs(scene: &Scene, seen: &Inventory) -> BTreeMap<String, Value> {
    let context = scene.context(seen);
    let (spec, names) = (&scene.spec, &scene.names);
    let known = |fact: Result<String, crate::resources::Wait>| fact.map_or(Value::Null, Value::from);
    let image = crate::resources::kubernetes::images::api(spec);
    let outputs = [
        ("service_name", json!(names.service())),
        ("service_url", known(facts::origin(&context))),
        ("project_id", json!(names.project)),
        ("deployment_id", json!(names.id)),
        ("database_instance_name", json!(facts::sql_instance(&context).short_name())),
        ("database_name", json!(names.database_object(&spec.db_name, spec, ""))),
        ("database_user", json!(names.database_object(&spec.db_user, spec, "_a"))),
        ("database_password_secret", json!(short(&names.secret("db-password-a")))),
        ("storage_buckets", buckets(scene, seen)),
        ("nfs_server_ip", if spec.enable_nfs { known(facts::nfs_server(&context)) } else { Value::Null }),
        ("container_image", json!(facts::pinned(&context, &image).unwrap_or(image))),
        ("cicd_enabled", json!(spec.enable_cicd_trigger)),
        ("namespace", json!(names.namespace(spec))),
        ("region", known(facts::region(&context))),
        ("resource_prefix", json!(names.prefix)),
        ("database_host", database_host(scene, seen)),
        ("database_port", json!(5432)),
        ("service_external_ip", known(facts::front_address(&context))),
        ("init_password_secret", json!(short(&names.secret("init-password")))),
        ("dns_records", dns_records(scene, seen)),
        ("backups", backups(scene, seen)),
        ("release", release(scene, seen)),
        ("database_login", database_login(scene, seen)),
        ("secret_versions", secret_versions(seen)),
    ];
    outputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn database_host(scene: &Scene, seen: &Inventory) -> Value {
    if scene.spec.enable_cloudsql_volume {
        return json!("127.0.0.1");
    }
    facts::sql_private_ip(&scene.context(seen)).map_or(Value::Null, Value::from)
}

fn buckets(scene: &Scene, seen: &Inventory) -> Value {
    let kind = crate::resources::Kind::Google(google::Kind::Bucket);
    let stem = format!("{}-", scene.names.prefix);
    let entries = seen.of_kind(kind).map(|(id, body)| {
        let name = id.short_name();
        let key = name.strip_prefix(&stem).unwrap_or(name);
        // The module's own key for Dify's bucket.
        let key = if key == "storage" { "dify-storage" } else { key };
        let location = body.get("location").cloned().unwrap_or(Value::Null);
        (key.to_owned(), json!({ "name": name, "url": format!("gs://{name}"), "location": location }))
    });
    Value::Object(entries.collect())
}

/// Every complete backup, the newest first: its slot, its bytes without the copies of buckets, when it was restored on
/// trial and how long that took. What is lost when all is lost is what came after the newest slot.
fn backups(scene: &Scene, seen: &Inventory) -> Value {
    let Some(shelf) = crate::backup::Shelf::of(&scene.context(seen)) else { return Value::Null };
    let databases = [crate::backup::Part::Application, crate::backup::Part::Plugins];
    let shown = shelf.complete().rev().map(|(slot, kept)| {
        let trials: Option<Vec<_>> = databases.iter().map(|part| kept.verified(*part)).collect();
        let verified_at = trials.as_ref().and_then(|trials| trials.iter().map(|(at, _)| *at).min());
        json!({
            "slot": slot.to_string(),
            "time": slot.time().to_string(),
            "bytes": kept.bytes(),
            "verified_at": verified_at.map(|at| at.to_string()),
            "restore_seconds": trials.map(|trials| trials.iter().map(|(_, seconds)| seconds).sum::<u64>()),
        })
    });
    shown.collect()
}

/// The release that is to run: its images with their digests, whether its rollout is under way, and what was taken back
/// last.
fn release(scene: &Scene, seen: &Inventory) -> Value {
    let record = &seen.images.record;
    let images: BTreeMap<String, String> = crate::images::release(&scene.spec)
        .into_iter()
        .filter_map(|reference| {
            let digest = record.digests.get(&reference)?.clone();
            Some((reference, digest))
        })
        .collect();
    if images.is_empty() {
        return Value::Null;
    }
    let failed = record.failed.first();
    json!({
        "version": scene.spec.application_version,
        "images": images,
        "under_way": record.rollout.is_some(),
        "taken_back": failed.map(|failed| json!({ "at": failed.at.to_string(), "reason": failed.reason })),
    })
}

/// The login that the pods use, and the version of its secret that has the password.
fn database_login(scene: &Scene, seen: &Inventory) -> Value {
    match crate::rotation::sight::in_use(&scene.context(seen)) {
        Some((side, version)) => json!({ "login": side.letter(), "version": version }),
        None => Value::Null,
    }
}

/// The version of each secret that is in use, by its id; `null` as long as none could be read.
fn secret_versions(seen: &Inventory) -> Value {
    // Single versions are looked at beside the newest while a password is replaced.
    let newest = seen.payloads.iter().filter(|(name, _)| !name.contains("/versions/"));
    let versions: BTreeMap<&str, u64> =
        newest.map(|(name, payload)| (short(name), payload.version)).collect();
    if versions.is_empty() { Value::Null } else { json!(versions) }
}

/// What the user has to put into DNS.
fn dns_records(scene: &Scene, seen: &Inventory) -> Value {
    let address = facts::front_address(&scene.context(seen)).ok();
    match (scene.spec.enable_custom_domain, address) {
        (true, Some(address)) => scene
            .spec
            .application_domains
            .iter()
            .map(|domain| json!({ "name": domain, "type": "A", "value": address }))
            .collect(),
        _ => json!([]),
    }
}
