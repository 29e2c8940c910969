//! Limits that one value keeps by itself: enumerations, patterns, ranges. The limits are data
//! (`limits.rs`), because the JSON schema says them too.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{error, when};
use crate::spec::Spec;
use crate::spec::finding::{Finding, variable_of};
use crate::spec::limits::{CHOICES, PATTERNS, Pattern, RANGES};
use crate::spec::names;
use crate::spec::parse::Given;

/// Every pattern with its compiled form.
static COMPILED: LazyLock<Vec<(&'static Pattern, Option<Regex>)>> =
    LazyLock::new(|| PATTERNS.iter().map(|pattern| (pattern, Regex::new(pattern.pattern).ok())).collect());

/// V-01: the project is named, and in the form Google gives project ids.
pub(super) fn project(spec: &Spec, _: &Given) -> Vec<Finding> {
    if spec.project_id.is_empty() {
        return vec![
            error("project_id")
                .message("`project_id` is missing")
                .help("Say which Google Cloud project to use: project_id: my-project"),
        ];
    }
    patterns("V-01", spec)
}

/// V-02: the tenant fits into names.
pub(super) fn tenant(spec: &Spec, _: &Given) -> Vec<Finding> {
    patterns("V-02", spec)
}

/// V-03: the application's name fits into names.
pub(super) fn application(spec: &Spec, _: &Given) -> Vec<Finding> {
    patterns("V-03", spec)
}

/// V-04: database and role names are plain PostgreSQL identifiers.
pub(super) fn database_names(spec: &Spec, _: &Given) -> Vec<Finding> {
    patterns("V-04", spec)
}

/// V-29: the repository is one on GitHub.
pub(super) fn repository(spec: &Spec, _: &Given) -> Vec<Finding> {
    patterns("V-29", spec)
}

/// D-25: the deployment id fits into names.
pub(super) fn deployment_id(spec: &Spec, _: &Given) -> Vec<Finding> {
    patterns("D-25", spec)
}

/// V-06: ports are ports.
pub(super) fn ports(spec: &Spec, _: &Given) -> Vec<Finding> {
    ranges("V-06", spec)
}

/// V-07: time limits stay within an hour.
pub(super) fn time_limits(spec: &Spec, _: &Given) -> Vec<Finding> {
    ranges("V-07", spec)
}

/// V-08: a generated password is long enough to be safe and short enough to be accepted.
pub(super) fn password_length(spec: &Spec, _: &Given) -> Vec<Finding> {
    ranges("V-08", spec)
}

/// V-09: the module's bounds of its sleep, kept so that its files stay portable.
pub(super) fn propagation_delay(spec: &Spec, _: &Given) -> Vec<Finding> {
    ranges("V-09", spec)
}

/// V-14: a group id is not negative.
pub(super) fn fs_group(spec: &Spec, _: &Given) -> Vec<Finding> {
    ranges("V-14", spec)
}

/// V-11: enumerations of the variables.
pub(super) fn choices(spec: &Spec, _: &Given) -> Vec<Finding> {
    choices_of("V-11", spec)
}

/// V-44: enumerations inside objects.
pub(super) fn nested_choices(spec: &Spec, _: &Given) -> Vec<Finding> {
    choices_of("V-44", spec)
}

/// D-26: what happens when the spec is withdrawn.
pub(super) fn deletion_policy(spec: &Spec, _: &Given) -> Vec<Finding> {
    choices_of("D-26", spec)
}

/// D-40: how images are followed.
pub(super) fn image_policy(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut found = choices_of("D-40", spec);
    let trigger = spec.image_policy.build_trigger.as_deref();
    let fits = trigger.is_none_or(|name| crate::images::build::Trigger::parse(name).is_some());
    found.extend(when(!fits, || {
        error("image_policy.build_trigger")
            .message("`image_policy.build_trigger` is no full name of a trigger")
            .help("Write projects/PROJECT/locations/LOCATION/triggers/ID; `gcloud builds triggers list` shows the id.")
    }));
    found
}

/// The patterns of one rule.
pub(super) fn patterns(rule: &str, spec: &Spec) -> Vec<Finding> {
    let mine = COMPILED.iter().filter(|(pattern, _)| pattern.rule == rule);
    mine.flat_map(|(pattern, regex)| {
        let value = spec.get(pattern.variable);
        let text = value.as_ref().and_then(Value::as_str).unwrap_or_default();
        let fits =
            (pattern.or_empty && text.is_empty()) || regex.as_ref().is_some_and(|regex| regex.is_match(text));
        when(!fits, || {
            error(pattern.variable)
                .message(format!("`{}` is \"{text}\", which does not fit into names", pattern.variable))
                .help(format!("Write {}.", pattern.words))
        })
    })
    .collect()
}

/// The ranges of one rule.
pub(super) fn ranges(rule: &str, spec: &Spec) -> Vec<Finding> {
    let mine = RANGES.iter().filter(|range| range.rule == rule);
    mine.flat_map(|range| {
        let value = spec.get(range.variable).and_then(|value| value.as_i64()).unwrap_or(range.min);
        when(!(range.min..=range.max).contains(&value), || {
            let help = match range.max {
                i64::MAX => format!("Write {} or more.", range.min),
                max => format!("Write a number from {} to {max}.", range.min),
            };
            error(range.variable).message(format!("`{}` is {value}", range.variable)).help(help)
        })
    })
    .collect()
}

fn choices_of(rule: &str, spec: &Spec) -> Vec<Finding> {
    let mut found = vec![];
    for choice in CHOICES.iter().filter(|choice| choice.rule == rule) {
        let variable = variable_of(choice.path);
        let rest = choice.path.get(variable.len()..).unwrap_or_default();
        let Some(value) = spec.get(variable) else { continue };
        for (path, text) in texts(&value, rest, variable.to_owned()) {
            if !choice.values.contains(&text.as_str()) {
                found.push(not_a_choice(path, &text, choice.values));
            }
        }
    }
    found
}

fn not_a_choice(path: String, text: &str, values: &[&str]) -> Finding {
    let close = values.iter().find(|value| value.eq_ignore_ascii_case(text)).copied();
    let near = close.or_else(|| names::nearest(text, values.iter().copied()));
    let all = values.join(", ");
    let help = match near {
        Some(near) => format!("Did you mean \"{near}\"? Known: {all}."),
        None => format!("Write one of: {all}."),
    };
    error(path.clone()).message(format!("`{path}` cannot be \"{text}\"")).help(help)
}

/// The texts at a path such as `[].lifecycle_rules[].action.type`; what is not there is not there.
fn texts(value: &Value, rest: &str, path: String) -> Vec<(String, String)> {
    if let Some(rest) = rest.strip_prefix("[]") {
        let items = value.as_array().into_iter().flatten().enumerate();
        return items.flat_map(|(index, item)| texts(item, rest, format!("{path}[{index}]"))).collect();
    }
    if let Some(rest) = rest.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        return value.get(name).map(|value| texts(value, rest, format!("{path}.{name}"))).unwrap_or_default();
    }
    value.as_str().map(|text| vec![(path, text.to_owned())]).unwrap_or_default()
}
