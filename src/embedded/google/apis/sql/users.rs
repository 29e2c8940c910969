//! Users of an instance. Passwords are kept hashed, and nobody is ever told one.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{SERVICE, check_free, check_running, key};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation;
use crate::embedded::google::store::{Effect, text};
use crate::embedded::google::{crud, mask};

/// Answers the calls below `users`.
pub fn route(cx: &mut Cx, instance: &str, rest: &[&str]) -> Option<Result<Value, ApiError>> {
    Some(match (cx.call.method.as_str(), rest) {
        ("GET", []) => list(cx, instance),
        ("POST", []) => insert(cx, instance),
        ("GET", [name]) => find(cx, instance, name),
        ("PUT", []) => update(cx, instance),
        ("DELETE", []) => delete(cx, instance),
        _ => return None,
    })
}

fn user_key(cx: &Cx, instance: &str, name: &str) -> String {
    format!("{}/users/{name}", key(cx, instance))
}

/// Gives the built-in administrator its password when the instance is made.
pub fn seed_root(cx: &mut Cx, instance: &str, password: &str) {
    let user = json!({"kind": "sql#user", "name": "postgres", "host": "", "instance": instance,
                      "project": cx.site.project, "type": "BUILT_IN", "_password": hash(password)});
    cx.world.put(user_key(cx, instance, "postgres"), user);
}

fn hash(password: &str) -> String {
    hex::encode(Sha256::digest(password.as_bytes()))
}

fn list(cx: &mut Cx, instance: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    let items = crud::all(cx, SERVICE, &format!("projects/{}/instances/{instance}/users", cx.site.project));
    Ok(json!({"kind": "sql#usersList", "items": items}))
}

fn find(cx: &Cx, instance: &str, name: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    let found = cx.world.get(&user_key(cx, instance, name)).cloned();
    found.ok_or_else(|| {
        ApiError::new(404, "NOT_FOUND", "userDoesNotExist", "The Cloud SQL user does not exist.")
    })
}

fn insert(cx: &mut Cx, instance: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    check_free(cx, instance)?;
    let mut user = cx.call.json()?;
    let name = text(&user, "name").to_owned();
    if name.is_empty() {
        return Err(ApiError::invalid("Invalid request: Missing parameter: user name."));
    }
    if cx.world.get(&user_key(cx, instance, &name)).is_some() {
        let message = format!("The Cloud SQL user \"{name}\" already exists.");
        return Err(ApiError::new(409, "ALREADY_EXISTS", "userAlreadyExists", message));
    }
    keep_hash_only(&mut user);
    let kind = Some(text(&user, "type")).filter(|kind| !kind.is_empty()).unwrap_or("BUILT_IN").to_owned();
    let etag = cx.world.next_etag();
    mask::merge(
        &mut user,
        &json!({"kind": "sql#user", "host": "", "instance": instance, "project": cx.site.project,
                "type": kind,
                "etag": etag}),
    );
    let effects = vec![Effect::Put(user_key(cx, instance, &name), user)];
    let takes = cx.site.delays.sql_small;
    Ok(operation::sql(cx, instance, "CREATE_USER", effects, takes))
}

fn keep_hash_only(user: &mut Value) {
    let password = text(user, "password").to_owned();
    if let Some(fields) = user.as_object_mut() {
        fields.remove("password");
        if !password.is_empty() {
            fields.insert("_password".into(), json!(hash(&password)));
        }
    }
}

/// PUT with the name in the query. A user that is not there is made, as the service does.
fn update(cx: &mut Cx, instance: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    check_free(cx, instance)?;
    let name = cx.call.required("name")?.to_owned();
    let mut body = cx.call.json()?;
    keep_hash_only(&mut body);
    let etag = cx.world.next_etag();
    let mut user = cx.world.get(&user_key(cx, instance, &name)).cloned().unwrap_or_else(|| {
        json!({"kind": "sql#user", "host": "", "instance": instance, "project": cx.site.project,
               "type": "BUILT_IN"})
    });
    mask::merge(&mut user, &body);
    mask::merge(&mut user, &json!({"name": name, "etag": etag}));
    let effects = vec![Effect::Put(user_key(cx, instance, &name), user)];
    let takes = cx.site.delays.sql_small;
    Ok(operation::sql(cx, instance, "UPDATE_USER", effects, takes))
}

fn delete(cx: &mut Cx, instance: &str) -> Result<Value, ApiError> {
    check_running(cx, instance)?;
    check_free(cx, instance)?;
    let name = cx.call.required("name")?.to_owned();
    find(cx, instance, &name)?;
    let effects = vec![Effect::Remove(user_key(cx, instance, &name))];
    let takes = cx.site.delays.sql_small;
    Ok(operation::sql(cx, instance, "DELETE_USER", effects, takes))
}
