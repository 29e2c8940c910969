//! Pages of a list.

use serde_json::{Value, json};

use super::call::Call;
use super::error::ApiError;
use super::filter;

/// The answer to a list call: filtered, cut to the page asked for, with `nextPageToken` when there is more.
/// An empty list has no field, as on the wire.
pub fn page(call: &Call, field: &str, items: Vec<Value>) -> Result<Value, ApiError> {
    let items = filter::apply(items, call.query("filter"))?;
    cut(call, field, items)
}

/// Like [`page`] for a list without filters.
pub fn cut(call: &Call, field: &str, items: Vec<Value>) -> Result<Value, ApiError> {
    let size = call.query("pageSize").or_else(|| call.query("maxResults")).and_then(|size| size.parse().ok());
    let size: usize = size.filter(|size| *size > 0).unwrap_or(500);
    let start: usize = match call.query("pageToken").filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => token.parse().map_err(|_| ApiError::invalid("Invalid page token."))?,
    };
    let more = items.len() > start.saturating_add(size);
    let part: Vec<Value> = items.into_iter().skip(start).take(size).collect();
    let mut answer = json!({});
    if !part.is_empty() {
        answer[field] = Value::Array(part);
    }
    if more {
        answer["nextPageToken"] = json!((start + size).to_string());
    }
    Ok(answer)
}
