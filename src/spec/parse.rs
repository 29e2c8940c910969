//! From a source text to a spec, or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use super::Spec;
use super::coerce;
use super::conceal;
use super::document::{Document, Entry, Kind};
use super::finding::{Finding, Severity, variable_of};
use super::findings;
use super::names;
use super::report::Report;
use super::shape::{self, Shape};
use super::validate;

/// Findings up to which the nearest known name is looked for: a file with more unknown names is no spec,
/// and comparing them all would take long.
const MOST_OFFERS: usize = 100;

/// The variables the user wrote, by their canonical names.
pub type Given = BTreeSet<String>;

/// A source text that may be acted on.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What is asked for: every variable with its value or its default.
    pub spec: Spec,
    /// The variables that the user wrote.
    pub given: Given,
    /// Other names that were used: the name as written, and the variable it means.
    pub aliases: BTreeMap<String, String>,
    /// What does not refuse the spec: warnings and notes.
    pub findings: Vec<Finding>,
    /// The text as it was written, with places.
    pub document: Document,
}

/// A document turned into values, before any rule has been applied.
#[derive(Clone, Debug)]
pub struct Interpretation {
    /// Every variable with its value or its default.
    pub spec: Spec,
    /// The variables that the user wrote.
    pub given: Given,
    /// Other names that were used.
    pub aliases: BTreeMap<String, String>,
    /// Unknown names and wrong types.
    pub findings: Vec<Finding>,
}

/// Reads a spec. The file's name tells the notation.
///
/// # Errors
///
/// Everything that is wrong, at once: with the notation, or with names, types and rules.
pub fn read(file_name: &str, text: &str) -> Result<Reading, Report> {
    let document = Document::read(file_name, text).map_err(Report::new)?;
    let Interpretation { spec, given, aliases, findings: mut found } = interpret(&document);
    let mut reading = Reading { spec, given, aliases, findings: vec![], document };
    let mut ruled = validate::check(&reading.spec, &reading.given);
    ruled.extend(findings::not_converged_in(&reading.spec, &reading.given));
    if !found.is_empty() {
        ruled.retain(|finding| stands_anyway(finding, &found, &reading.given));
    }
    reading.place(&mut ruled);
    found.extend(ruled);
    let report = Report::new(found);
    if report.errors().next().is_some() {
        return Err(report);
    }
    reading.findings = report.findings;
    Ok(reading)
}

/// Whether a rule's finding holds although something else could not be understood: it is an error about a
/// variable that was written, and that was understood.
fn stands_anyway(finding: &Finding, not_understood: &[Finding], given: &Given) -> bool {
    let variable = variable_of(&finding.path);
    let misunderstood = |other: &Finding| variable_of(&other.path) == variable;
    finding.is_error() && given.contains(variable) && !not_understood.iter().any(misunderstood)
}

/// Turns a document into values. A variable that is `null` counts as left out.
pub fn interpret(document: &Document) -> Interpretation {
    let mut read = Interpretation {
        spec: Spec::default(),
        given: Given::new(),
        aliases: BTreeMap::new(),
        findings: vec![],
    };
    for entry in &document.entries {
        let Some(variable) = names::canonical(&entry.name) else {
            read.findings.push(unknown(entry, read.findings.len() < MOST_OFFERS));
            continue;
        };
        if entry.name != variable {
            read.aliases.insert(entry.name.clone(), variable.to_owned());
        }
        if entry.value.kind == Kind::Null {
            continue;
        }
        if !read.given.insert(variable.to_owned()) {
            read.findings.push(given_twice(entry, variable));
            continue;
        }
        read.findings.extend(set(&mut read.spec, variable, entry));
    }
    read
}

impl Reading {
    /// Gives findings about this spec their places in its source.
    pub fn place(&self, findings: &mut [Finding]) {
        for finding in findings {
            place(finding, &self.document, &self.aliases);
        }
    }
}

fn set(spec: &mut Spec, variable: &'static str, entry: &Entry) -> Vec<Finding> {
    let mut found = vec![];
    let Some(shape) = shape::of(variable) else { return vec![unknown(entry, true)] };
    if let Some(value) = coerce::value(&entry.value, shape, variable, &mut found)
        && let Some(Err(error)) = spec.set(variable, value)
    {
        // The shapes are read off the types, so this cannot happen; were it to, the spec is refused
        // and not half-read. The error's own text may quote the value and stays out.
        let path = format!("{variable}.{}", error.path());
        found.push(
            Finding::new("type", Severity::Error, path)
                .message(format!("`{variable}` does not have the shape it must have"))
                .at(entry.name_span)
                .help(shape.example()),
        );
    }
    found
}

/// Finds where a rule's finding was written, and hides the line if a secret stands there.
fn place(finding: &mut Finding, document: &Document, aliases: &BTreeMap<String, String>) {
    let variable = variable_of(&finding.path).to_owned();
    let rest = finding.path.get(variable.len()..).unwrap_or_default().to_owned();
    let written = aliases.iter().find(|(_, meant)| **meant == variable).map(|(name, _)| name.clone());
    if finding.span.is_none() {
        finding.span = document.find(&format!("{}{rest}", written.unwrap_or(variable.clone())));
        if finding.span.is_some() && shape::of(&variable).is_some_and(Shape::holds_secret) {
            finding.concealed = true;
        }
    }
    if finding.span.is_none() {
        let others = finding.variables.iter().filter_map(|other| document.find(other));
        finding.span = others.min_by_key(|span| span.offset);
    }
}

fn unknown(entry: &Entry, offer: bool) -> Finding {
    let near = if offer { names::nearest_variable(&entry.name) } else { None };
    let help = match near {
        Some(name) => format!("Did you mean `{name}`?"),
        None => "See `docs/variables.md` for every variable there is.".to_owned(),
    };
    let finding = Finding::new("unknown", Severity::Error, entry.name.clone())
        .message(format!("there is no variable `{}`", entry.name))
        .at(entry.name_span)
        .help(help);
    if conceal::hides(&entry.name, &entry.value) { finding.conceal() } else { finding }
}

fn given_twice(entry: &Entry, variable: &str) -> Finding {
    Finding::new("duplicate", Severity::Error, variable)
        .message(format!("`{}` is another name of `{variable}`, which is given too", entry.name))
        .at(entry.name_span)
        .help("Keep one of the two names.")
}
