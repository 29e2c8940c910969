//! What a variable's value looks like, read off the Rust types through their JSON schema.
//!
//! The reader checks a document against these shapes itself, so that every wrong value is found at
//! once, each at its place, in words that say what was expected.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::Spec;

/// What a value looks like.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Text.
    Text,
    /// Text that is never shown.
    Secret,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds, both included.
    Whole(i64, i64),
    /// Any number.
    Real,
    /// A whole number or a percentage.
    Count,
    /// A list of one shape.
    List(Box<Shape>),
    /// A map from names to one shape.
    Map(Box<Shape>),
    /// An object with known fields.
    Object(Object),
    /// Whatever the API behind it takes.
    Any,
}

/// An object with known fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its fields, by name.
    pub fields: Vec<Field>,
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// Whether it must be given.
    pub required: bool,
    /// What its value looks like.
    pub shape: Shape,
}

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(Spec).to_value());

static SHAPES: LazyLock<BTreeMap<String, Shape>> = LazyLock::new(|| {
    let properties = SCHEMA.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.clone(), shape(schema))).collect()
});

/// The shape of a variable.
pub fn of(variable: &str) -> Option<&'static Shape> {
    SHAPES.get(variable)
}

/// The schema that the types give by themselves.
pub(super) fn raw_schema() -> &'static Value {
    &SCHEMA
}

impl Shape {
    /// The shape's name for people, as in "expected …".
    pub fn name(&self) -> String {
        match self {
            Shape::Text | Shape::Secret => "text".into(),
            Shape::Bool => "true or false".into(),
            Shape::Whole(0, max) if *max >= i64::from(u32::MAX) => "a whole number, 0 or more".into(),
            Shape::Whole(min, max) if *min > i64::MIN && *max < i64::MAX => {
                format!("a whole number from {min} to {max}")
            }
            Shape::Whole(..) => "a whole number".into(),
            Shape::Real => "a number".into(),
            Shape::Count => "a whole number or a percentage such as \"50%\"".into(),
            Shape::List(item) => format!("a list ({})", item.noun()),
            Shape::Map(value) => format!("a map from names to {}", value.noun()),
            Shape::Object(_) => "an object".into(),
            Shape::Any => "any value".into(),
        }
    }

    /// How one writes it.
    pub fn example(&self) -> String {
        match self {
            Shape::Text | Shape::Secret => "Write the text, in quotes if in doubt.".into(),
            Shape::Bool => "Write true or false, without quotes.".into(),
            Shape::Whole(..) | Shape::Real => "Write the number in digits, without a unit.".into(),
            Shape::Count => "Write 1 or \"50%\".".into(),
            Shape::List(_) => "Write a list: [first, second].".into(),
            Shape::Map(_) => "Write a map: {NAME: value}.".into(),
            Shape::Object(object) => format!("Write an object: {{{}}}.", object.sketch()),
            Shape::Any => String::new(),
        }
    }

    /// Whether any part of a value of this shape is secret.
    pub fn holds_secret(&self) -> bool {
        match self {
            Shape::Secret => true,
            Shape::List(inner) | Shape::Map(inner) => inner.holds_secret(),
            Shape::Object(object) => object.fields.iter().any(|field| field.shape.holds_secret()),
            _ => false,
        }
    }

    fn noun(&self) -> String {
        match self {
            Shape::Object(_) => "objects".into(),
            Shape::Text | Shape::Secret => "text".into(),
            other => other.name(),
        }
    }
}

impl Object {
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The required fields, then a few of the others.
    fn sketch(&self) -> String {
        let required = self.fields.iter().filter(|field| field.required).map(|field| field.name.clone());
        let optional =
            self.fields.iter().filter(|field| !field.required).map(|field| format!("{}?", field.name));
        let names: Vec<_> = required.chain(optional).take(5).collect();
        names.join(", ") + if self.fields.len() > 5 { ", …" } else { "" }
    }
}

fn shape(schema: &Value) -> Shape {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return match name {
            "Sensitive" => Shape::Secret,
            "IntOrPercent" => Shape::Count,
            other => SCHEMA.pointer(&format!("/$defs/{other}")).map_or(Shape::Any, shape),
        };
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        return choices.iter().find(|choice| !is_null(choice)).map_or(Shape::Any, shape);
    }
    match type_name(schema) {
        Some("string") => Shape::Text,
        Some("boolean") => Shape::Bool,
        Some("number") => Shape::Real,
        Some("integer") => whole(schema),
        Some("array") => Shape::List(Box::new(schema.get("items").map_or(Shape::Any, shape))),
        Some("object") => object(schema),
        _ => Shape::Any,
    }
}

fn object(schema: &Value) -> Shape {
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        let required = |name: &str| {
            let names = schema.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|known| known == name))
        };
        let fields = fields.iter().map(|(name, field)| Field {
            name: name.clone(),
            about: field.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
            required: required(name),
            shape: shape(field),
        });
        return Shape::Object(Object { fields: fields.collect() });
    }
    Shape::Map(Box::new(schema.get("additionalProperties").map_or(Shape::Any, shape)))
}

fn whole(schema: &Value) -> Shape {
    match schema.get("format").and_then(Value::as_str) {
        Some("uint16") => Shape::Whole(0, i64::from(u16::MAX)),
        Some("uint32") => Shape::Whole(0, i64::from(u32::MAX)),
        Some("uint64") => Shape::Whole(0, i64::MAX),
        _ => Shape::Whole(i64::MIN, i64::MAX),
    }
}

/// The type that is not `null`.
fn type_name(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::VARIABLES;

    #[test]
    fn every_variable_has_a_shape_of_its_own() {
        for variable in VARIABLES {
            let shape = of(variable.name).unwrap();
            assert_ne!(*shape, Shape::Any, "{}", variable.name);
        }
    }

    #[test]
    fn shapes_follow_the_types() {
        assert_eq!(of("container_port"), Some(&Shape::Whole(0, 65535)));
        assert_eq!(of("workload_type"), Some(&Shape::Text));
        assert_eq!(of("pdb_min_available"), Some(&Shape::Count));
        assert_eq!(of("explicit_secret_values"), Some(&Shape::Map(Box::new(Shape::Secret))));
        let Some(Shape::List(job)) = of("initialization_jobs") else { panic!("a list") };
        let Shape::Object(job) = job.as_ref() else { panic!("an object") };
        assert!(job.field("name").unwrap().required);
        assert!(!job.field("timeout_seconds").unwrap().required);
    }

    #[test]
    fn secrets_are_known_by_their_type() {
        let secret: Vec<_> = VARIABLES
            .iter()
            .filter(|variable| of(variable.name).unwrap().holds_secret())
            .map(|variable| variable.name)
            .collect();
        assert_eq!(
            secret,
            [
                "explicit_secret_values",
                "github_token",
                "iap_oauth_client_id",
                "iap_oauth_client_secret",
                "redis_auth"
            ]
        );
    }
}
