//! Cloud SQL instances: ten minutes to be born, a week before a name may be used again.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{SERVICE, check_free, fetch, key};
use crate::embedded::google::context::{Cx, after, stamp};
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation::{self, SQL_LINK};
use crate::embedded::google::store::{Effect, set, stable_number, text};
use crate::embedded::google::{crud, list as pages, mask};

/// How long the name of a deleted instance stays taken.
const TOMBSTONE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Answers the calls on one instance.
pub fn route(cx: &mut Cx, name: &str, rest: &[&str]) -> Option<Result<Value, ApiError>> {
    Some(match (cx.call.method.as_str(), rest) {
        ("GET", []) => fetch(cx, name),
        ("PATCH", []) => change(cx, name, false),
        ("PUT", []) => change(cx, name, true),
        ("DELETE", []) => delete(cx, name),
        ("POST", ["restart"]) => simple(cx, name, "RESTART"),
        ("POST", ["export"]) => simple(cx, name, "EXPORT"),
        ("POST", ["import"]) => simple(cx, name, "IMPORT"),
        _ => return None,
    })
}

/// `instances.list`.
pub fn list(cx: &mut Cx) -> Result<Value, ApiError> {
    let all = crud::all(cx, SERVICE, &format!("projects/{}/instances", cx.site.project));
    let mut answer = pages::page(cx.call, "items", all)?;
    answer["kind"] = json!("sql#instancesList");
    Ok(answer)
}

/// `instances.insert`.
pub fn insert(cx: &mut Cx) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let name = text(&body, "name").to_owned();
    check_name(cx, &name)?;
    if text(&body["settings"], "tier").is_empty() {
        return Err(ApiError::new(
            400,
            "INVALID_ARGUMENT",
            "required",
            "Invalid value for: Tier is required.",
        ));
    }
    if text(&body, "databaseVersion").is_empty() {
        return Err(ApiError::invalid("Invalid request: Missing parameter: Database version."));
    }
    check_network(cx, &body)?;
    let password = text(&body, "rootPassword").to_owned();
    let instance = document(cx, &name, body);
    let key = key(cx, &name);
    cx.world.put(key.clone(), instance.clone());
    if !password.is_empty() {
        super::users::seed_root(cx, &name, &password);
    }
    let ready = json!({"state": "RUNNABLE", "ipAddresses": addresses(cx, &name, &instance)});
    let takes = cx.site.delays.sql_create;
    Ok(operation::sql(cx, &name, "CREATE", vec![Effect::Merge(key, ready)], takes))
}

/// 409 for a name that is taken, or was until less than a week ago.
fn check_name(cx: &Cx, name: &str) -> Result<(), ApiError> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if name.is_empty() || name.len() > 97 || !name.chars().all(plain) {
        return Err(ApiError::invalid(format!(
            "Invalid request: Invalid value for: instance name ({name})."
        )));
    }
    let grave = cx.world.get(&tombstone(cx, name));
    let until = grave.and_then(|grave| text(grave, "until").parse::<Timestamp>().ok());
    if cx.world.get(&key(cx, name)).is_some() || until.is_some_and(|until| cx.now < until) {
        let message = "The Cloud SQL instance already exists. When you delete an instance, you can't reuse \
         the name of the deleted instance until one week from the deletion date.";
        return Err(ApiError::new(409, "ALREADY_EXISTS", "instanceAlreadyExists", message));
    }
    Ok(())
}

/// A private address needs the peering of Service Networking on that network.
fn check_network(cx: &Cx, body: &Value) -> Result<(), ApiError> {
    let network = text(&body["settings"]["ipConfiguration"], "privateNetwork");
    if network.is_empty() || super::super::service_networking::connected(cx, network) {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "Invalid request: Incorrect Service Networking config for instance: \
         {}:{}:SERVICE_NETWORKING_NOT_ENABLED.",
        cx.site.project,
        text(body, "name")
    )))
}

fn tombstone(cx: &Cx, name: &str) -> String {
    format!("{SERVICE}/projects/{}/tombstones/{name}", cx.site.project)
}

fn document(cx: &mut Cx, name: &str, body: Value) -> Value {
    let project = cx.site.project.clone();
    let region =
        Some(text(&body, "region")).filter(|region| !region.is_empty()).unwrap_or("us-central1").to_owned();
    let mut instance = json!({"settings": {
        "activationPolicy": "ALWAYS", "availabilityType": "ZONAL", "pricingPlan": "PER_USE",
        "edition": "ENTERPRISE",
        "dataDiskType": "PD_SSD", "dataDiskSizeGb": "10", "storageAutoResize": true,
        "storageAutoResizeLimit": "0",
        "deletionProtectionEnabled": false, "connectorEnforcement": "NOT_REQUIRED",
        "ipConfiguration": {"ipv4Enabled": true, "sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED"},
        "backupConfiguration": {"enabled": false, "kind": "sql#backupConfiguration"},
    }});
    mask::merge(&mut instance, &body);
    if let Some(fields) = instance.as_object_mut() {
        fields.remove("rootPassword");
    }
    numbers_as_text(&mut instance);
    set(&mut instance["settings"], json!({"kind": "sql#settings", "settingsVersion": "1"}));
    let etag = cx.world.next_etag();
    let account =
        format!("p{}-{}@gcp-sa-cloud-sql.iam.gserviceaccount.com", cx.site.number, &stable_number(name)[..6]);
    set(
        &mut instance,
        json!({
            "kind": "sql#instance", "name": name, "project": project, "region": region,
            "state": "PENDING_CREATE",
            "backendType": "SECOND_GEN", "instanceType": "CLOUD_SQL_INSTANCE",
            "gceZone": format!("{region}-a"),
            "connectionName": format!("{project}:{region}:{name}"), "serviceAccountEmailAddress": account,
            "selfLink": format!("{SQL_LINK}/projects/{project}/instances/{name}"), "createTime": cx.stamp(),
            "etag": etag,
        }),
    );
    instance
}

/// 64-bit numbers are text on the wire, however they were sent.
fn numbers_as_text(instance: &mut Value) {
    for field in ["dataDiskSizeGb", "storageAutoResizeLimit", "settingsVersion"] {
        if let Some(number) = instance["settings"].get(field).and_then(Value::as_i64) {
            instance["settings"][field] = json!(number.to_string());
        }
    }
}

fn addresses(cx: &Cx, name: &str, instance: &Value) -> Value {
    let host = stable_number(&format!("{}{name}", cx.site.project))
        .bytes()
        .fold(7_u32, |sum, digit| (sum * 31 + u32::from(digit)) % 250);
    let config = &instance["settings"]["ipConfiguration"];
    let mut found = Vec::new();
    if config["ipv4Enabled"] == json!(true) {
        found.push(json!({"type": "PRIMARY", "ipAddress": format!("203.0.113.{}", host + 2)}));
    }
    if !text(config, "privateNetwork").is_empty() {
        found.push(json!({"type": "PRIVATE", "ipAddress": format!("10.100.0.{}", host + 2)}));
    }
    json!(found)
}

/// PATCH merges and replaces lists whole; PUT takes the settings whole and needs their version.
fn change(cx: &mut Cx, name: &str, whole: bool) -> Result<Value, ApiError> {
    let old = fetch(cx, name)?;
    let body = cx.call.json()?;
    check_free(cx, name)?;
    let version = body["settings"].get("settingsVersion").map(|version| version.to_string().replace('"', ""));
    let current = text(&old["settings"], "settingsVersion").to_owned();
    if version.as_ref().is_some_and(|version| *version != current) || (whole && version.is_none()) {
        let message = "Condition does not match. The settingsVersion given is not the current one.";
        return Err(ApiError::new(412, "FAILED_PRECONDITION", "staleData", message));
    }
    check_immutable(&old, &body)?;
    let mut new = old.clone();
    if whole {
        new["settings"] = json!({});
    }
    let stays =
        ["state", "name", "region", "etag", "selfLink", "connectionName", "serviceAccountEmailAddress"];
    let mut patch = body;
    if let Some(fields) = patch.as_object_mut() {
        fields.retain(|field, _| !stays.contains(&field.as_str()));
    }
    mask::merge(&mut new, &patch);
    numbers_as_text(&mut new);
    let next = current.parse::<u64>().unwrap_or(1) + 1;
    let etag = cx.world.next_etag();
    set(&mut new["settings"], json!({"settingsVersion": next.to_string(), "kind": "sql#settings"}));
    let numbers = addresses(cx, name, &new);
    set(&mut new, json!({"etag": etag, "ipAddresses": numbers}));
    let takes = cx.site.delays.sql_update;
    let effects = vec![Effect::Put(key(cx, name), new)];
    Ok(operation::sql(cx, name, "UPDATE", effects, takes))
}

fn check_immutable(old: &Value, body: &Value) -> Result<(), ApiError> {
    let differs = |field: &str| body.get(field).is_some_and(|value| *value != old[field]);
    if differs("region") {
        return Err(ApiError::invalid("Invalid request: The instance's region cannot be changed."));
    }
    let network =
        |document: &Value| text(&document["settings"]["ipConfiguration"], "privateNetwork").to_owned();
    let given = body["settings"]["ipConfiguration"].get("privateNetwork");
    if !network(old).is_empty() && given.is_some() && network(body) != network(old) {
        return Err(ApiError::invalid("Invalid request: The private network cannot be changed or removed."));
    }
    let size = |document: &Value| text(&document["settings"], "dataDiskSizeGb").parse::<u64>().ok();
    if let (Some(new), Some(old)) = (size(body), size(old))
        && new < old
    {
        return Err(ApiError::invalid("Invalid request: The disk size cannot be decreased."));
    }
    Ok(())
}

fn delete(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    let instance = fetch(cx, name)?;
    check_free(cx, name)?;
    if instance["settings"]["deletionProtectionEnabled"] == json!(true) {
        return Err(ApiError::invalid(
            "The instance is protected. Please disable the deletion protection and try again.",
        ));
    }
    let key = key(cx, name);
    cx.world.apply(Effect::Merge(key.clone(), json!({"state": "PENDING_DELETE"})));
    let takes = cx.site.delays.sql_update;
    let until = stamp(after(after(cx.now, takes), TOMBSTONE));
    let effects = vec![Effect::Remove(key), Effect::Put(tombstone(cx, name), json!({"until": until}))];
    Ok(operation::sql(cx, name, "DELETE", effects, takes))
}

fn simple(cx: &mut Cx, name: &str, kind: &str) -> Result<Value, ApiError> {
    super::check_running(cx, name)?;
    check_free(cx, name)?;
    let takes = cx.site.delays.sql_update;
    Ok(operation::sql(cx, name, kind, Vec::new(), takes))
}
