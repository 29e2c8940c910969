//! Service Usage v1: which APIs the project has enabled.

use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::list;
use crate::embedded::google::operation::{self, LongRunning};
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{Effect, text};

/// Limit of one batch.
const LARGEST_BATCH: usize = 20;

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    let result = match (method, &path[..]) {
        ("GET", ["v1", "operations", id]) => operation::read(cx, &format!("serviceusage/operations/{id}")),
        ("GET", ["v1", "projects", _, "services"]) => services(cx),
        ("POST", ["v1", "projects", _, "services", ":batchEnable"]) => batch_enable(cx),
        ("GET", ["v1", "projects", _, "services", ":batchGet"]) => {
            let names = cx.call.query.iter().filter(|(name, _)| name == "names");
            let names = names.filter_map(|(_, value)| value.rsplit('/').next());
            Ok(json!({"services": names.map(|name| service(cx, name)).collect::<Vec<_>>()}))
        }
        ("GET", ["v1", "projects", _, "services", name]) => Ok(service(cx, name)),
        ("POST", ["v1", "projects", _, "services", name, ":enable"]) => Ok(enable(cx, &[(*name).to_owned()])),
        ("POST", ["v1", "projects", _, "services", name, ":disable"]) => {
            cx.world.take(&key(cx.site.number.as_str(), name));
            let response = json!({"service": service(cx, name)});
            Ok(operation::already_done(cx, "serviceusage", "operations/noop.DONE_OPERATION", response))
        }
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

fn key(number: &str, name: &str) -> String {
    format!("serviceusage/projects/{number}/services/{name}")
}

/// Whether calls to the API at `host` are answered.
pub fn enabled(cx: &Cx, host: &str) -> bool {
    cx.world.get(&key(&cx.site.number, host)).is_some()
}

/// The document of an enabled service.
pub fn document(number: &str, name: &str, state: &str) -> (String, Value) {
    let parent = format!("projects/{number}");
    let document = json!({"name": format!("{parent}/services/{name}"), "parent": parent, "state": state,
                          "config": {"name": name, "title": name}});
    (key(number, name), document)
}

fn service(cx: &Cx, name: &str) -> Value {
    let found = cx.world.get(&key(&cx.site.number, name)).cloned();
    found.unwrap_or_else(|| document(&cx.site.number, name, "DISABLED").1)
}

fn services(cx: &mut Cx) -> Result<Value, ApiError> {
    let disabled = cx.call.query("filter").is_some_and(|filter| filter.contains("DISABLED"));
    let all = cx.world.children(&format!("serviceusage/projects/{}/services", cx.site.number));
    let items = if disabled { Vec::new() } else { all.map(|(_, service)| service.clone()).collect() };
    list::cut(cx.call, "services", items)
}

fn batch_enable(cx: &mut Cx) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let ids = body["serviceIds"].as_array().cloned().unwrap_or_default();
    let ids: Vec<String> = ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    if ids.is_empty() || ids.len() > LARGEST_BATCH {
        return Err(ApiError::invalid(format!("A batch may have 1 to {LARGEST_BATCH} services.")));
    }
    if let Some(bad) = ids.iter().find(|id| !id.contains('.')) {
        return Err(ApiError::invalid(format!("Service '{bad}' is not a valid service name.")));
    }
    Ok(enable(cx, &ids))
}

fn enable(cx: &mut Cx, ids: &[String]) -> Value {
    let number = cx.site.number.clone();
    let missing: Vec<&String> = ids.iter().filter(|id| !enabled(cx, id)).collect();
    let documents = ids.iter().map(|id| document(&number, id, "ENABLED"));
    let services: Vec<Value> = documents.clone().map(|(_, service)| service).collect();
    let kind = "type.googleapis.com/google.api.serviceusage.v1.BatchEnableServicesResponse";
    let response = json!({"@type": kind,
                          "services": services});
    if missing.is_empty() {
        return operation::already_done(cx, "serviceusage", "operations/noop.DONE_OPERATION", response);
    }
    let effects = documents.map(|(key, service)| Effect::Put(key, service)).collect();
    let takes = cx.site.delays.enable;
    let target = format!("projects/{number}");
    operation::long_running(
        cx,
        LongRunning {
            service: "serviceusage",
            parent: "",
            target: &target,
            verb: "enable",
            response,
            effects,
            takes,
        },
    )
}

/// Enables services at once, for seeding.
pub fn seed(cx: &mut Cx, names: &[&str]) {
    for name in names {
        let (key, service) = document(&cx.site.number, name, "ENABLED");
        if cx.world.get(&key).is_none_or(|old| text(old, "state") != "ENABLED") {
            cx.world.put(key, service);
        }
    }
}
