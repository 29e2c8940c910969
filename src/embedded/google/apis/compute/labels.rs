//! Setters that carry a fingerprint: labels, tags, metadata.

use serde_json::{Value, json};

use super::{fetch, writes};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::store::text;

/// `setLabels` of any kind that has labels.
pub fn set_labels(cx: &mut Cx, target: &str) -> Result<Value, ApiError> {
    let old = fetch(cx, target)?;
    let body = cx.call.json()?;
    if text(&body, "labelFingerprint") != text(&old, "labelFingerprint") {
        return Err(ApiError::condition_not_met(
            "Labels fingerprint either invalid or resource labels have changed.",
        ));
    }
    let mut new = old;
    new["labels"] = body["labels"].clone();
    new["labelFingerprint"] = json!(cx.world.next_etag());
    Ok(writes::commit(cx, target, "setLabels", new))
}

/// `setTags` and `setMetadata` of an instance: the body replaces the field, its fingerprint must be current.
pub fn set_fingerprinted(cx: &mut Cx, target: &str, field: &str, action: &str) -> Result<Value, ApiError> {
    let mut new = fetch(cx, target)?;
    let body = cx.call.json()?;
    if text(&body, "fingerprint") != text(&new[field], "fingerprint") {
        return Err(ApiError::condition_not_met(format!(
            "Supplied fingerprint does not match current {field} fingerprint."
        )));
    }
    new[field] = body;
    new[field]["fingerprint"] = json!(cx.world.next_etag());
    Ok(writes::commit(cx, target, action, new))
}
