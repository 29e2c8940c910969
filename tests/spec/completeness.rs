//! Nothing is missing: every variable of the module has a row, every rule of the analysis is in the table,
//! and the generated document is current.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dify_reconciler::spec::validate::RULES;
use dify_reconciler::spec::{Spec, VARIABLES, index};
use serde_json::Value;

/// Defaults that differ from the module's on purpose, with why.
const OWN_DEFAULTS: &[(&str, &str)] = &[
    ("application_version", "0.15 cannot run from stock images with a plugin daemon"),
    ("timeout_seconds", "300 s cuts off streams; it is even below Gunicorn's own 360"),
    ("container_image_source", "stock images need no build"),
    ("container_build_config", "stock images need no build"),
    ("cloud_sql_proxy_version", "pinned, and with the health endpoints a native side-car needs"),
    ("enable_network_segmentation", "policies are made from the endpoints that were resolved, so they fit"),
];

struct Row {
    stated: bool,
    name: String,
    group: u8,
    default: Option<Value>,
    written: Option<String>,
}

fn rows() -> Vec<Row> {
    let text = include_str!("seed-variables.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut cells = line.split('\t');
            let mut cell = || cells.next();
            Row {
                stated: cell() == Some("S"),
                name: cell().unwrap().to_owned(),
                group: cell().unwrap().parse().unwrap(),
                default: cell().filter(|text| *text != "-").map(|text| serde_json::from_str(text).unwrap()),
                written: cell().map(str::to_owned),
            }
        })
        .collect()
}

/// Whether everything in the expected value is in the other one; fields nobody states may be there too.
fn holds(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            expected.iter().all(|(name, value)| actual.get(name).is_some_and(|actual| holds(actual, value)))
        }
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len()
                && actual.iter().zip(expected).all(|(left, right)| holds(left, right))
        }
        _ => actual == expected,
    }
}

#[test]
fn every_variable_of_the_module_has_a_row() {
    let known: BTreeMap<_, _> = VARIABLES.iter().map(|variable| (variable.name, variable)).collect();
    let listed = rows();
    for row in &listed {
        let variable = known.get(row.name.as_str()).unwrap_or_else(|| panic!("{} has no row", row.name));
        assert_eq!(variable.group, row.group, "group of {}", row.name);
    }
    let names: BTreeSet<_> = listed.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), listed.len());
    for variable in VARIABLES.iter().filter(|variable| variable.group != 30) {
        assert!(
            names.contains(variable.name),
            "{} is not the module's; it belongs into group 30",
            variable.name
        );
    }
}

#[test]
fn defaults_are_the_modules_unless_there_is_a_reason() {
    let defaults = Spec::default();
    for row in rows() {
        let Some(expected) = row.default else { continue };
        let actual = defaults.get(&row.name).unwrap();
        let own = OWN_DEFAULTS.iter().any(|(name, _)| *name == row.name);
        assert_eq!(!holds(&actual, &expected), own, "{}: {actual} instead of {expected}", row.name);
    }
}

#[test]
fn the_list_is_what_the_modules_page_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/seed-dify-gke.txt");
    let Ok(page) = std::fs::read_to_string(&page) else {
        println!("skipped: the module's page is not here");
        return;
    };
    let stated: Vec<_> = rows().into_iter().filter(|row| row.stated).collect();
    let starts: Vec<_> = stated
        .iter()
        .map(|row| format!("{}{}{}", row.name, row.group, row.written.as_deref().unwrap()))
        .collect();
    for start in &starts {
        assert!(page.lines().any(|line| line.starts_with(start.as_str())), "the page has no row {start}");
    }
    // Rows of the page's tables: a name glued to a group number and a default.
    let row = regex::Regex::new(r#"^[a-z][a-z_]*[a-z]\d+('|"|\[|\{|true|false|null|\d)"#).unwrap();
    for line in page.lines().filter(|line| row.is_match(line)) {
        // This one is in the table of pitfalls, which has no group column.
        let known = line.starts_with("timeout_seconds300")
            || starts.iter().any(|start| line.starts_with(start.as_str()));
        assert!(known, "not in the list: {line}");
    }
}

#[test]
fn every_rule_of_the_analysis_is_in_the_table() {
    let ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    let unique: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id is there twice");
    let validations = (1..=48).map(|number| format!("V-{number:02}"));
    let pitfalls = (1..=68).map(|number| format!("P-{number:02}"));
    let expected: BTreeSet<_> = validations.chain(pitfalls).chain(["P-02b".into(), "P-02c".into()]).collect();
    assert_eq!(expected.len(), 48 + 70);
    for id in &expected {
        assert!(unique.contains(id.as_str()), "{id} is missing");
    }
    for id in unique {
        assert!(expected.contains(id) || id.starts_with("D-"), "{id} is not of the analysis");
    }
}

#[test]
fn rules_are_about_variables() {
    for rule in RULES {
        assert!(!rule.variables.is_empty(), "{}", rule.id);
        for variable in rule.variables {
            assert!(VARIABLES.iter().any(|known| known.name == *variable), "{}: {variable}", rule.id);
        }
    }
}

#[test]
fn the_generated_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/variables.md");
    let text = index::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/variables.md is stale: run the tests with UPDATE_DOCS=1");
}
