//! Walks over one typed document: which fields it has, and what is left without some of them.

use serde_json::{Map, Value};

use super::path::{Atom, FieldSet, Step};
use crate::embedded::kubernetes::schema::{ANY, Topology, Type};

/// The fields of a document.
pub fn fields_of(value: &Value, of: &'static Type) -> FieldSet {
    collect(value, of).0
}

/// What is below a value, and whether the value is a field of its own.
fn collect(value: &Value, of: &'static Type) -> (FieldSet, bool) {
    let mut set = FieldSet::default();
    match value {
        Value::Object(fields) if of.is_granular_map() => {
            for (name, child) in fields {
                let step = Step::Field(name.clone());
                let (below, own) = collect(child, of.child(name).unwrap_or(&ANY));
                let undeclared = of.as_struct().is_none_or(|known| !known.fields.contains_key(name.as_str()));
                if own || undeclared || child.is_null() || child.as_object().is_some_and(Map::is_empty) {
                    set.members.insert(step.clone());
                }
                set.insert_below(step, below);
            }
            (set, false)
        }
        Value::Array(items) if is_associative(of) => {
            for item in items {
                if let Some(step) = step_to(item, of) {
                    let (below, _) = collect(item, of.item());
                    set.members.insert(step.clone());
                    set.insert_below(step, below);
                }
            }
            (set, false)
        }
        Value::Null if of.is_granular_map() || is_associative(of) => (set, false),
        _ => (set, true),
    }
}

/// Whether a list merges item by item.
pub fn is_associative(of: &Type) -> bool {
    matches!(of, Type::List { topology: Topology::Set | Topology::Keys(_), .. })
}

/// The step from a list to one of its items; `None` for an item without its key.
pub fn step_to(item: &Value, list: &'static Type) -> Option<Step> {
    let Type::List { topology, element } = list else { return None };
    match topology {
        Topology::Atomic => None,
        Topology::Set => Atom::new(item).map(Step::Value),
        Topology::Keys(keys) => {
            let declared = element.as_struct();
            let mut found = Vec::new();
            for key in keys {
                let default = || declared?.fields.get(key.as_str())?.default.as_ref();
                let value = item.get(key).filter(|value| !value.is_null()).or_else(default);
                // A key that is no value on the wire is empty text there.
                found.push((key.clone(), value.and_then(Atom::new)?));
            }
            found.sort();
            Some(Step::Key(found))
        }
    }
}

/// The document without the fields of the set. Objects and lists that lose everything become null.
pub fn without(value: &Value, set: &FieldSet, of: &'static Type) -> Value {
    match value {
        Value::Object(fields) if of.is_granular_map() => {
            let mut left = Map::new();
            for (name, child) in fields {
                let step = Step::Field(name.clone());
                if !set.members.contains(&step) {
                    let below = set.children.get(&step).filter(|below| !below.is_empty());
                    let of = of.child(name).unwrap_or(&ANY);
                    left.insert(
                        name.clone(),
                        below.map_or_else(|| child.clone(), |below| without(child, below, of)),
                    );
                }
            }
            if left.is_empty() { Value::Null } else { Value::Object(left) }
        }
        Value::Array(items) if is_associative(of) => {
            let mut left = Vec::new();
            for item in items {
                let step = step_to(item, of);
                if step.as_ref().is_some_and(|step| set.members.contains(step)) {
                    continue;
                }
                let below = step.and_then(|step| set.children.get(&step)).filter(|below| !below.is_empty());
                left.push(below.map_or_else(|| item.clone(), |below| without(item, below, of.item())));
            }
            if left.is_empty() { Value::Null } else { Value::Array(left) }
        }
        Value::Object(_) | Value::Array(_) => Value::Null,
        scalar => scalar.clone(),
    }
}

/// Drops nulls from objects: what a typed server never stores.
pub fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, child| !child.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}
