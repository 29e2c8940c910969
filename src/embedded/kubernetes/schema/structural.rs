//! What a CRD's schema does to a document: defaults, and refusals.

use serde_json::{Map, Value};

use super::{ANY, Type};
use crate::embedded::kubernetes::failure::Cause;

/// Fills in what the schema gives a default for.
pub fn apply_defaults(value: &mut Value, of: &'static Type) {
    match value {
        Value::Object(fields) => {
            fill(fields, of);
            for (name, child) in fields.iter_mut() {
                apply_defaults(child, of.child(name).unwrap_or(&ANY));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| apply_defaults(item, of.item())),
        _ => {}
    }
}

fn fill(fields: &mut Map<String, Value>, of: &'static Type) {
    let declared = of.as_struct().map(|declared| &declared.fields);
    for (name, field) in declared.into_iter().flatten() {
        if let Some(default) = &field.default
            && fields.get(*name).is_none_or(Value::is_null)
        {
            fields.insert((*name).to_owned(), default.clone());
        }
    }
}

/// Why the schema refuses a document; empty if it does not.
pub fn violations(value: &Value, of: &'static Type) -> Vec<Cause> {
    let mut causes = Vec::new();
    walk(value, of, "", &mut causes);
    // The rules between fields are left alone where the fields themselves are wrong.
    if causes.iter().any(|cause| cause.reason != "FieldValueInvalid") {
        let rest = "some validation rules were not checked because the object was invalid; correct the existing \
                    errors to complete validation";
        causes.push(Cause::invalid("<nil>", &Value::String("null".to_owned()), rest));
    }
    causes
}

fn walk(value: &Value, of: &'static Type, path: &str, causes: &mut Vec<Cause>) {
    if let Some(wanted) = wanted(value, of) {
        let found = Value::String(name_of(value).to_owned());
        causes.push(Cause {
            reason: "FieldValueTypeInvalid",
            field: path.to_owned(),
            message: format!("Invalid value: {found}: {path} in body must be of type {wanted}: {found}"),
        });
        return;
    }
    match (value, of) {
        (Value::String(text), Type::Text(allowed)) if !allowed.is_empty() && !allowed.contains(text) => {
            causes.push(Cause::unsupported(path, text, allowed));
        }
        (Value::Number(number), Type::Number { least, most }) => {
            let number = number.as_f64().unwrap_or_default();
            let mut bound = |word: &str, bound: i64| {
                let why = format!("{path} in body should be {word} than or equal to {bound}");
                causes.push(Cause::invalid(path, value, &why));
            };
            if let Some(least) = least.filter(|least| number < *least as f64) {
                bound("greater", least);
            }
            if let Some(most) = most.filter(|most| number > *most as f64) {
                bound("less", most);
            }
        }
        (Value::Object(fields), _) => {
            let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            for (name, child) in
                fields.iter().filter(|(name, _)| path.is_empty().then_some("metadata") != Some(*name))
            {
                walk(child, of.child(name).unwrap_or(&ANY), &below(name), causes);
            }
            for (name, field) in of.as_struct().into_iter().flat_map(|declared| &declared.fields) {
                if field.required && !fields.contains_key(*name) {
                    causes.push(Cause::required(&below(name), ""));
                }
            }
        }
        (Value::Array(items), _) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, of.item(), &format!("{path}[{index}]"), causes);
            }
        }
        _ => {}
    }
}

/// The JSON type wanted instead, if the value has another.
fn wanted(value: &Value, of: &Type) -> Option<&'static str> {
    match (of, value) {
        (_, Value::Null) | (Type::Any, _) => None,
        (Type::Text(_), Value::String(_))
        | (Type::Boolean, Value::Bool(_))
        | (Type::Number { .. }, Value::Number(_)) => None,
        (Type::Struct(_) | Type::Map { .. }, Value::Object(_)) | (Type::List { .. }, Value::Array(_)) => None,
        (Type::Scalar | Type::Quantity, _) => None,
        (Type::Text(_), _) => Some("string"),
        (Type::Number { .. }, _) => Some("integer"),
        (Type::Boolean, _) => Some("boolean"),
        (Type::Struct(_) | Type::Map { .. }, _) => Some("object"),
        (Type::List { .. }, _) => Some("array"),
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
