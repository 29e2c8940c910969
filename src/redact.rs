//! Keeping secrets out of everything that is shown.

use serde_json::Value;

/// What is shown in a secret's place.
pub const PLACEHOLDER: &str = "(sensitive)";

/// Whether the JSON pointer `path` is `prefix` or lies below it.
pub fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Replaces every scalar at and below a JSON pointer by the placeholder.
pub fn replace(value: &mut Value, pointer: &str) {
    if let Some(part) = value.pointer_mut(pointer) {
        blank(part);
    }
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(blank),
        Value::Array(items) => items.iter_mut().for_each(blank),
        scalar => *scalar = Value::String(PLACEHOLDER.into()),
    }
}
