//! The spec as a JSON Schema (draft 2020-12), for editors.
//!
//! It says no more than the reader itself would: a schema that refuses what is accepted would teach
//! people to ignore it. So text may be written as a number where the reader takes it.

use serde_json::{Map, Value, json};

use super::finding::variable_of;
use super::limits::{CHOICES, PATTERNS, RANGES};
use super::names::ALIASES;
use super::shape;
use super::variable::Convergence;
use super::{VARIABLES, defaults};

/// The schema.
pub fn json_schema() -> Value {
    let mut schema = shape::raw_schema().clone();
    loosen(&mut schema);
    limit(&mut schema);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        describe(properties);
        add_aliases(properties);
    }
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), json!("Dify deployment"));
        root.insert(
            "description".into(),
            json!("What a Dify deployment on GKE should be: every variable is optional but project_id."),
        );
        root.insert("required".into(), json!(["project_id"]));
        root.insert("additionalProperties".into(), json!(false));
    }
    schema
}

/// Lets text be written as a number or a yes, as the reader does.
fn loosen(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let kind = fields.get("type").cloned();
            match kind {
                Some(Value::String(kind)) if kind == "string" => {
                    fields.insert("type".into(), json!(["string", "number", "boolean"]));
                }
                Some(Value::Array(kinds)) if kinds.iter().any(|kind| kind == "string") => {
                    fields.insert("type".into(), json!(["string", "number", "boolean", "null"]));
                }
                Some(Value::String(kind)) if kind == "integer" || kind == "number" || kind == "boolean" => {
                    fields.insert("type".into(), json!([kind, "string"]));
                }
                _ => {}
            }
            fields.values_mut().for_each(loosen);
        }
        Value::Array(items) => items.iter_mut().for_each(loosen),
        _ => {}
    }
}

/// Adds enumerations, patterns and ranges.
fn limit(schema: &mut Value) {
    for choice in CHOICES {
        let nullable = |target: &Map<String, Value>| {
            target
                .get("type")
                .and_then(Value::as_array)
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
        };
        if let Some(target) = pointer_to(schema, choice.path).and_then(|pointer| schema.pointer_mut(&pointer))
            && let Some(target) = target.as_object_mut()
        {
            let mut values: Vec<Value> = choice.values.iter().map(|value| json!(value)).collect();
            if nullable(target) {
                values.push(Value::Null);
            }
            target.remove("type");
            target.insert("enum".into(), Value::Array(values));
        }
    }
    for pattern in PATTERNS {
        if let Some(target) = property(schema, pattern.variable) {
            let expression =
                if pattern.or_empty { format!("^$|{}", pattern.pattern) } else { pattern.pattern.to_owned() };
            target.insert("pattern".into(), json!(expression));
        }
    }
    for range in RANGES {
        if let Some(target) = property(schema, range.variable) {
            target.insert("minimum".into(), json!(range.min));
            if range.max < i64::MAX {
                target.insert("maximum".into(), json!(range.max));
            }
        }
    }
}

fn property<'a>(schema: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    schema.pointer_mut(&format!("/properties/{name}"))?.as_object_mut()
}

/// The place of a path such as `cron_jobs[].restart_policy` in the schema, references followed.
fn pointer_to(schema: &Value, path: &str) -> Option<String> {
    let variable = variable_of(path);
    let mut here = format!("/properties/{variable}");
    let mut rest = path.get(variable.len()..)?;
    while !rest.is_empty() {
        here = follow(schema, here)?;
        if let Some(after) = rest.strip_prefix("[]") {
            here.push_str("/items");
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            here = format!("{here}/properties/{}", &after[..end]);
            rest = &after[end..];
        }
    }
    schema.pointer(&here).map(|_| here)
}

fn follow(schema: &Value, here: String) -> Option<String> {
    let target = schema.pointer(&here)?;
    let choices = target.get("anyOf").and_then(Value::as_array);
    let reference = target
        .get("$ref")
        .or_else(|| choices?.iter().find_map(|choice| choice.get("$ref")))
        .and_then(Value::as_str);
    Some(reference.and_then(|reference| reference.strip_prefix('#')).map_or(here, str::to_owned))
}

/// Adds defaults, and marks what has no effect.
fn describe(properties: &mut Map<String, Value>) {
    for variable in VARIABLES {
        let Some(target) = properties.get_mut(variable.name).and_then(Value::as_object_mut) else { continue };
        if shape::of(variable.name).is_some_and(|shape| !shape.holds_secret()) {
            target.insert("default".into(), bare(defaults::spec().get(variable.name).unwrap_or_default()));
        } else {
            target.insert("writeOnly".into(), json!(true));
        }
        match variable.convergence {
            Convergence::Converged => {}
            Convergence::NotConverged => {
                target.insert("$comment".into(), json!("Read and checked; nothing is made of it yet."));
            }
            Convergence::NoEffect => {
                target.insert("deprecated".into(), json!(true));
            }
        }
    }
}

fn add_aliases(properties: &mut Map<String, Value>) {
    for (alias, variable) in ALIASES {
        if let Some(Value::Object(mut target)) = properties.get(*variable).cloned() {
            target.insert("description".into(), json!(format!("Another name of {variable}.")));
            target.insert("deprecated".into(), json!(true));
            properties.insert((*alias).to_owned(), Value::Object(target));
        }
    }
}

/// A default without the fields nobody set.
fn bare(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, bare(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(bare).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_every_variable_and_nothing_else() {
        let schema = json_schema();
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), VARIABLES.len() + ALIASES.len());
        assert_eq!(schema["additionalProperties"], json!(false));
        assert!(schema["$schema"].as_str().unwrap().contains("2020-12"));
        for definition in schema["$defs"].as_object().unwrap().values() {
            let object = definition.get("properties").is_some();
            assert!(!object || definition["additionalProperties"] == json!(false), "{definition}");
        }
    }

    #[test]
    fn every_limit_reaches_the_schema() {
        let schema = json_schema();
        for choice in CHOICES {
            let pointer = pointer_to(&schema, choice.path).unwrap_or_else(|| panic!("{}", choice.path));
            assert!(schema.pointer(&pointer).unwrap().get("enum").is_some(), "{}", choice.path);
        }
        assert_eq!(schema["properties"]["max_instance_count"]["maximum"], json!(1000));
        assert_eq!(schema["properties"]["tenant_id"]["pattern"], json!("^[a-z0-9-]{1,20}$"));
        assert_eq!(schema["properties"]["container_port"]["default"], json!(5001));
        assert!(schema["properties"]["redis_auth"].get("default").is_none());
    }
}
