//! The common shape of an AIP resource: create, get, list, patch, delete by resource name.

use serde_json::{Value, json};

use super::context::Cx;
use super::error::ApiError;
use super::list;
use super::mask;
use super::store::set;

/// Creates `{service}/{name}` with name and times set. Errors: 409 when it is there.
pub fn create(cx: &mut Cx, service: &str, name: &str, body: Value) -> Result<Value, ApiError> {
    let key = format!("{service}/{name}");
    if cx.world.get(&key).is_some() {
        return Err(ApiError::already_exists(format!("Resource '{name}' already exists")));
    }
    let mut document = body;
    let stamp = cx.stamp();
    set(&mut document, json!({"name": name, "createTime": stamp, "updateTime": stamp}));
    cx.world.put(key, document.clone());
    Ok(document)
}

/// Reads a resource. Errors: 404.
pub fn fetch(cx: &Cx, service: &str, name: &str) -> Result<Value, ApiError> {
    let found = cx.world.get(&format!("{service}/{name}")).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("Resource '{name}' was not found")))
}

/// A page of the resources in `{service}/{collection}`; a location `-` stands for all of them.
pub fn list(cx: &Cx, service: &str, collection: &str, field: &str) -> Result<Value, ApiError> {
    list::page(cx.call, field, all(cx, service, collection))
}

/// The resources in a collection; a location `-` stands for all of them.
pub fn all(cx: &Cx, service: &str, collection: &str) -> Vec<Value> {
    match collection.split_once("/locations/-/") {
        None => {
            cx.world.children(&format!("{service}/{collection}")).map(|(_, value)| value.clone()).collect()
        }
        Some((parent, kind)) => {
            let start = format!("{service}/{parent}/locations/");
            let in_kind = |key: &str| {
                let rest: Vec<&str> = key[start.len()..].split('/').collect();
                rest.len() == 3 && rest[1] == kind && !rest[2].contains('#')
            };
            cx.world.below(&start).filter(|(key, _)| in_kind(key)).map(|(_, value)| value.clone()).collect()
        }
    }
}

/// Patches a resource by the call's `updateMask`. Errors: 404.
pub fn patch(cx: &mut Cx, service: &str, name: &str, body: &Value) -> Result<Value, ApiError> {
    let mut document = fetch(cx, service, name)?;
    let update_mask = cx.call.query("updateMask").or_else(|| cx.call.query("update_mask"));
    mask::update(&mut document, body, update_mask);
    set(&mut document, json!({"name": name, "updateTime": cx.stamp()}));
    cx.world.put(format!("{service}/{name}"), document.clone());
    Ok(document)
}

/// Deletes a resource and what is below it. Errors: 404.
pub fn remove(cx: &mut Cx, service: &str, name: &str) -> Result<Value, ApiError> {
    let document = fetch(cx, service, name)?;
    cx.world.remove_tree(&format!("{service}/{name}"));
    Ok(document)
}
