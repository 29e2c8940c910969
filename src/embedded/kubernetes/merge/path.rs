//! Steps into a document, and sets of the fields they lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::embedded::kubernetes::schema::Type;

/// A scalar that can be compared and sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// An integer.
    Integer(i64),
    /// Any other number, as text.
    Number(String),
    /// Text.
    Text(String),
    /// A boolean.
    Boolean(bool),
}

impl Atom {
    /// A scalar of a document; `None` for anything else.
    pub fn new(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => {
                Some(number.as_i64().map_or_else(|| Self::Number(number.to_string()), Self::Integer))
            }
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Bool(value) => Some(Self::Boolean(*value)),
            _ => None,
        }
    }

    /// Back into a document.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Integer(number) => (*number).into(),
            Self::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            Self::Text(text) => text.as_str().into(),
            Self::Boolean(value) => (*value).into(),
        }
    }
}

/// One step: into a field, or to an item of a list by its key fields or by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A field of an object.
    Field(String),
    /// The item of a list with these key fields, sorted by name.
    Key(Vec<(String, Atom)>),
    /// The item of a set.
    Value(Atom),
}

/// The steps from the root.
pub type Path = Vec<Step>;

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, atom)| format!("{name}={}", atom.to_value())).collect();
                write!(f, "[{}]", fields.join(","))
            }
            Self::Value(atom) => write!(f, "[={}]", atom.to_value()),
        }
    }
}

/// A path as messages write it.
pub fn display(path: &[Step]) -> String {
    path.iter().map(Step::to_string).collect()
}

/// A set of fields: a tree in which some places are members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// The places one step down that are in the set.
    pub members: BTreeSet<Step>,
    /// What is in the set below them (which does not make them members).
    pub children: BTreeMap<Step, FieldSet>,
}

impl FieldSet {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Adds a place; the root is never owned.
    pub fn insert(&mut self, path: &[Step]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// Adds what is below a step, unless that is nothing.
    pub fn insert_below(&mut self, step: Step, below: Self) {
        if !below.is_empty() {
            self.children.insert(step, below);
        }
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.members.extend(other.members.iter().cloned());
        for (step, below) in &other.children {
            let merged = sum.children.get(step).map_or_else(|| below.clone(), |own| own.union(below));
            sum.children.insert(step.clone(), merged);
        }
        sum
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Self { members: &self.members & &other.members, ..Self::default() };
        for (step, below) in &self.children {
            if let Some(theirs) = other.children.get(step) {
                both.insert_below(step.clone(), below.intersection(theirs));
            }
        }
        both
    }

    /// What is only in this one.
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = Self { members: &self.members - &other.members, ..Self::default() };
        for (step, below) in &self.children {
            let below =
                other.children.get(step).map_or_else(|| below.clone(), |theirs| below.difference(theirs));
            rest.insert_below(step.clone(), below);
        }
        rest
    }

    /// Without the other's members and everything below them.
    pub fn without_trees(&self, other: &Self) -> Self {
        let mut rest = Self { members: &self.members - &other.members, ..Self::default() };
        for (step, below) in self.children.iter().filter(|(step, _)| !other.members.contains(step)) {
            let below =
                other.children.get(step).map_or_else(|| below.clone(), |theirs| below.without_trees(theirs));
            rest.insert_below(step.clone(), below);
        }
        rest
    }

    /// With every declared field on the way to a member made a member itself.
    pub fn with_declared_parents(&self, of: &'static Type) -> Self {
        let mut all = Self { members: self.members.clone(), ..Self::default() };
        let declared = of.as_struct();
        for (step, below) in &self.children {
            let below_type = match step {
                Step::Field(name) => of.child(name).unwrap_or(&crate::embedded::kubernetes::schema::ANY),
                Step::Key(_) | Step::Value(_) => of.item(),
            };
            if let (Step::Field(name), Some(declared)) = (step, declared)
                && declared.fields.contains_key(name.as_str())
            {
                all.members.insert(step.clone());
            }
            all.children.insert(step.clone(), below.with_declared_parents(below_type));
        }
        all
    }

    /// Every member's path: members before what is below, in order.
    pub fn paths(&self) -> Vec<Path> {
        let mut paths: Vec<Path> = self.members.iter().map(|step| vec![step.clone()]).collect();
        for (step, below) in &self.children {
            paths.extend(below.paths().into_iter().map(|rest| [vec![step.clone()], rest].concat()));
        }
        paths
    }
}
