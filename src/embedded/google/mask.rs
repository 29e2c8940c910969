//! Changing documents: RFC 7396 merge and update masks.

use serde_json::{Value, json};

/// Merges by RFC 7396: objects field by field, lists whole, null removes. No patch at all changes nothing.
pub fn merge(document: &mut Value, patch: &Value) {
    if patch.is_null() {
        return;
    }
    let Value::Object(fields) = patch else {
        *document = patch.clone();
        return;
    };
    if !document.is_object() {
        *document = json!({});
    }
    if let Some(target) = document.as_object_mut() {
        for (name, value) in fields {
            if value.is_null() {
                target.remove(name);
            } else {
                merge(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

/// Takes the masked fields from `patch`; a masked field the patch lacks is cleared. Without a mask (or `*`)
/// every field of the patch is taken whole.
pub fn update(document: &mut Value, patch: &Value, update_mask: Option<&str>) {
    match update_mask.filter(|mask| !mask.is_empty() && *mask != "*") {
        None => {
            for (name, value) in patch.as_object().into_iter().flatten() {
                document[name.as_str()] = value.clone();
            }
        }
        Some(mask) => {
            for path in mask.split(',') {
                let names: Vec<String> = path.trim().split('.').map(camel).collect();
                let value = names.iter().try_fold(patch, |value, name| value.get(name)).cloned();
                place(document, &names, value);
            }
        }
    }
}

fn place(document: &mut Value, names: &[String], value: Option<Value>) {
    let Some((first, rest)) = names.split_first() else { return };
    if !document.is_object() {
        *document = json!({});
    }
    let Some(fields) = document.as_object_mut() else { return };
    match (rest.is_empty(), value) {
        // In proto's JSON a null is a field that is not set.
        (true, Some(value)) if !value.is_null() => {
            fields.insert(first.clone(), value);
        }
        (true, _) => {
            fields.remove(first);
        }
        (false, value) => place(fields.entry(first.clone()).or_insert(Value::Null), rest, value),
    }
}

/// `snake_case` to `camelCase`, as masks may be written either way.
pub fn camel(name: &str) -> String {
    let mut upper = false;
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.extend(letter.to_uppercase());
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_field_is_replaced_whole_or_cleared() {
        let mut document =
            json!({"labels": {"a": "1"}, "topics": [1], "ttl": "3s", "rotation": {"x": 1, "y": 2}});
        update(
            &mut document,
            &json!({"labels": {"b": "2"}, "rotation": {"x": 9}}),
            Some("labels,topics,rotation.x"),
        );
        assert_eq!(document, json!({"labels": {"b": "2"}, "ttl": "3s", "rotation": {"x": 9, "y": 2}}));
    }
}
