//! Aggregated lists: one collection over all scopes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{SERVICE, kinds};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::filter;

/// `…/aggregated/{collection}`; scopes with nothing in them are left out.
pub fn list(cx: &Cx, root: &str, collection: &str) -> Result<Value, ApiError> {
    let kind = kinds::named(collection)
        .ok_or_else(|| super::not_found(&format!("{root}/aggregated/{collection}")))?;
    let start = format!("{SERVICE}/{root}/");
    let mut scopes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, document) in cx.world.below(&start) {
        let pieces: Vec<&str> = key[start.len()..].split('/').collect();
        let scope = match pieces[..] {
            ["global", found, name] if found == collection && !name.contains('#') => "global".to_owned(),
            [places, place, found, name] if found == collection && !name.contains('#') => {
                format!("{places}/{place}")
            }
            _ => continue,
        };
        scopes.entry(scope).or_default().push(document.clone());
    }
    let mut items = json!({});
    for (scope, documents) in scopes {
        let documents = filter::apply(documents, cx.call.query("filter"))?;
        if !documents.is_empty() {
            items[scope] = json!({collection: documents});
        }
    }
    Ok(json!({"kind": format!("{}AggregatedList", kind.kind),
        "id": format!("{root}/aggregated/{collection}"),
              "items": items}))
}
