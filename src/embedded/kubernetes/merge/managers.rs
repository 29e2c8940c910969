//! `metadata.managedFields`: who set which field, by manager, operation and subresource.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields_v1;
use super::path::FieldSet;

/// Who wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// The field manager's name.
    pub name: String,
    /// Whether it applied; otherwise it updated.
    pub applies: bool,
    /// The version it wrote in.
    pub api_version: String,
    /// `status`, or empty.
    pub subresource: String,
}

/// What a manager has.
#[derive(Clone, Debug, PartialEq)]
pub struct Owned {
    /// Its fields.
    pub set: FieldSet,
    /// When it last took or gave up a field.
    pub time: Option<String>,
}

/// All managers of one object.
pub type Managers = BTreeMap<Manager, Owned>;

/// Reads the managers of an object.
pub fn decode(object: &Value) -> Managers {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().map(decode_entry).collect()
}

fn decode_entry(entry: &Value) -> (Manager, Owned) {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let manager = Manager {
        name: text("manager"),
        applies: text("operation") == "Apply",
        api_version: text("apiVersion"),
        subresource: text("subresource"),
    };
    let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
    (manager, Owned { set: fields_v1::decode(entry.get("fieldsV1").unwrap_or(&Value::Null)), time })
}

/// Writes the managers into an object: appliers first, then by time and name.
pub fn encode(managers: &Managers, object: &mut Value) {
    let mut sorted: Vec<(&Manager, &Owned)> = managers.iter().collect();
    sorted.sort_by_key(|(manager, owned)| (!manager.applies, owned.time.clone(), (*manager).clone()));
    let entries: Vec<Value> = sorted.into_iter().map(encode_entry).collect();
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), entries.into());
    }
}

fn encode_entry((manager, owned): (&Manager, &Owned)) -> Value {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    put("manager", manager.name.as_str().into());
    put("operation", if manager.applies { "Apply" } else { "Update" }.into());
    put("apiVersion", manager.api_version.as_str().into());
    if let Some(time) = &owned.time {
        put("time", time.as_str().into());
    }
    put("fieldsType", "FieldsV1".into());
    put("fieldsV1", fields_v1::encode(&owned.set));
    if !manager.subresource.is_empty() {
        put("subresource", manager.subresource.as_str().into());
    }
    Value::Object(entry)
}

/// Whether two objects differ in nothing but the times of their managers.
pub fn same_but_times(one: &Value, other: &Value) -> bool {
    let timeless = |object: &Value| {
        let mut object = object.clone();
        for entry in
            object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut).into_iter().flatten()
        {
            entry.as_object_mut().map(|entry| entry.remove("time"));
        }
        object
    };
    one == other || timeless(one) == timeless(other)
}

impl Manager {
    /// As conflict messages write it.
    pub fn describe(&self) -> String {
        let mut text = json!(self.name).to_string();
        if !self.subresource.is_empty() {
            text += &format!(" with subresource {}", json!(self.subresource));
        }
        if !self.applies {
            text += &format!(" using {}", self.api_version);
        }
        text
    }
}
