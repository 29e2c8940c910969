//! Versions of a secret: added, read by number or `latest`, disabled, destroyed for ever.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{SERVICE, check_etag, fetch, notify, quoted};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::list;
use crate::embedded::google::store::{set, text};

/// Largest payload in bytes.
const LARGEST: usize = 64 << 10;

/// Answers the calls below `versions`.
pub fn route(cx: &mut Cx, secret: &str, rest: &[&str]) -> Option<Result<Value, ApiError>> {
    Some(match (cx.call.method.as_str(), rest) {
        ("GET", []) => all(cx, secret),
        ("GET", [version]) => find(cx, secret, version),
        ("GET", [version, ":access"]) => access(cx, secret, version),
        ("POST", [version, ":enable"]) => change(cx, secret, version, "ENABLED"),
        ("POST", [version, ":disable"]) => change(cx, secret, version, "DISABLED"),
        ("POST", [version, ":destroy"]) => change(cx, secret, version, "DESTROYED"),
        _ => return None,
    })
}

fn numbers(cx: &Cx, secret: &str) -> Vec<(u64, Value)> {
    let mut found: Vec<(u64, Value)> = cx
        .world
        .children(&format!("{SERVICE}/{secret}/versions"))
        .filter_map(|(key, version)| Some((key.rsplit('/').next()?.parse().ok()?, version.clone())))
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found
}

/// Newest first, as the service lists them.
fn all(cx: &mut Cx, secret: &str) -> Result<Value, ApiError> {
    fetch(cx, secret)?;
    let versions: Vec<Value> = numbers(cx, secret).into_iter().map(|(_, version)| version).collect();
    let total = versions.len();
    let mut answer = list::page(cx.call, "versions", versions)?;
    answer["totalSize"] = json!(total);
    Ok(answer)
}

/// A version by number; `latest` is the highest number whatever its state, an alias what the secret says.
fn find(cx: &Cx, secret: &str, version: &str) -> Result<Value, ApiError> {
    let document = fetch(cx, secret)?;
    let number = match version {
        "latest" => numbers(cx, secret).first().map(|(number, _)| number.to_string()),
        alias => match &document["versionAliases"][alias] {
            Value::String(number) => Some(number.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => Some(alias.to_owned()),
        },
    };
    let found =
        number.and_then(|number| cx.world.get(&format!("{SERVICE}/{secret}/versions/{number}")).cloned());
    found.ok_or_else(|| {
        ApiError::not_found(format!("Secret Version [{secret}/versions/{version}] not found."))
    })
}

/// `secrets.addVersion`.
pub fn add(cx: &mut Cx, secret: &str) -> Result<Value, ApiError> {
    let document = fetch(cx, secret)?;
    let body = cx.call.json()?;
    let payload = text(&body["payload"], "data");
    let bytes = BASE64_STANDARD.decode(payload).map_err(|_| ApiError::invalid("Payload is not base64."))?;
    if bytes.len() > LARGEST {
        return Err(ApiError::invalid("The secret payload is larger than 65536 bytes."));
    }
    let sum = u64::from(crc32c::crc32c(&bytes)).to_string();
    let given = match &body["payload"]["dataCrc32c"] {
        Value::String(given) => given.clone(),
        Value::Number(given) => given.to_string(),
        _ => String::new(),
    };
    if !given.is_empty() && given != sum {
        return Err(ApiError::invalid("The provided data_crc32c does not match the payload."));
    }
    let number = numbers(cx, secret).first().map_or(1, |(number, _)| number + 1);
    let name = format!("{secret}/versions/{number}");
    let etag = quoted(cx);
    let version = json!({
        "name": name, "createTime": cx.stamp(), "state": "ENABLED", "etag": etag,
        "replicationStatus": {"automatic": {}}, "clientSpecifiedPayloadChecksum": !given.is_empty(),
        "_payload": BASE64_STANDARD.encode(&bytes), "_crc32c": sum,
    });
    cx.world.put(format!("{SERVICE}/{name}"), version.clone());
    notify(cx, &document, "SECRET_VERSION_ADD", Some(&version));
    Ok(version)
}

fn access(cx: &mut Cx, secret: &str, version: &str) -> Result<Value, ApiError> {
    let found = find(cx, secret, version)?;
    let state = text(&found, "state");
    if state != "ENABLED" {
        return Err(ApiError::failed_precondition(format!(
            "Secret Version [{}] is in {state} state.",
            text(&found, "name")
        )));
    }
    Ok(json!({"name": found["name"], "payload": {"data": found["_payload"], "dataCrc32c": found["_crc32c"]}}))
}

fn change(cx: &mut Cx, secret: &str, version: &str, state: &str) -> Result<Value, ApiError> {
    let document = fetch(cx, secret)?;
    let mut found = find(cx, secret, version)?;
    let body = cx.call.json()?;
    check_etag(body["etag"].as_str(), &found)?;
    let name = text(&found, "name").to_owned();
    if text(&found, "state") == "DESTROYED" && state != "DESTROYED" {
        return Err(ApiError::failed_precondition(format!("Secret Version [{name}] is in DESTROYED state.")));
    }
    let etag = quoted(cx);
    set(&mut found, json!({"state": state, "etag": etag}));
    let event = match state {
        "ENABLED" => "SECRET_VERSION_ENABLE",
        "DISABLED" => "SECRET_VERSION_DISABLE",
        _ => {
            set(&mut found, json!({"destroyTime": cx.stamp(), "_payload": null}));
            "SECRET_VERSION_DESTROY"
        }
    };
    cx.world.put(format!("{SERVICE}/{name}"), found.clone());
    notify(cx, &document, event, Some(&found));
    Ok(found)
}
