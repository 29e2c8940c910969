//! What changed between two documents, as sets of fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::path::{FieldSet, Path, Step};
use super::walk::{is_associative, step_to};
use crate::embedded::kubernetes::schema::{ANY, Type};

/// The fields only one side has, and those that differ.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Only in the old one.
    pub removed: FieldSet,
    /// In both, but different.
    pub modified: FieldSet,
    /// Only in the new one.
    pub added: FieldSet,
}

/// Compares `old` with `new`.
pub fn compare(old: &Value, new: &Value, of: &'static Type) -> Comparison {
    let mut walk = Walk::default();
    walk.visit(Some(old), Some(new), of);
    walk.found
}

#[derive(Default)]
struct Walk {
    found: Comparison,
    path: Path,
}

impl Walk {
    fn visit(&mut self, old: Option<&Value>, new: Option<&Value>, of: &'static Type) {
        let descended = match (old, new) {
            (None | Some(Value::Object(_) | Value::Null), None | Some(Value::Object(_) | Value::Null))
                if of.is_granular_map() =>
            {
                self.maps(old.and_then(Value::as_object), new.and_then(Value::as_object), of)
            }
            (None | Some(Value::Array(_) | Value::Null), None | Some(Value::Array(_) | Value::Null))
                if is_associative(of) =>
            {
                self.lists(old.and_then(Value::as_array), new.and_then(Value::as_array), of)
            }
            _ => false,
        };
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (old, new) if !descended && old != new => self.found.modified.insert(&self.path),
            _ => {}
        }
    }

    /// Answers whether there was anything to descend into.
    fn maps(
        &mut self,
        old: Option<&Map<String, Value>>,
        new: Option<&Map<String, Value>>,
        of: &'static Type,
    ) -> bool {
        let names: BTreeSet<&String> = old.into_iter().chain(new).flat_map(Map::keys).collect();
        for name in &names {
            self.path.push(Step::Field((*name).clone()));
            let of = of.child(name).unwrap_or(&ANY);
            self.visit(old.and_then(|old| old.get(*name)), new.and_then(|new| new.get(*name)), of);
            self.path.pop();
        }
        !names.is_empty()
    }

    fn lists(&mut self, old: Option<&Vec<Value>>, new: Option<&Vec<Value>>, of: &'static Type) -> bool {
        let index = |list: Option<&Vec<Value>>| -> BTreeMap<Step, Vec<Value>> {
            let mut items: BTreeMap<Step, Vec<Value>> = BTreeMap::new();
            for item in list.into_iter().flatten() {
                if let Some(step) = step_to(item, of) {
                    items.entry(step).or_default().push(item.clone());
                }
            }
            items
        };
        let (old, new) = (index(old), index(new));
        let steps: BTreeSet<&Step> = old.keys().chain(new.keys()).collect();
        let empty = Vec::new();
        for step in &steps {
            let (l, r) = (old.get(step).unwrap_or(&empty), new.get(step).unwrap_or(&empty));
            self.path.push((*step).clone());
            // A duplicated item is one value: nobody could say which of them a field is in.
            if l.len() > 1 || r.len() > 1 {
                if l != r {
                    self.found.modified.insert(&self.path);
                }
            } else {
                self.visit(l.first(), r.first(), of.item());
            }
            self.path.pop();
        }
        !steps.is_empty()
    }
}
