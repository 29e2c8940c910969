//! Cloud Monitoring v3: uptime checks, alert policies, channels. Ids are made by the server and names are not
//! unique, so a create that is repeated makes a second one.

use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::crud;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::mask;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{set, stable_number, text};

const SERVICE: &str = "monitoring";
/// Channel labels that come back redacted.
const SECRET_LABELS: [&str; 3] = ["auth_token", "password", "service_key"];

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let [
        "v3",
        "projects",
        project,
        kind @ ("uptimeCheckConfigs" | "alertPolicies" | "notificationChannels"),
        ref rest @ ..,
    ] = path[..]
    else {
        return None;
    };
    let collection = format!("projects/{project}/{kind}");
    let name = |id: &str| format!("{collection}/{id}");
    let result = match (call.method.as_str(), rest) {
        ("GET", []) => crud::list(cx, SERVICE, &collection, kind),
        ("POST", []) => create(cx, &collection, kind),
        ("GET", [id]) => crud::fetch(cx, SERVICE, &name(id)),
        ("PATCH", [id]) => patch(cx, &name(id)),
        ("DELETE", [id]) => delete(cx, &name(id), kind),
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&redacted(document))))
}

fn create(cx: &mut Cx, collection: &str, kind: &str) -> Result<Value, ApiError> {
    let mut document = cx.call.json()?;
    check(&document, kind)?;
    let title = text(&document, "displayName").to_owned();
    // The id follows from the title and how many have it already, so that two equal runs get equal ids.
    let id = (0..1000)
        .map(|twin| stable_number(&format!("{collection}{title}{twin}")))
        .find(|id| cx.world.get(&format!("{SERVICE}/{collection}/{id}")).is_none())
        .unwrap_or_default();
    let record = json!({"mutateTime": cx.stamp(), "mutatedBy": "embedded@cloud"});
    set(&mut document, json!({"name": format!("{collection}/{id}")}));
    match kind {
        "alertPolicies" => {
            let conditions = document["conditions"].as_array_mut().into_iter().flatten().enumerate();
            conditions.for_each(|(at, condition)| {
                condition["name"] = json!(format!("{collection}/{id}/conditions/{at}"));
            });
            set(&mut document, json!({"creationRecord": record, "mutationRecord": record}));
            if document.get("enabled").is_none() {
                document["enabled"] = json!(true);
            }
        }
        "notificationChannels" if document.get("enabled").is_none() => document["enabled"] = json!(true),
        _ => {}
    }
    cx.world.put(format!("{SERVICE}/{collection}/{id}"), document.clone());
    Ok(document)
}

fn check(document: &Value, kind: &str) -> Result<(), ApiError> {
    let missing = |field: &str| ApiError::invalid(format!("Field {field} is required."));
    match kind {
        "uptimeCheckConfigs" => {
            let period = text(document, "period");
            if !["", "60s", "300s", "600s", "900s"].contains(&period) {
                return Err(ApiError::invalid(format!("Field period had an invalid value of \"{period}\".")));
            }
            if text(document, "displayName").is_empty() { Err(missing("displayName")) } else { Ok(()) }
        }
        "alertPolicies" if text(document, "combiner").is_empty() => Err(missing("combiner")),
        "alertPolicies" if document["conditions"].as_array().is_none_or(Vec::is_empty) => {
            Err(missing("conditions"))
        }
        "notificationChannels" if text(document, "type").is_empty() => Err(missing("type")),
        _ => Ok(()),
    }
}

fn patch(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    let mut document = crud::fetch(cx, SERVICE, name)?;
    mask::update(&mut document, &cx.call.json()?, cx.call.query("updateMask"));
    document["name"] = json!(name);
    if document.get("mutationRecord").is_some() {
        document["mutationRecord"]["mutateTime"] = json!(cx.stamp());
    }
    cx.world.put(format!("{SERVICE}/{name}"), document.clone());
    Ok(document)
}

fn delete(cx: &mut Cx, name: &str, kind: &str) -> Result<Value, ApiError> {
    let used = kind == "notificationChannels"
        && cx.call.query("force") != Some("true")
        && cx.world.below(&format!("{SERVICE}/")).any(|(_, policy)| {
            policy["notificationChannels"].as_array().is_some_and(|channels| channels.contains(&json!(name)))
        });
    if used {
        return Err(ApiError::failed_precondition(
            "Cannot delete a channel that is used by an alert policy.",
        ));
    }
    crud::remove(cx, SERVICE, name).map(|_| json!({}))
}

fn redacted(mut document: Value) -> Value {
    if document.get("labels").is_none() {
        return document;
    }
    for label in SECRET_LABELS {
        if let Some(value) = document["labels"].get_mut(label) {
            *value = json!("***********");
        }
    }
    document
}
