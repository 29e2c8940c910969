//! A version of a spec was deleted or archived. That happens to the old version at each overwrite too: only a
//! look at the bucket tells whether the spec is gone.

use schemars::JsonSchema;
use serde::Serialize;

use super::object_change::{self, Change, ObjectChange};
use super::{Envelope, Event, Poison};

/// The event's name.
pub const STEM: &str = "spec_withdrawn";

/// A version of a spec was deleted, or stopped being the live one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SpecWithdrawn(pub ObjectChange);

/// `...object.v1.deleted` and `.archived`, or `OBJECT_DELETE` and `OBJECT_ARCHIVE`.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let change = object_change::recognise(envelope, &[Change::Deleted, Change::Archived])?;
    Some(change.map(|change| Event::SpecWithdrawn(SpecWithdrawn(change))))
}
