//! Lays a document over another: fields by name, list items by key, everything else whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::path::Step;
use super::walk::{is_associative, step_to};
use crate::embedded::kubernetes::schema::{ANY, Type};

/// `left` with `right` laid over it.
pub fn combine(left: &Value, right: &Value, of: &'static Type) -> Value {
    match (left, right) {
        (Value::Object(l), Value::Object(r)) if of.is_granular_map() => {
            let names: BTreeSet<&String> = l.keys().chain(r.keys()).collect();
            let merged: Map<String, Value> = names
                .into_iter()
                .filter_map(|name| {
                    let of = of.child(name).unwrap_or(&ANY);
                    let value = match (l.get(name), r.get(name)) {
                        (Some(l), Some(r)) => combine(l, r, of),
                        (l, r) => r.or(l)?.clone(),
                    };
                    Some((name.clone(), value))
                })
                .collect();
            Value::Object(merged)
        }
        (Value::Array(l), Value::Array(r)) if is_associative(of) && !(l.is_empty() && r.is_empty()) => {
            Value::Array(combine_lists(l, r, of))
        }
        // Null over a map or list that merges takes nothing away.
        (Value::Object(_) | Value::Array(_), Value::Null) if of.is_granular_map() || is_associative(of) => {
            left.clone()
        }
        (_, right) => right.clone(),
    }
}

/// The order follows the right list where both have an item; what only the left has keeps its place among its
/// neighbours.
fn combine_lists(left: &[Value], right: &[Value], of: &'static Type) -> Vec<Value> {
    let left: Vec<(Step, &Value)> = left.iter().filter_map(|item| Some((step_to(item, of)?, item))).collect();
    let right: Vec<(Step, &Value)> =
        right.iter().filter_map(|item| Some((step_to(item, of)?, item))).collect();
    let in_left: BTreeMap<&Step, &Value> = left.iter().map(|(step, item)| (step, *item)).collect();
    let in_right: BTreeMap<&Step, &Value> = right.iter().map(|(step, item)| (step, *item)).collect();
    let mut shared: VecDeque<&Step> =
        right.iter().map(|(step, _)| step).filter(|step| in_left.contains_key(step)).collect();
    let mut next_shared = shared.pop_front();
    let mut taken: BTreeSet<&Step> = BTreeSet::new();
    let both = |step: &Step| match (in_left.get(step), in_right.get(step)) {
        (Some(l), Some(r)) => combine(l, r, of.item()),
        (l, r) => r.or(l).map_or(Value::Null, |item| (*item).clone()),
    };
    let (mut out, mut l, mut r) = (Vec::new(), 0, 0);
    while l < left.len() || r < right.len() {
        if let (Some((lhs, _)), Some((rhs, _))) = (left.get(l), right.get(r)) {
            if lhs == rhs {
                taken.insert(lhs);
                out.push(both(lhs));
                (l, r) = (l + 1, r + 1);
                next_shared = shared.pop_front();
                continue;
            }
            if in_right.contains_key(lhs) && next_shared.is_some_and(|next| next != lhs) {
                l += 1;
                continue;
            }
        }
        if let Some((lhs, item)) = left.get(l) {
            if !in_right.contains_key(lhs) {
                out.push((*item).clone());
                l += 1;
                continue;
            } else if taken.contains(lhs) {
                l += 1;
            }
        }
        if let Some((rhs, _)) = right.get(r) {
            taken.insert(rhs);
            out.push(both(rhs));
            r += 1;
            if next_shared == Some(rhs) {
                next_shared = shared.pop_front();
            }
        }
    }
    out
}
