//! Cloud SQL Admin v1: instances, databases, users; one operation at a time on an instance.

mod databases;
mod instances;
mod users;

use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::text;
use crate::embedded::google::{crud, list};

/// First part of the store's keys.
const SERVICE: &str = "sqladmin";

/// Answers a call, or nothing for a path the API does not have. Both path styles are served: `/v1/…` and the
/// older `/sql/v1beta4/…`.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let rest = match &path[..] {
        ["v1", rest @ ..] | ["sql", "v1beta4", rest @ ..] => rest,
        _ => return None,
    };
    let result = match (call.method.as_str(), rest) {
        ("GET", ["flags"]) => Ok(flags()),
        ("GET", ["projects", _, "operations"]) => operations(cx),
        ("GET", ["projects", project, "operations", id]) => {
            operation::read(cx, &format!("{SERVICE}/projects/{project}/operations/{id}"))
        }
        ("GET", ["projects", _, "tiers"]) => Ok(json!({"kind": "sql#tiersList", "items": []})),
        (_, ["projects", project, "instances", ..]) if *project != cx.site.project => {
            Err(ApiError::forbidden("The client is not authorized to make this request."))
        }
        ("GET", ["projects", _, "instances"]) => instances::list(cx),
        ("POST", ["projects", _, "instances"]) => instances::insert(cx),
        (_, ["projects", _, "instances", name, "databases", rest @ ..]) => databases::route(cx, name, rest)?,
        (_, ["projects", _, "instances", name, "users", rest @ ..]) => users::route(cx, name, rest)?,
        (_, ["projects", _, "instances", name, rest @ ..]) => instances::route(cx, name, rest)?,
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

/// The store's key of an instance.
fn key(cx: &Cx, instance: &str) -> String {
    format!("{SERVICE}/projects/{}/instances/{instance}", cx.site.project)
}

/// The instance, or 404.
fn fetch(cx: &Cx, instance: &str) -> Result<Value, ApiError> {
    let found = cx.world.get(&key(cx, instance)).cloned();
    found.ok_or_else(|| {
        ApiError::new(404, "NOT_FOUND", "instanceDoesNotExist", "The Cloud SQL instance does not exist.")
    })
}

/// 409 while another operation on the instance is under way.
fn check_free(cx: &Cx, instance: &str) -> Result<(), ApiError> {
    let collection = format!("{SERVICE}/projects/{}/operations", cx.site.project);
    let busy = cx
        .world
        .children(&collection)
        .any(|(_, operation)| text(operation, "targetId") == instance && text(operation, "status") != "DONE");
    if busy {
        let message = "Operation failed because another operation was already in progress. Try your request \
         after the current operation is complete.";
        return Err(ApiError::new(409, "ABORTED", "operationInProgress", message));
    }
    Ok(())
}

/// 400 unless the instance runs; databases and users need that.
fn check_running(cx: &Cx, instance: &str) -> Result<Value, ApiError> {
    let found = fetch(cx, instance)?;
    if text(&found, "state") != "RUNNABLE" || found["settings"]["activationPolicy"] == json!("NEVER") {
        let message = "Invalid request: Invalid request since instance is not running.";
        return Err(ApiError::new(400, "FAILED_PRECONDITION", "invalid", message));
    }
    Ok(found)
}

/// Newest first, as the service lists them.
fn operations(cx: &mut Cx) -> Result<Value, ApiError> {
    let wanted = cx.call.query("instance").unwrap_or_default();
    let all = crud::all(cx, SERVICE, &format!("projects/{}/operations", cx.site.project));
    let mut found: Vec<Value> = all
        .into_iter()
        .filter(|operation| wanted.is_empty() || text(operation, "targetId") == wanted)
        .collect();
    found.sort_by(|one, other| text(other, "insertTime").cmp(text(one, "insertTime")));
    let mut answer = list::cut(cx.call, "items", found)?;
    answer["kind"] = json!("sql#operationsList");
    Ok(answer)
}

fn flags() -> Value {
    let names = [
        ("max_connections", "INTEGER"),
        ("cloudsql.iam_authentication", "BOOLEAN"),
        ("cloudsql.enable_pgaudit", "BOOLEAN"),
        ("log_min_duration_statement", "INTEGER"),
        ("work_mem", "INTEGER"),
        ("cloudsql.enable_pg_cron", "BOOLEAN"),
    ];
    let items: Vec<Value> = names
        .iter()
        .map(|(name, kind)| {
            json!({"kind": "sql#flag", "name": name, "type": kind, "requiresRestart": false,
                   "appliesTo": ["POSTGRES_15", "POSTGRES_16", "POSTGRES_17"]})
        })
        .collect();
    json!({"kind": "sql#flagsList", "items": items})
}
