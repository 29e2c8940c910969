//! The operation families: Compute, Cloud SQL, GKE and the AIP-151 long-running ones.
//!
//! An operation is a document; when its time comes, its effects happen and the document says it is done.

use std::time::Duration;

use serde_json::{Value, json};

use super::context::{Cx, after, stamp};
use super::error::ApiError;
use super::store::{Effect, stable_number, text};

/// Where Compute's self links point.
pub const COMPUTE_LINK: &str = "https://www.googleapis.com/compute/v1";
/// Where Cloud SQL's self links point.
pub const SQL_LINK: &str = "https://sqladmin.googleapis.com/sql/v1beta4";

/// A Compute operation on `target` (`projects/p/global/addresses/a`). A repeated `requestId` answers the
/// operation of the first time and does nothing.
pub fn compute(cx: &mut Cx, target: &str, operation_type: &str, effects: Vec<Effect>) -> Value {
    let collection = collection_of(target);
    let key = format!("compute/{collection}");
    let name = format!("operation-{}", stable_number(&format!("op{}", cx.world.next_number())));
    let mut document = json!({
        "kind": "compute#operation",
        "id": stable_number(&name),
        "name": name,
        "operationType": operation_type,
        "targetLink": format!("{COMPUTE_LINK}/{target}"),
        "targetId": stable_number(target),
        "status": "RUNNING",
        "progress": 0,
        "user": "embedded@cloud",
        "insertTime": cx.stamp(),
        "startTime": cx.stamp(),
        "selfLink": format!("{COMPUTE_LINK}/{collection}/{name}"),
    });
    let scope: Vec<&str> = collection.split('/').collect();
    if let [_, _, kind @ ("regions" | "zones"), place, ..] = scope[..] {
        let field = if kind == "regions" { "region" } else { "zone" };
        document[field] = json!(format!("{COMPUTE_LINK}/{}/{}/{kind}/{place}", scope[0], scope[1]));
    }
    if let Some(request) = cx.call.query("requestId") {
        document["_request"] = json!(request);
    }
    let done = after(cx.now, cx.site.delays.compute);
    let patch = json!({"status": "DONE", "progress": 100, "endTime": stamp(done)});
    let (patch, effects) = match cx.world.take_failure(target) {
        None => (patch, effects),
        Some((_, code, message)) => {
            let error = json!({"errors": [{"code": code, "message": message}]});
            let patch = json!({"status": "DONE", "progress": 100, "endTime": stamp(done), "error": error,
                               "httpErrorStatusCode": 400, "httpErrorMessage": "BAD REQUEST"});
            (patch, undo(operation_type == "insert", "compute", target))
        }
    };
    start(cx, format!("{key}/{name}"), document, patch, effects, cx.site.delays.compute)
}

/// What was made for an operation that fails goes away again.
fn undo(created: bool, service: &str, target: &str) -> Vec<Effect> {
    if created { vec![Effect::Remove(format!("{service}/{target}"))] } else { Vec::new() }
}

/// The server's own id of a resource that is made at `target`: another one for each that has had the name.
pub fn id_of_new(cx: &Cx, target: &str) -> String {
    let link = format!("{COMPUTE_LINK}/{target}");
    let operations = cx.world.children(&format!("compute/{}", collection_of(target)));
    let deleted = |op: &Value| text(op, "operationType") == "delete" && text(op, "targetLink") == link;
    match operations.filter(|(_, operation)| deleted(operation)).count() {
        0 => stable_number(target),
        before => stable_number(&format!("{target}#{before}")),
    }
}

/// The operation an earlier call with the same `requestId` started in this scope.
pub fn repeated(cx: &Cx, scope: &str) -> Option<Value> {
    let request = cx.call.query("requestId")?;
    let collection = format!("compute/{scope}/operations");
    cx.world
        .children(&collection)
        .find(|(_, operation)| text(operation, "_request") == request)
        .map(|(_, op)| op.clone())
}

fn collection_of(target: &str) -> String {
    let pieces: Vec<&str> = target.split('/').collect();
    let scope = match pieces[..] {
        [_, project, "global", ..] => format!("projects/{project}/global"),
        [_, project, kind, place, ..] => format!("projects/{project}/{kind}/{place}"),
        _ => "projects/unknown/global".to_owned(),
    };
    format!("{scope}/operations")
}

/// A Cloud SQL operation on an instance.
pub fn sql(
    cx: &mut Cx,
    instance: &str,
    operation_type: &str,
    effects: Vec<Effect>,
    takes: Duration,
) -> Value {
    let project = cx.site.project.clone();
    let number = cx.world.next_number();
    let name = uuid_like(number);
    let document = json!({
        "kind": "sql#operation",
        "name": name,
        "operationType": operation_type,
        "status": "PENDING",
        "user": "embedded@cloud",
        "insertTime": cx.stamp(),
        "targetId": instance,
        "targetProject": project,
        "targetLink": format!("{SQL_LINK}/projects/{project}/instances/{instance}"),
        "selfLink": format!("{SQL_LINK}/projects/{project}/operations/{name}"),
    });
    let patch = json!({"status": "DONE", "startTime": cx.stamp(), "endTime": stamp(after(cx.now, takes))});
    let target = format!("projects/{project}/instances/{instance}");
    let (patch, effects) = match cx.world.take_failure(&target) {
        None => (patch, effects),
        Some((_, code, message)) => {
            let mut patch = patch;
            patch["error"] = json!({"kind": "sql#operationErrors",
                                    "errors": [{"kind": "sql#operationError", "code": code,
                                                "message": message}]});
            // An instance that could not be made stays, as FAILED.
            let failed = Effect::Merge(format!("sqladmin/{target}"), json!({"state": "FAILED"}));
            (patch, if operation_type == "CREATE" { vec![failed] } else { Vec::new() })
        }
    };
    start(cx, format!("sqladmin/projects/{project}/operations/{name}"), document, patch, effects, takes)
}

/// Google's operation ids of Cloud SQL look like UUIDs.
fn uuid_like(number: u64) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &number.to_be_bytes()).to_string()
}

/// An AIP-151 operation. `parent` is `projects/p/locations/l`, or empty for APIs whose operations have no
/// parent.
pub struct LongRunning<'a> {
    /// First part of the store's keys, such as `artifactregistry`.
    pub service: &'a str,
    /// Where the operation lives.
    pub parent: &'a str,
    /// The resource it works on.
    pub target: &'a str,
    /// `create`, `update` or `delete`.
    pub verb: &'a str,
    /// What `response` will be, with its `@type`.
    pub response: Value,
    /// What happens when it is done.
    pub effects: Vec<Effect>,
    /// How long it takes.
    pub takes: Duration,
}

/// Starts an AIP-151 operation and answers it, not done yet.
pub fn long_running(cx: &mut Cx, operation: LongRunning<'_>) -> Value {
    let LongRunning { service, parent, target, verb, response, effects, takes } = operation;
    let id = uuid_like(cx.world.next_number());
    let name = match parent {
        "" => format!("operations/acf.{id}"),
        parent => format!("{parent}/operations/operation-{id}"),
    };
    let metadata = json!({"@type": format!("type.googleapis.com/google.cloud.{service}.v1.OperationMetadata"),
                          "createTime": cx.stamp(), "target": target, "verb": verb, "apiVersion": "v1"});
    let document = json!({"name": name, "metadata": metadata, "done": false});
    let ended = json!({"endTime": stamp(after(cx.now, takes))});
    let (patch, effects) = match cx.world.take_failure(target) {
        None => (json!({"done": true, "response": response, "metadata": ended}), effects),
        Some((_, code, message)) => {
            let error = json!({"code": code.parse().unwrap_or(13), "message": message});
            (
                json!({"done": true, "error": error, "metadata": ended}),
                undo(verb == "create", service, target),
            )
        }
    };
    start(cx, format!("{service}/{name}"), document, patch, effects, takes)
}

fn start(
    cx: &mut Cx,
    key: String,
    document: Value,
    done: Value,
    mut effects: Vec<Effect>,
    takes: Duration,
) -> Value {
    cx.world.put(key.clone(), document.clone());
    effects.push(Effect::Merge(key, done));
    let at = after(cx.now, takes);
    cx.world.at(at, effects);
    document
}

/// An operation that is done before anybody could ask.
pub fn already_done(cx: &mut Cx, service: &str, name: &str, response: Value) -> Value {
    let document = json!({"name": name, "done": true, "response": response});
    cx.world.put(format!("{service}/{name}"), document.clone());
    document
}

/// Reads an operation of any family.
pub fn read(cx: &Cx, key: &str) -> Result<Value, ApiError> {
    let found = cx.world.get(key).cloned();
    found.ok_or_else(|| {
        let name = key.split_once('/').map_or(key, |(_, name)| name);
        ApiError::not_found(format!("The operation '{name}' was not found."))
    })
}
