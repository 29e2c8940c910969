//! Certificate Manager v1: certificates, maps, entries, DNS authorizations.
//!
//! A managed certificate is PROVISIONING until somebody says that its names point here; then it takes a
//! while.

use serde_json::{Value, json};

use crate::embedded::google::context::{Cx, Delays, after};
use crate::embedded::google::crud;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::mask;
use crate::embedded::google::operation::{self, LongRunning};
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{Effect, World, set, stable_number, text};
use jiff::Timestamp;

const SERVICE: &str = "certificatemanager";
/// Collections, the query parameter their id comes in, and the name of their message.
const KINDS: [(&str, &str, &str); 4] = [
    ("certificates", "certificateId", "Certificate"),
    ("certificateMaps", "certificateMapId", "CertificateMap"),
    ("certificateMapEntries", "certificateMapEntryId", "CertificateMapEntry"),
    ("dnsAuthorizations", "dnsAuthorizationId", "DnsAuthorization"),
];

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let ["v1", "projects", project, "locations", location, ref rest @ ..] = path[..] else { return None };
    let parent = format!("projects/{project}/locations/{location}");
    if let ("GET", ["operations", id]) = (call.method.as_str(), rest) {
        let found = operation::read(cx, &format!("{SERVICE}/{parent}/operations/{id}"));
        return Some(found.map(|document| Reply::json(&document)));
    }
    let (owner, rest): (String, &[&str]) = match rest {
        ["certificateMaps", map, rest @ ..] if rest.first() == Some(&"certificateMapEntries") => {
            (format!("{parent}/certificateMaps/{map}"), rest)
        }
        rest => (parent.clone(), rest),
    };
    let (kind, id) = match rest {
        [kind] => (*kind, None),
        [kind, id] => (*kind, Some(*id)),
        _ => return None,
    };
    let (_, parameter, message) = KINDS.iter().find(|(name, _, _)| *name == kind)?;
    let collection = format!("{owner}/{kind}");
    let result = match (call.method.as_str(), id) {
        ("GET", None) => crud::list(cx, SERVICE, &collection, kind),
        ("POST", None) => create(cx, &parent, &collection, parameter, message),
        ("GET", Some(id)) => crud::fetch(cx, SERVICE, &format!("{collection}/{id}")),
        ("PATCH", Some(id)) => patch(cx, &parent, &format!("{collection}/{id}"), message),
        ("DELETE", Some(id)) => delete(cx, &parent, &format!("{collection}/{id}")),
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

fn create(
    cx: &mut Cx,
    parent: &str,
    collection: &str,
    parameter: &str,
    message: &str,
) -> Result<Value, ApiError> {
    let id = cx.call.required(parameter)?.to_owned();
    let name = format!("{collection}/{id}");
    let body = cx.call.json()?;
    if let Some((map, _)) = collection.split_once("/certificateMapEntries") {
        crud::fetch(cx, SERVICE, map)?;
        check_certificates(cx, &body)?;
    }
    let mut document = crud::create(cx, SERVICE, &name, body)?;
    match message {
        "Certificate" => begin(cx, &mut document),
        "CertificateMapEntry" => document["state"] = json!("ACTIVE"),
        "DnsAuthorization" => {
            let (domain, token) = (text(&document, "domain").to_owned(), stable_number(&name));
            let record = json!({"name": format!("_acme-challenge.{domain}."), "type": "CNAME",
                                "data": format!("{token}.authorize.certificatemanager.goog.")});
            document["dnsResourceRecord"] = record;
        }
        _ => {}
    }
    cx.world.put(format!("{SERVICE}/{name}"), document.clone());
    Ok(started(cx, parent, &name, "create", Some((message, document)), Vec::new()))
}

fn check_certificates(cx: &Cx, body: &Value) -> Result<(), ApiError> {
    for certificate in body["certificates"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        crud::fetch(cx, SERVICE, certificate).map_err(|_| {
            ApiError::failed_precondition(format!("Certificate '{certificate}' does not exist."))
        })?;
    }
    Ok(())
}

/// Where a new managed certificate stands.
fn begin(cx: &mut Cx, document: &mut Value) {
    let domains: Vec<String> = domains(document);
    if domains.is_empty() {
        return;
    }
    document["sanDnsnames"] = json!(domains);
    document["managed"]["state"] = json!("PROVISIONING");
    let attempts: Vec<Value> = domains
        .iter()
        .map(|domain| json!({"domain": domain, "state": "FAILED", "failureReason": "CONFIG"}))
        .collect();
    document["managed"]["authorizationAttemptInfo"] = json!(attempts);
    if domains.iter().all(|domain| points_here(cx.world, domain)) {
        let name = text(document, "name").to_owned();
        issue(cx.world, &name, document, cx.now, &cx.site.delays);
    }
}

fn domains(document: &Value) -> Vec<String> {
    let listed = document["managed"]["domains"].as_array().into_iter().flatten();
    listed.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn points_here(world: &World, domain: &str) -> bool {
    world.get(&format!("dns/{domain}")).is_some()
}

fn issue(world: &mut World, name: &str, document: &mut Value, now: Timestamp, delays: &Delays) {
    let attempts: Vec<Value> =
        domains(document).iter().map(|domain| json!({"domain": domain, "state": "AUTHORIZING"})).collect();
    document["managed"]["authorizationAttemptInfo"] = json!(attempts);
    let authorized: Vec<Value> =
        domains(document).iter().map(|domain| json!({"domain": domain, "state": "AUTHORIZED"})).collect();
    let active = json!({"managed": {"state": "ACTIVE", "authorizationAttemptInfo": authorized}});
    world.at(after(now, delays.certificate), vec![Effect::Merge(format!("{SERVICE}/{name}"), active)]);
}

/// A name points at this cloud from now on; certificates that waited for it are issued after a while.
pub fn point_dns(world: &mut World, domain: &str, now: Timestamp, delays: &Delays) {
    world.put(format!("dns/{domain}"), json!({"name": domain}));
    let waiting: Vec<(String, Value)> = world
        .below(&format!("{SERVICE}/"))
        .filter(|(key, certificate)| {
            key.contains("/certificates/") && certificate["managed"]["state"] == json!("PROVISIONING")
        })
        .map(|(key, certificate)| (key.to_owned(), certificate.clone()))
        .collect();
    for (key, mut certificate) in waiting {
        if domains(&certificate).iter().all(|domain| points_here(world, domain)) {
            issue(world, &key[SERVICE.len() + 1..], &mut certificate, now, delays);
            world.put(key, certificate);
        }
    }
}

fn patch(cx: &mut Cx, parent: &str, name: &str, message: &str) -> Result<Value, ApiError> {
    let old = crud::fetch(cx, SERVICE, name)?;
    let body = cx.call.json()?;
    let update_mask = cx.call.required("updateMask")?.to_owned();
    let fixed = ["managed", "selfManaged.scope", "hostname", "matcher", "domain", "scope"];
    if update_mask.split(',').any(|field| fixed.contains(&field)) {
        return Err(ApiError::invalid(format!("Update mask '{update_mask}' has immutable fields.")));
    }
    check_certificates(cx, &body)?;
    let mut new = old;
    mask::update(&mut new, &body, Some(&update_mask));
    set(&mut new, json!({"updateTime": cx.stamp()}));
    let effects = vec![Effect::Put(format!("{SERVICE}/{name}"), new.clone())];
    Ok(started(cx, parent, name, "update", Some((message, new)), effects))
}

fn delete(cx: &mut Cx, parent: &str, name: &str) -> Result<Value, ApiError> {
    crud::fetch(cx, SERVICE, name)?;
    let entries = format!("{SERVICE}/{name}/certificateMapEntries/");
    let used = cx
        .world
        .below(&format!("{SERVICE}/"))
        .any(|(_, entry)| entry["certificates"].as_array().is_some_and(|used| used.contains(&json!(name))));
    if used || cx.world.below(&entries).next().is_some() {
        return Err(ApiError::failed_precondition(format!(
            "can't delete '{name}' that is referenced by other resources"
        )));
    }
    let effects = vec![Effect::Remove(format!("{SERVICE}/{name}"))];
    Ok(started(cx, parent, name, "delete", None, effects))
}

fn started(
    cx: &mut Cx,
    parent: &str,
    target: &str,
    verb: &str,
    result: Option<(&str, Value)>,
    effects: Vec<Effect>,
) -> Value {
    let response = match result {
        Some((message, mut document)) => {
            document["@type"] =
                json!(format!("type.googleapis.com/google.cloud.certificatemanager.v1.{message}"));
            document
        }
        None => json!({"@type": "type.googleapis.com/google.protobuf.Empty"}),
    };
    let takes = cx.site.delays.operation;
    operation::long_running(
        cx,
        LongRunning { service: SERVICE, parent, target, verb, response, effects, takes },
    )
}
