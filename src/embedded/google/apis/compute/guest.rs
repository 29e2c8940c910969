//! What runs on the VM: the service that keeps Redis' passwords as the metadata says, and tells in a guest attribute.
//!
//! It is there when the start script brings it along, takes a moment, and needs the versions to be readable.

use serde_json::{Value, json};

use super::{SERVICE, fetch, not_found};
use crate::embedded::google::apis::secret_manager;
use crate::embedded::google::context::{Cx, after};
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation::COMPUTE_LINK;
use crate::embedded::google::store::{Effect, text};

/// The key of the metadata, and of the guest attribute.
const KEY: &str = "redis-passwords";
const NAMESPACE: &str = "dify-reconciler";

/// `instances.getGuestAttributes`: those below a namespace; 404 when there are none.
pub fn attributes(cx: &Cx, target: &str) -> Result<Value, ApiError> {
    let instance = fetch(cx, target)?;
    let wanted = cx.call.query("queryPath").unwrap_or_default();
    if metadata(&instance, "enable-guest-attributes") != "TRUE" {
        return Err(ApiError::new(
            412,
            "FAILED_PRECONDITION",
            "conditionNotMet",
            "Guest attributes are not enabled.",
        ));
    }
    let told = instance["_guest"].as_object().into_iter().flatten();
    let items: Vec<Value> = told
        .filter(|(path, _)| path.starts_with(wanted))
        .filter_map(|(path, value)| {
            let (namespace, key) = path.split_once('/')?;
            Some(json!({"namespace": namespace, "key": key, "value": value}))
        })
        .collect();
    if items.is_empty() {
        return Err(not_found(&format!("{target}/guestAttributes/{wanted}")));
    }
    Ok(json!({"kind": "compute#guestAttributes", "queryPath": wanted, "queryValue": {"items": items},
              "selfLink": format!("{COMPUTE_LINK}/{target}/getGuestAttributes")}))
}

/// Lets the service on the VM see the metadata, if there is one.
pub fn look(cx: &mut Cx, target: &str, instance: &Value) {
    let (wanted, script) = (metadata(instance, KEY), metadata(instance, "startup-script"));
    let says =
        metadata(instance, "enable-guest-attributes") == "TRUE" && script.contains("guest-attributes/");
    let secret =
        script.split("readonly secret='").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_default();
    let reads = |version: &str| secret_manager::is_readable(cx, secret, version.trim_start_matches('v'));
    if wanted.is_empty() || !says || !wanted.split(' ').all(reads) {
        return;
    }
    let told = json!({"_guest": {format!("{NAMESPACE}/{KEY}"): wanted}});
    let at = after(after(cx.now, cx.site.delays.compute), cx.site.delays.guest);
    cx.world.at(at, vec![Effect::Merge(format!("{SERVICE}/{target}"), told)]);
}

fn metadata<'a>(instance: &'a Value, key: &str) -> &'a str {
    let items = instance["metadata"]["items"].as_array();
    let item = items.and_then(|items| items.iter().find(|item| item["key"] == key));
    item.map(|item| text(item, "value")).unwrap_or_default()
}
