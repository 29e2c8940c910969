//! What the server refuses: names, missing and contradictory fields, and changes that may not be.

mod immutable;
mod names;
mod required;
mod rules;

use serde_json::Value;

use super::failure::Failure;
use super::kinds::Kind;
use super::schema;
use super::store::field;

/// Refuses an object that may not be, or may not become of `old`.
///
/// # Errors
/// 422 with every cause.
pub fn check(kind: &Kind, old: Option<&Value>, new: &Value) -> Result<(), Failure> {
    let mut causes = Vec::new();
    match old {
        Some(old) => immutable::check(kind, old, new, &mut causes),
        None => causes.extend(names::name(kind, field(new, "name"))),
    }
    names::labels(new, &mut causes);
    if kind.custom {
        causes.extend(schema::violations(new, kind.schema()));
        if causes.is_empty() {
            rules::check(kind, new, &mut causes);
        }
    } else {
        required::check(kind, new, &mut causes);
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(kind.group, kind.kind, field(new, "name"), &causes))
}
