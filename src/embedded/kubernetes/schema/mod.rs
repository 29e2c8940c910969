//! How the fields of every kind merge: which lists are maps, which maps are one value, what is declared at
//! all.
//!
//! `types.txt` holds one type a line, `NAME: FIELD=TYPE FIELD=TYPE …`, written by `generate.py` from the
//! schema that server-side apply itself uses and from the published CRDs. A type is one of
//!
//! | text | means |
//! |---|---|
//! | `s`, `n`, `b` | string, number, boolean; `s(A\|B)` an enumeration, `n(1..9)` a range |
//! | `q` | a quantity, which the server writes in its canonical form |
//! | `u` | any scalar (a time, an integer or string) |
//! | `*` | anything |
//! | `@NAME` | the type of that name; `NAME!:` says that its objects are one value |
//! | `{}T`, `{!}T` | a map of T merged by key, a map that is one value |
//! | `[]T`, `[set]T`, `[a,b]T` | a list that is one value, a set, a list of objects known by their fields a and b |
//!
//! A field's name may carry `+` (required) or `?` (left out when empty), its type `~JSON` (the default).

mod check;
mod structural;

pub use check::{check, typed_error};
pub use structural::{apply_defaults, violations};

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::Value;

/// The type of a value.
#[derive(Debug)]
pub enum Type {
    /// A string, and what it may be if not everything.
    Text(Vec<String>),
    /// A number, and between what it must be.
    Number {
        /// The smallest.
        least: Option<i64>,
        /// The largest.
        most: Option<i64>,
    },
    /// A boolean.
    Boolean,
    /// A quantity of a resource.
    Quantity,
    /// Any scalar.
    Scalar,
    /// Anything; merges by what it turns out to be.
    Any,
    /// An object with declared fields: an index into the schema.
    Struct(usize),
    /// An object with free keys.
    Map {
        /// What the keys lead to.
        element: Box<Type>,
        /// Whether it is one value.
        atomic: bool,
    },
    /// A list.
    List {
        /// What is in it.
        element: Box<Type>,
        /// How its items are told apart.
        topology: Topology,
    },
}

/// How the items of a list are told apart.
#[derive(Debug, PartialEq)]
pub enum Topology {
    /// Not at all: the list is one value.
    Atomic,
    /// By themselves.
    Set,
    /// By these fields.
    Keys(Vec<String>),
}

/// An object with declared fields.
#[derive(Debug)]
pub struct Struct {
    /// Its name in `types.txt`.
    pub name: &'static str,
    /// Whether it is one value.
    pub atomic: bool,
    /// Its fields by name.
    pub fields: BTreeMap<&'static str, Field>,
}

/// A declared field.
#[derive(Debug)]
pub struct Field {
    /// What it holds.
    pub of: Type,
    /// Whether a CRD demands it.
    pub required: bool,
    /// Whether an empty one (`""`, 0, false, no items) is the same as none.
    pub omitted: bool,
    /// What it is when left out.
    pub default: Option<Value>,
}

/// All types.
pub struct Schema {
    structs: Vec<Struct>,
    roots: HashMap<&'static str, Type>,
}

/// A type for what is not declared.
pub static ANY: Type = Type::Any;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| parse(include_str!("types.txt")));

/// The type of a kind by its name in `types.txt`; [`ANY`] for an unknown one.
pub fn root(name: &str) -> &'static Type {
    SCHEMA.roots.get(name).unwrap_or(&ANY)
}

impl Type {
    /// The declared fields, if this is such an object.
    pub fn as_struct(&self) -> Option<&'static Struct> {
        match self {
            Self::Struct(index) => SCHEMA.structs.get(*index),
            _ => None,
        }
    }

    /// The type of the field or key `name`; `None` where it is not declared.
    pub fn child(&'static self, name: &str) -> Option<&'static Type> {
        match self {
            Self::Struct(_) => self.as_struct()?.fields.get(name).map(|field| &field.of),
            Self::Map { element, .. } => Some(element),
            Self::Any => Some(&ANY),
            _ => None,
        }
    }

    /// The type of a list's items.
    pub fn item(&'static self) -> &'static Type {
        match self {
            Self::List { element, .. } => element,
            _ => &ANY,
        }
    }

    /// Whether objects of this type merge key by key.
    pub fn is_granular_map(&self) -> bool {
        match self {
            Self::Struct(_) => self.as_struct().is_some_and(|found| !found.atomic),
            Self::Map { atomic, .. } => !atomic,
            Self::Any => true,
            _ => false,
        }
    }
}

/// Drops what a typed server does not keep: fields that are empty and may be left out.
pub fn drop_empty(value: &mut Value, of: &'static Type) {
    match value {
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, child)| drop_empty(child, of.child(name).unwrap_or(&ANY)));
            if let Some(declared) = of.as_struct() {
                let omitted =
                    |name: &String| declared.fields.get(name.as_str()).is_some_and(|field| field.omitted);
                fields.retain(|name, child| !(is_empty(child) && omitted(name)));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| drop_empty(item, of.item())),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

fn parse(text: &'static str) -> Schema {
    let lines: Vec<(&str, bool, &str)> = text.lines().filter_map(header).collect();
    let indices: HashMap<&'static str, usize> =
        lines.iter().enumerate().map(|(index, line)| (line.0, index)).collect();
    let structs = lines
        .iter()
        .map(|&(name, atomic, fields)| Struct {
            name,
            atomic,
            fields: fields.split_whitespace().filter_map(|text| field(text, &indices)).collect(),
        })
        .collect();
    let roots = indices.iter().map(|(name, index)| (*name, Type::Struct(*index))).collect();
    Schema { structs, roots }
}

fn header(line: &'static str) -> Option<(&'static str, bool, &'static str)> {
    let (name, fields) = line.split_once(':')?;
    Some(match name.strip_suffix('!') {
        Some(name) => (name, true, fields),
        None => (name, false, fields),
    })
}

fn field(text: &'static str, indices: &HashMap<&str, usize>) -> Option<(&'static str, Field)> {
    let (name, rest) = text.split_once('=')?;
    let (of, default) = match rest.split_once('~') {
        Some((of, default)) => (of, serde_json::from_str(default).ok()),
        None => (rest, None),
    };
    let (required, omitted) = (name.ends_with('+'), name.ends_with('?'));
    Some((
        name.trim_end_matches(['+', '?']),
        Field { of: expression(of, indices), required, omitted, default },
    ))
}

fn expression(text: &str, indices: &HashMap<&str, usize>) -> Type {
    let boxed = |text: &str| Box::new(expression(text, indices));
    if let Some(element) = text.strip_prefix("{}") {
        return Type::Map { element: boxed(element), atomic: false };
    }
    if let Some(element) = text.strip_prefix("{!}") {
        return Type::Map { element: boxed(element), atomic: true };
    }
    if let Some((keys, element)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let topology = match keys {
            "" => Topology::Atomic,
            "set" => Topology::Set,
            keys => Topology::Keys(keys.split(',').map(str::to_owned).collect()),
        };
        return Type::List { element: boxed(element), topology };
    }
    if let Some(values) = text.strip_prefix("s(").and_then(|rest| rest.strip_suffix(')')) {
        return Type::Text(values.split('|').map(str::to_owned).collect());
    }
    if let Some(range) = text.strip_prefix("n(").and_then(|rest| rest.strip_suffix(')')) {
        let (least, most) = range.split_once("..").unwrap_or((range, ""));
        return Type::Number { least: least.parse().ok(), most: most.parse().ok() };
    }
    match text {
        "s" => Type::Text(Vec::new()),
        "n" => Type::Number { least: None, most: None },
        "b" => Type::Boolean,
        "q" => Type::Quantity,
        "u" => Type::Scalar,
        name => name
            .strip_prefix('@')
            .and_then(|name| indices.get(name))
            .map_or(Type::Any, |at| Type::Struct(*at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_in_the_table_leads_somewhere() {
        for line in include_str!("types.txt").lines() {
            for text in line.split_whitespace().skip(1) {
                let Some((_, name)) = text.split('~').next().and_then(|text| text.split_once('@')) else {
                    continue;
                };
                assert!(SCHEMA.roots.contains_key(name), "{name} in {line}");
            }
        }
    }

    #[test]
    fn containers_are_known_by_name_and_selectors_are_one_value() {
        let pod = root("core.v1.PodSpec");
        let containers = pod.child("containers").expect("declared");
        assert!(matches!(containers, Type::List { topology: Topology::Keys(keys), .. } if keys == &["name"]));
        let selector = root("apps.v1.DeploymentSpec").child("selector").expect("declared");
        assert!(!selector.is_granular_map());
    }
}
