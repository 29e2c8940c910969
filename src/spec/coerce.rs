//! From a document's values to those of a shape, with everything that does not fit.
//!
//! Harmless differences are mended without a word: a number where text is asked keeps the digits it was
//! written with, text that is exactly a number or `true` counts as one. Nothing else is guessed.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::conceal;
use super::document::{Entry, Kind, Node};
use super::finding::{Finding, Severity, Span};
use super::names;
use super::shape::{Object, Shape};

/// Turns a value into that of a shape; what does not fit is added to the findings.
pub(super) fn value(node: &Node, shape: &Shape, path: &str, findings: &mut Vec<Finding>) -> Option<Value> {
    match (shape, &node.kind) {
        (Shape::Any, _) => Some(as_written(node)),
        (Shape::List(item), Kind::List(nodes)) => list(nodes, item, path, findings),
        (Shape::Map(inner), Kind::Map(entries)) => map(entries, inner, path, findings),
        (Shape::Object(object), Kind::Map(entries)) => fields(entries, object, node.span, path, findings),
        (_, kind) => {
            let fitting = scalar(kind, shape);
            if fitting.is_none() {
                findings.push(wrong_type(node, shape, path));
            }
            fitting
        }
    }
}

fn list(nodes: &[Node], item: &Shape, path: &str, findings: &mut Vec<Finding>) -> Option<Value> {
    let values: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| value(node, item, &format!("{path}[{index}]"), findings))
        .collect();
    values.into_iter().collect::<Option<Vec<_>>>().map(Value::Array)
}

fn map(entries: &[Entry], inner: &Shape, path: &str, findings: &mut Vec<Finding>) -> Option<Value> {
    let mut values = Map::new();
    let mut complete = true;
    for entry in entries {
        match value(&entry.value, inner, &format!("{path}.{}", entry.name), findings) {
            Some(value) => drop(values.insert(entry.name.clone(), value)),
            None => complete = false,
        }
    }
    complete.then_some(Value::Object(values))
}

fn fields(
    entries: &[Entry],
    object: &Object,
    span: Span,
    path: &str,
    findings: &mut Vec<Finding>,
) -> Option<Value> {
    let mut values = Map::new();
    let mut complete = true;
    let mut seen = BTreeSet::new();
    for entry in entries {
        let here = format!("{path}.{}", entry.name);
        let Some(field) = object.field(&entry.name) else {
            findings.push(unknown_field(entry, object, here));
            complete = false;
            continue;
        };
        if entry.value.kind == Kind::Null && !field.required {
            continue;
        }
        seen.insert(entry.name.as_str());
        match value(&entry.value, &field.shape, &here, findings) {
            Some(value) => drop(values.insert(entry.name.clone(), value)),
            None => complete = false,
        }
    }
    let missing: Vec<_> = object
        .fields
        .iter()
        .filter(|field| field.required && !seen.contains(field.name.as_str()))
        .map(|field| format!("`{}`", field.name))
        .collect();
    if !missing.is_empty() {
        let place = entries.first().map_or(span, |entry| entry.name_span);
        findings.push(
            Finding::new("type", Severity::Error, path)
                .message(format!("{} is missing in `{path}`", missing.join(" and ")))
                .at(place)
                .help("Add it; the other fields may stay out."),
        );
        complete = false;
    }
    complete.then_some(Value::Object(values))
}

fn scalar(kind: &Kind, shape: &Shape) -> Option<Value> {
    match shape {
        Shape::Text | Shape::Secret => match kind {
            Kind::Text(text) | Kind::Number(text) => Some(Value::String(text.clone())),
            Kind::Bool(value) => Some(Value::String(value.to_string())),
            _ => None,
        },
        Shape::Bool => match kind {
            Kind::Bool(value) => Some(Value::Bool(*value)),
            Kind::Text(text) if text == "true" || text == "false" => Some(Value::Bool(text == "true")),
            _ => None,
        },
        Shape::Whole(min, max) => {
            let number = whole(kind)?;
            (*min..=*max).contains(&number).then(|| Value::from(number))
        }
        Shape::Real => match kind {
            Kind::Number(text) | Kind::Text(text) => {
                text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
            }
            _ => None,
        },
        Shape::Count => match (whole(kind), kind) {
            (Some(number), _) if (0..=i64::from(u32::MAX)).contains(&number) => Some(Value::from(number)),
            (None, Kind::Text(text)) => is_percentage(text).then(|| Value::String(text.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number, also as text when it is written as the number would be, and also `3.0`.
fn whole(kind: &Kind) -> Option<i64> {
    match kind {
        Kind::Number(text) => {
            let text = text.strip_suffix(".0").unwrap_or(text);
            text.strip_prefix('+').unwrap_or(text).parse().ok()
        }
        Kind::Text(text) => text.parse::<i64>().ok().filter(|number| number.to_string() == *text),
        _ => None,
    }
}

fn is_percentage(text: &str) -> bool {
    text.strip_suffix('%').and_then(|digits| digits.parse::<u8>().ok()).is_some_and(|percent| percent <= 100)
}

fn wrong_type(node: &Node, shape: &Shape, path: &str) -> Finding {
    let secret = *shape == Shape::Secret || conceal::hides(path, node);
    let found = match &node.kind {
        Kind::Number(text) if !secret => format!("the number {text}"),
        Kind::Bool(value) if !secret => format!("{value}"),
        Kind::Text(text) if !secret && text.chars().count() <= 40 => format!("the text \"{text}\""),
        other => other.name().to_owned(),
    };
    let finding = Finding::new("type", Severity::Error, path)
        .message(format!("`{path}` must be {}, not {found}", shape.name()))
        .at(node.span)
        .help(advice(&node.kind, shape));
    if secret { finding.conceal() } else { finding }
}

fn advice(kind: &Kind, shape: &Shape) -> String {
    match (shape, kind) {
        (Shape::Bool, Kind::Text(text)) if ["yes", "on", "y"].contains(&text.to_lowercase().as_str()) => {
            "Write true.".into()
        }
        (Shape::Bool, Kind::Text(text)) if ["no", "off", "n"].contains(&text.to_lowercase().as_str()) => {
            "Write false.".into()
        }
        (Shape::List(item), Kind::Text(text))
            if **item == Shape::Text && !conceal::value_looks_secret(text) =>
        {
            format!("Write a list: [\"{text}\"].")
        }
        (_, Kind::Null) => format!("{} Leave the name out to get the default.", shape.example()),
        _ => shape.example(),
    }
}

fn unknown_field(entry: &Entry, object: &Object, path: String) -> Finding {
    let known = || object.fields.iter().map(|field| field.name.as_str());
    let help = match names::nearest(&entry.name, known()) {
        Some(name) => format!("Did you mean `{name}`?"),
        None => format!("Known here: {}.", known().collect::<Vec<_>>().join(", ")),
    };
    Finding::new("unknown", Severity::Error, path)
        .message(format!("there is no field `{}` here", entry.name))
        .at(entry.name_span)
        .help(help)
}

fn as_written(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
        Kind::Text(text) => Value::String(text.clone()),
        Kind::List(nodes) => Value::Array(nodes.iter().map(as_written).collect()),
        Kind::Map(entries) => Value::Object(
            entries.iter().map(|entry| (entry.name.clone(), as_written(&entry.value))).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_differences_are_mended() {
        let number = |text: &str| Kind::Number(text.into());
        let text = |text: &str| Kind::Text(text.into());
        assert_eq!(scalar(&number("1.10"), &Shape::Text), Some("1.10".into()));
        assert_eq!(scalar(&Kind::Bool(true), &Shape::Text), Some("true".into()));
        assert_eq!(scalar(&text("7"), &Shape::Whole(0, 9)), Some(7.into()));
        assert_eq!(scalar(&number("3.0"), &Shape::Whole(0, 9)), Some(3.into()));
        assert_eq!(scalar(&text("1"), &Shape::Count), Some(1.into()));
        assert_eq!(scalar(&text("50%"), &Shape::Count), Some("50%".into()));
        assert_eq!(scalar(&text("false"), &Shape::Bool), Some(false.into()));
    }

    #[test]
    fn nothing_else_is_guessed() {
        let text = |text: &str| Kind::Text(text.into());
        assert_eq!(scalar(&text("012"), &Shape::Whole(0, 99)), None);
        assert_eq!(scalar(&text("no"), &Shape::Bool), None);
        assert_eq!(scalar(&Kind::Number("1.5".into()), &Shape::Whole(0, 9)), None);
        assert_eq!(scalar(&Kind::Number("70000".into()), &Shape::Whole(0, 65535)), None);
        assert_eq!(scalar(&text("101%"), &Shape::Count), None);
        assert_eq!(scalar(&Kind::Null, &Shape::Text), None);
    }
}
