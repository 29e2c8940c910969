//! Everything there is to say about one variable.

use std::fmt::Write as _;

use super::limits::{CHOICES, PATTERNS, RANGES};
use super::names::{ALIASES, canonical};
use super::shape::{self, Object, Shape};
use super::validate::{Decided, RULES, Rule};
use super::variable::{Convergence, Mutability, Risk, Variable};
use super::{VARIABLES, defaults};

/// What there is to say about a variable.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Its row.
    pub variable: &'static Variable,
    /// Other names of it.
    pub aliases: Vec<&'static str>,
    /// What its value looks like, in words.
    pub shape: String,
    /// Its default, as one would write it.
    pub default: String,
    /// Limits its value keeps.
    pub limits: Vec<String>,
    /// Rules and pitfalls that mention it.
    pub rules: Vec<&'static Rule>,
    /// Fields of its objects: path, shape, meaning.
    pub fields: Vec<(String, String, String)>,
}

/// Explains a variable by its name or another name of it.
pub fn explain(name: &str) -> Option<Explanation> {
    let name = canonical(name)?;
    let variable = VARIABLES.iter().find(|variable| variable.name == name)?;
    let shape = shape::of(name)?;
    let mut fields = vec![];
    fields_of(shape, "", &mut fields);
    Some(Explanation {
        variable,
        aliases: ALIASES.iter().filter(|(_, meant)| *meant == name).map(|(alias, _)| *alias).collect(),
        shape: shape.name(),
        default: default_text(name),
        limits: limits(name),
        rules: RULES.iter().filter(|rule| rule.variables.contains(&name)).collect(),
        fields,
    })
}

/// A variable's default as one would write it in YAML.
pub fn default_text(name: &str) -> String {
    match defaults::spec().get(name) {
        Some(serde_json::Value::Object(fields)) => {
            let given = fields.into_iter().filter(|(_, value)| !value.is_null()).collect();
            serde_json::Value::Object(given).to_string()
        }
        Some(serde_json::Value::Array(items)) => {
            let bare = items.into_iter().map(without_nulls).collect();
            serde_json::Value::Array(bare).to_string()
        }
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// How a variable may change, in words.
pub fn mutability(variable: &Variable) -> String {
    match variable.mutability {
        Mutability::Mutable => "at any time".to_owned(),
        Mutability::Immutable(why) => format!("never: {why}"),
        Mutability::Guarded(why) => format!("when acknowledged: {why}"),
    }
}

/// What a wrong value costs, in words.
pub fn risk(variable: &Variable) -> &'static str {
    match variable.risk {
        Risk::Low => "low",
        Risk::Medium => "medium: degraded function or higher cost",
        Risk::High => "high: service unavailable or badly degraded",
        Risk::Critical => "critical: loss of data, outage or a breach",
    }
}

/// What is made of a variable, in words.
pub fn convergence(variable: &Variable) -> &'static str {
    match variable.convergence {
        Convergence::Converged => "made so and kept so",
        Convergence::NotConverged => "read and checked; NOTHING IS MADE OF IT YET",
        Convergence::NoEffect => "accepted without effect",
    }
}

impl Explanation {
    /// The explanation as plain text.
    pub fn text(&self) -> String {
        let variable = self.variable;
        let mut text = format!("{}\n  {}\n\n", variable.name, variable.description);
        let mut line = |label: &str, value: &str| {
            if !value.is_empty() {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  {label:<13}{value}");
            }
        };
        line("type", &self.shape);
        line("default", &self.default);
        line("also called", &self.aliases.join(", "));
        line("drives", variable.slice.name());
        line("may change", &mutability(variable));
        line("if wrong", risk(variable));
        line("is", convergence(variable));
        for limit in &self.limits {
            line("must be", limit);
        }
        if !self.fields.is_empty() {
            text.push_str("\n  Fields:\n");
        }
        for (path, shape, about) in &self.fields {
            let _ = writeln!(text, "    {path:<32} {shape}. {about}");
        }
        if !self.rules.is_empty() {
            text.push_str("\n  Rules:\n");
        }
        for rule in &self.rules {
            let _ = writeln!(text, "    {:<6} {}{}", rule.id, rule.summary, decided(rule));
        }
        text
    }
}

fn decided(rule: &Rule) -> String {
    match rule.decided {
        Decided::Admission => String::new(),
        Decided::Change => " (when the spec changes)".to_owned(),
        Decided::Runtime => " (seen while converging)".to_owned(),
        Decided::Under(rules) => format!(" (see {})", rules.join(", ")),
    }
}

fn limits(name: &str) -> Vec<String> {
    let choices =
        CHOICES.iter().filter(|choice| super::finding::variable_of(choice.path) == name).map(|choice| {
            let field = choice.path.get(name.len()..).unwrap_or_default().trim_start_matches(['[', ']', '.']);
            let values = choice.values.join(", ");
            if field.is_empty() { format!("one of {values}") } else { format!("{field}: one of {values}") }
        });
    let patterns =
        PATTERNS.iter().filter(|pattern| pattern.variable == name).map(|pattern| pattern.words.to_owned());
    let ranges = RANGES.iter().filter(|range| range.variable == name).map(|range| match range.max {
        i64::MAX => format!("{} or more", range.min),
        max => format!("{} to {max}", range.min),
    });
    choices.chain(patterns).chain(ranges).collect()
}

fn fields_of(shape: &Shape, path: &str, fields: &mut Vec<(String, String, String)>) {
    match shape {
        Shape::List(item) => fields_of(item, &format!("{path}[]"), fields),
        Shape::Map(value) if matches!(**value, Shape::Object(_)) => {
            fields_of(value, &format!("{path}.*"), fields)
        }
        Shape::Object(object) => fields_of_object(object, path, fields),
        _ => {}
    }
}

fn fields_of_object(object: &Object, path: &str, fields: &mut Vec<(String, String, String)>) {
    for field in &object.fields {
        let here = format!("{path}.{}", field.name);
        let here = here.trim_start_matches('.').to_owned();
        let need = if field.required { ", required" } else { "" };
        fields.push((here.clone(), format!("{}{need}", field.shape.name()), field.about.clone()));
        fields_of(&field.shape, &here, fields);
    }
}

fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(fields) => {
            fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_can_be_explained() {
        for variable in VARIABLES {
            let text = explain(variable.name).unwrap().text();
            assert!(text.contains(variable.description), "{text}");
            assert!(text.contains("may change"), "{text}");
        }
    }

    #[test]
    fn an_alias_explains_its_variable_with_fields_limits_and_rules() {
        assert_eq!(explain("tenant_id").unwrap().variable.name, "tenant_deployment_id");
        let jobs = explain("cron_jobs").unwrap().text();
        assert!(jobs.contains("[].schedule"), "{jobs}");
        assert!(jobs.contains("one of Forbid, Allow, Replace"), "{jobs}");
        let nfs = explain("enable_nfs").unwrap();
        assert!(nfs.rules.iter().any(|rule| rule.id == "P-02b"));
        assert!(explain("nothing").is_none());
    }
}
