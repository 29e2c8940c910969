//! A body against a schema: fields that exist and may be sent, types, and enumerated values.

use serde_json::Value;

/// What is wrong with a body by a document's schema.
pub fn faults(document: &Value, schema: &Value, body: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    walk(document, schema, body, "", &mut faults);
    faults
}

fn walk(document: &Value, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &document["schemas"][name],
        None => schema,
    };
    if schema.is_null() {
        return faults.push(format!("{path}: there is no schema for it"));
    }
    let fits = match (schema["type"].as_str().unwrap_or("any"), value) {
        ("object", Value::Object(fields)) => {
            for (name, value) in fields {
                field(document, schema, name, value, path, faults);
            }
            true
        }
        ("array", Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                walk(document, &schema["items"], item, &format!("{path}/{index}"), faults);
            }
            true
        }
        ("string", Value::String(text)) => text_fits(schema, text),
        ("integer", Value::Number(number)) => number.is_i64() || number.is_u64(),
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) | ("any", _) => true,
        _ => false,
    };
    if !fits {
        faults.push(format!("{path}: {value} is not what {} takes", schema["type"]));
    }
}

fn field(document: &Value, schema: &Value, name: &str, value: &Value, path: &str, faults: &mut Vec<String>) {
    let here = format!("{path}/{name}");
    let known = schema["properties"].get(name);
    match known.or_else(|| schema.get("additionalProperties")) {
        None => faults.push(format!("{here}: there is no such field")),
        Some(schema) if is_output_only(schema) => faults.push(format!("{here}: it is output only")),
        Some(schema) => walk(document, schema, value, &here, faults),
    }
}

fn is_output_only(schema: &Value) -> bool {
    let described = schema["description"].as_str().unwrap_or_default().trim_start();
    schema["readOnly"] == true
        || described.starts_with("Output only")
        || described.starts_with("[Output Only]")
}

/// Text that the format and the enumeration allow; 64-bit numbers travel as text.
fn text_fits(schema: &Value, text: &str) -> bool {
    let known = schema["enum"].as_array().is_none_or(|known| known.iter().any(|value| value == text));
    let formed = match schema["format"].as_str() {
        Some("int64") => text.parse::<i64>().is_ok(),
        Some("uint64") => text.parse::<u64>().is_ok(),
        Some("google-duration") => text.strip_suffix('s').is_some_and(|secs| secs.parse::<f64>().is_ok()),
        _ => true,
    };
    known && formed
}
