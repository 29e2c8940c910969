//! Listing objects: by prefix, folded at a delimiter, with noncurrent versions on request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::buckets;
use crate::embedded::google::context::Cx;
use crate::embedded::google::list;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::text;

enum Entry {
    Object(Value),
    Prefix(String),
}

/// `objects.list`.
pub fn list(cx: &mut Cx, bucket: &str) -> Answer {
    buckets::fetch(cx, bucket)?;
    let prefix = cx.call.query("prefix").unwrap_or_default();
    let delimiter = cx.call.query("delimiter").filter(|delimiter| !delimiter.is_empty());
    let mut kinds = vec!["o"];
    if cx.call.query("versions") == Some("true") {
        kinds.push("v");
    }
    let mut found: BTreeMap<(String, String), Entry> = BTreeMap::new();
    for kind in kinds {
        let start = format!("{}/{kind}/", buckets::key(bucket));
        for (_, object) in cx.world.below(&format!("{start}{prefix}")) {
            let name = text(object, "name");
            if !within(cx, name) {
                continue;
            }
            let folded = delimiter.and_then(|delimiter| {
                let rest = &name[prefix.len()..];
                rest.find(delimiter).map(|at| name[..prefix.len() + at + delimiter.len()].to_owned())
            });
            match folded {
                Some(folder) => found.insert((folder.clone(), String::new()), Entry::Prefix(folder)),
                None => found.insert(
                    (name.to_owned(), text(object, "generation").to_owned()),
                    Entry::Object(object.clone()),
                ),
            };
        }
    }
    let entries = found.into_values().map(|entry| match entry {
        Entry::Object(object) => object,
        Entry::Prefix(folder) => json!(folder),
    });
    let mut answer = list::cut(cx.call, "items", entries.collect())?;
    let items: Vec<Value> = answer["items"].as_array().cloned().unwrap_or_default();
    let (prefixes, objects): (Vec<Value>, Vec<Value>) = items.into_iter().partition(Value::is_string);
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("kind".into(), json!("storage#objects"));
        answer.remove("items");
        for (field, list) in [("items", objects), ("prefixes", prefixes)] {
            if !list.is_empty() {
                answer.insert(field.into(), json!(list));
            }
        }
    }
    Ok(Reply::json(&answer))
}

fn within(cx: &Cx, name: &str) -> bool {
    let set = |parameter| cx.call.query(parameter).filter(|value| !value.is_empty());
    set("startOffset").is_none_or(|start| name >= start) && set("endOffset").is_none_or(|end| name < end)
}
