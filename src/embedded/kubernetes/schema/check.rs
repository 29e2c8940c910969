//! What a document says that its kind does not know, or says in the wrong type.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ANY, Type};
use crate::embedded::kubernetes::merge::{is_associative, step_to};

/// What a decoder makes of a document.
#[derive(Debug, Default)]
pub struct Check {
    /// The paths of fields that are not declared, in the order a decoder finds them.
    pub unknown: Vec<String>,
    /// The first value of a wrong type, as a decoder words it.
    pub mismatch: Option<String>,
}

/// Removes undeclared fields from `value` and reports them.
pub fn check(kind: &str, value: &mut Value, of: &'static Type) -> Check {
    let mut check = Check::default();
    walk(value, of, ("", kind), &mut check);
    check.unknown.sort();
    check
}

/// `place` is the declared field the value is in: what a decoder can name.
fn walk(value: &mut Value, of: &'static Type, (path, place): (&str, &str), check: &mut Check) {
    if check.mismatch.is_none()
        && let Some((found, wanted)) = mismatch(value, of)
    {
        let text = format!("json: cannot unmarshal {found} into Go struct field {place} of type {wanted}");
        check.mismatch = Some(text);
    }
    match value {
        Value::Object(fields) => {
            let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if of.as_struct().is_some() {
                fields.retain(|name, _| {
                    let known = of.child(name).is_some();
                    if !known {
                        check.unknown.push(below(name));
                    }
                    known
                });
            }
            for (name, child) in fields.iter_mut() {
                let declared = of.as_struct().map(|_| format!("{place}.{name}"));
                let at = (below(name), declared.as_deref().unwrap_or(place));
                walk(child, of.child(name).unwrap_or(&ANY), (&at.0, at.1), check);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, of.item(), (&format!("{path}[{index}]"), place), check);
            }
        }
        _ => {}
    }
}

fn mismatch(value: &Value, of: &Type) -> Option<(&'static str, &'static str)> {
    let found = match value {
        Value::Null => return None,
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let wanted = match of {
        Type::Text(_) if found != "string" => "string",
        Type::Number { .. } if found != "number" => "int32",
        Type::Boolean if found != "bool" => "bool",
        Type::Struct(_) if found != "object" => "struct",
        Type::Map { .. } if found != "object" => "map[string]string",
        Type::List { .. } if found != "array" => "slice",
        // Times, amounts, and ports that may be names: none is true or false.
        Type::Scalar | Type::Quantity if matches!(found, "array" | "object" | "bool") => "scalar",
        _ => return None,
    };
    Some((found, wanted))
}

/// Why a document cannot be applied, as the typed merge words it.
pub fn typed_error(value: &Value, of: &'static Type) -> Option<String> {
    let mut errors = Vec::new();
    typed_walk(value, of, "", &mut errors);
    match errors.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("errors:\n  {}", many.join("\n  "))),
    }
}

fn typed_walk(value: &Value, of: &'static Type, path: &str, errors: &mut Vec<String>) {
    // To the merge any scalar is one; only the decoder knows better.
    if let Some((_, wanted)) = mismatch(value, of).filter(|found| *found != ("bool", "scalar")) {
        let wanted = match wanted {
            "int32" => "numeric",
            "bool" => "boolean",
            "struct" | "map[string]string" => "map",
            "slice" => "list",
            other => other,
        };
        errors.push(format!("{path}: expected {wanted}, got &value.valueUnstructured{{Value:{value}}}"));
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, child) in fields {
                let path = format!("{path}.{name}");
                match of.child(name) {
                    Some(of) => typed_walk(child, of, &path, errors),
                    None if of.as_struct().is_some() => {
                        errors.push(format!("{path}: field not declared in schema"))
                    }
                    None => {}
                }
            }
        }
        Value::Array(items) => typed_list(items, of, path, errors),
        _ => {}
    }
}

fn typed_list(items: &[Value], of: &'static Type, path: &str, errors: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let step = step_to(item, of);
        match &step {
            Some(step) if !seen.insert(step.clone()) => {
                errors.push(format!("{path}: duplicate entries for key {step}"));
            }
            None if is_associative(of) => {
                errors.push(format!("{path}: element {index}: {}", missing_key(item, of)));
            }
            _ => {}
        }
        let path = step.map_or_else(|| format!("{path}[{index}]"), |step| format!("{path}{step}"));
        typed_walk(item, of.item(), &path, errors);
    }
}

fn missing_key(item: &Value, of: &Type) -> String {
    let keys = match of {
        Type::List { topology: super::Topology::Keys(keys), .. } => keys.as_slice(),
        _ => &[],
    };
    let key = keys.iter().find(|key| item.get(key.as_str()).is_none()).map_or("", String::as_str);
    format!(
        "associative list with keys has an element that omits key field {key:?} (and doesn't have default value)"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::embedded::kubernetes::schema::root;

    #[test]
    fn unknown_fields_are_named_and_dropped() {
        let mut object = json!({"metadata": {"name": "a", "foo": 1}, "data": {"any": "thing"}, "x": 1});
        let found = check("ConfigMap", &mut object, root("core.v1.ConfigMap"));
        assert_eq!(found.unknown, ["metadata.foo", "x"]);
        assert_eq!(object, json!({"metadata": {"name": "a"}, "data": {"any": "thing"}}));
    }
}
