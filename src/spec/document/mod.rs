//! From a source text to a tree that knows where everything was written.
//!
//! Three notations, one tree: YAML, JSON and tfvars, told apart by the file's name. Nothing is
//! interpreted further than the notation itself does it: a scalar keeps the text it was written
//! with, so that a version `1.10` does not become the number 1.1.

mod json;
mod place;
mod tfvars;
mod yaml;

use std::collections::BTreeSet;
use std::fmt;

pub use place::Lines;

use super::finding::{Finding, Severity, Span};

/// Largest source text in bytes: far above any real spec, far below what would hurt.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Deepest nesting: three times what the deepest variable needs.
const MAX_DEPTH: usize = 24;

/// A notation a spec may be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.yaml`, `.yml`
    Yaml,
    /// `.json`, `.tfvars.json`
    Json,
    /// `.tfvars`
    Tfvars,
}

impl Format {
    /// The notation that a file's name announces.
    pub fn of(file_name: &str) -> Option<Self> {
        let name = file_name.to_ascii_lowercase();
        match name.rsplit('.').next()? {
            "yaml" | "yml" => Some(Format::Yaml),
            "json" => Some(Format::Json),
            "tfvars" => Some(Format::Tfvars),
            _ => None,
        }
    }
}

/// A source text, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its notation.
    pub format: Format,
    /// Its variables, in the order they were written.
    pub entries: Vec<Entry>,
}

/// A name with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// The value.
    pub value: Node,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: Kind,
}

/// What a value is in its notation. `Debug` shows no text and no number: any of them may be a secret.
#[derive(Clone, PartialEq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// Text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by name.
    Map(Vec<Entry>),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Null => f.write_str("Null"),
            Kind::Bool(value) => write!(f, "Bool({value})"),
            Kind::Number(text) => write!(f, "Number({} bytes)", text.len()),
            Kind::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Kind::List(items) => f.debug_list().entries(items).finish(),
            Kind::Map(entries) => f.debug_list().entries(entries).finish(),
        }
    }
}

impl Kind {
    /// The kind's name for people.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}

impl Document {
    /// Reads a source text. Everything that is wrong with the notation is in the findings; most
    /// notations can only tell the first.
    pub fn read(file_name: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let Some(format) = Format::of(file_name) else {
            return Err(vec![
                syntax(format!("`{}` does not say how it is written", base_name(file_name)))
                    .help("Name the file .yaml, .yml, .json, .tfvars or .tfvars.json."),
            ]);
        };
        if text.len() > MAX_BYTES {
            return Err(vec![
                syntax(format!("the file has {} bytes; the limit is {MAX_BYTES}", text.len()))
                    .help("A spec holds settings only; keep data in a bucket."),
            ]);
        }
        let lines = Lines::new(text);
        let root = match format {
            Format::Yaml => yaml::read(text, &lines),
            Format::Json => json::read(text, &lines),
            Format::Tfvars => tfvars::read(text, &lines),
        }?;
        let entries = match root.kind {
            Kind::Map(entries) => entries,
            Kind::Null => vec![],
            other => {
                return Err(vec![
                    syntax(format!("a spec is a map of variables, not {}", other.name()))
                        .at(root.span)
                        .help("Write `variable: value`, one per line."),
                ]);
            }
        };
        let document = Self { format, entries };
        let duplicates = document.duplicates();
        if duplicates.is_empty() { Ok(document) } else { Err(duplicates) }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Where a path such as `cron_jobs[0].schedule` was written: the scalar itself, the name of a
    /// list or map, or, when the path ends before, the nearest thing around it.
    pub fn find(&self, path: &str) -> Option<Span> {
        let mut steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
        let first = self.get(steps.next()?)?;
        let (mut best, mut node) = (first.shown(), &first.value);
        for step in steps {
            match &node.kind {
                Kind::Map(entries) => {
                    let Some(entry) = entries.iter().find(|entry| entry.name == step) else { break };
                    (best, node) = (entry.shown(), &entry.value);
                }
                Kind::List(items) => {
                    let Some(item) = step.parse::<usize>().ok().and_then(|index| items.get(index)) else {
                        break;
                    };
                    (best, node) = (item.shown(), item);
                }
                _ => break,
            }
        }
        Some(best)
    }

    fn duplicates(&self) -> Vec<Finding> {
        let mut findings = vec![];
        duplicates_in(&self.entries, "", &mut findings);
        findings
    }
}

impl Entry {
    /// What to point at: a scalar, or the name of what is longer.
    fn shown(&self) -> Span {
        match self.value.kind {
            Kind::List(_) | Kind::Map(_) => self.name_span,
            _ => self.value.span,
        }
    }
}

impl Node {
    /// What to point at: a scalar, or the first name of a map in a list.
    fn shown(&self) -> Span {
        match &self.kind {
            Kind::Map(entries) => entries.first().map_or(self.span, |entry| entry.name_span),
            _ => self.span,
        }
    }
}

/// A finding about the notation.
pub(super) fn syntax(message: impl Into<String>) -> Finding {
    Finding::new("syntax", Severity::Error, "").message(message)
}

fn too_deep(span: Span) -> Vec<Finding> {
    vec![
        syntax(format!("nested more than {MAX_DEPTH} levels deep"))
            .at(span)
            .help("No variable needs that; look for a missing closing bracket."),
    ]
}

fn duplicates_in(entries: &[Entry], path: &str, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for entry in entries {
        let here = if path.is_empty() { entry.name.clone() } else { format!("{path}.{}", entry.name) };
        if !seen.insert(entry.name.as_str()) {
            findings.push(
                Finding::new("duplicate", Severity::Error, here.clone())
                    .message(format!("`{}` is given twice", entry.name))
                    .at(entry.name_span)
                    .help("Keep the one that is meant; the other would be lost without a word."),
            );
        }
        duplicates_below(&entry.value, &here, findings);
    }
}

fn duplicates_below(node: &Node, path: &str, findings: &mut Vec<Finding>) {
    match &node.kind {
        Kind::Map(entries) => duplicates_in(entries, path, findings),
        Kind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                duplicates_below(item, &format!("{path}[{index}]"), findings);
            }
        }
        _ => {}
    }
}

fn base_name(file_name: &str) -> &str {
    file_name.rsplit('/').next().unwrap_or(file_name)
}
