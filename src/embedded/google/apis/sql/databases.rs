//! Databases of an instance.

use serde_json::{Value, json};

use super::{SERVICE, check_free, check_running, fetch, key};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation::{self, SQL_LINK};
use crate::embedded::google::store::{Effect, set, text};
use crate::embedded::google::{crud, mask};

/// Answers the calls below `databases`.
pub fn route(cx: &mut Cx, instance: &str, rest: &[&str]) -> Option<Result<Value, ApiError>> {
    Some(match (cx.call.method.as_str(), rest) {
        ("GET", []) => list(cx, instance),
        ("POST", []) => insert(cx, instance),
        ("GET", [name]) => find(cx, instance, name),
        ("PATCH" | "PUT", [name]) => change(cx, instance, name),
        ("DELETE", [name]) => delete(cx, instance, name),
        _ => return None,
    })
}

fn database_key(cx: &Cx, instance: &str, name: &str) -> String {
    format!("{}/databases/{name}", key(cx, instance))
}

fn list(cx: &mut Cx, instance: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    let project = &cx.site.project;
    let mut items = vec![document(cx, instance, "postgres")];
    items.extend(crud::all(cx, SERVICE, &format!("projects/{project}/instances/{instance}/databases")));
    Ok(json!({"kind": "sql#databasesList", "items": items}))
}

fn find(cx: &Cx, instance: &str, name: &str) -> Result<Value, ApiError> {
    fetch(cx, instance)?;
    if name == "postgres" {
        return Ok(document(cx, instance, name));
    }
    let found = cx.world.get(&database_key(cx, instance, name)).cloned();
    found.ok_or_else(|| {
        let message = "The Cloud SQL database does not exist.";
        ApiError::new(404, "NOT_FOUND", "databaseDoesNotExist", message)
    })
}

fn document(cx: &Cx, instance: &str, name: &str) -> Value {
    let project = &cx.site.project;
    json!({
        "kind": "sql#database", "charset": "UTF8", "collation": "en_US.UTF8", "name": name,
        "instance": instance,
        "project": project,
        "selfLink": format!("{SQL_LINK}/projects/{project}/instances/{instance}/databases/{name}"),
    })
}

fn insert(cx: &mut Cx, instance: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    check_free(cx, instance)?;
    let body = cx.call.json()?;
    let name = text(&body, "name").to_owned();
    if name.is_empty() {
        return Err(ApiError::invalid("Invalid request: Missing parameter: database name."));
    }
    if find(cx, instance, &name).is_ok() {
        let message = format!(
            "Invalid request: failed to create database {name}. Detail: pq: database \"{name}\" already \
             exists."
        );
        return Err(ApiError::new(400, "INVALID_ARGUMENT", "invalid", message));
    }
    let mut database = document(cx, instance, &name);
    mask::merge(&mut database, &body);
    let etag = cx.world.next_etag();
    set(&mut database, json!({"etag": etag, "kind": "sql#database"}));
    let effects = vec![Effect::Put(database_key(cx, instance, &name), database)];
    let takes = cx.site.delays.sql_small;
    Ok(operation::sql(cx, instance, "CREATE_DATABASE", effects, takes))
}

fn change(cx: &mut Cx, instance: &str, name: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    check_free(cx, instance)?;
    let mut database = find(cx, instance, name)?;
    mask::merge(&mut database, &cx.call.json()?);
    let effects = vec![Effect::Put(database_key(cx, instance, name), database)];
    let takes = cx.site.delays.sql_small;
    Ok(operation::sql(cx, instance, "UPDATE_DATABASE", effects, takes))
}

fn delete(cx: &mut Cx, instance: &str, name: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    check_free(cx, instance)?;
    find(cx, instance, name)?;
    let effects = vec![Effect::Remove(database_key(cx, instance, name))];
    let takes = cx.site.delays.sql_small;
    Ok(operation::sql(cx, instance, "DELETE_DATABASE", effects, takes))
}
