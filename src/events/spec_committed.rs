//! A spec was written to the bucket, or its metadata was changed.

use schemars::JsonSchema;
use serde::Serialize;

use super::object_change::{self, Change, ObjectChange};
use super::{Envelope, Event, Poison};

/// The event's name.
pub const STEM: &str = "spec_committed";

/// A spec was written to the bucket, or its metadata was changed: a way to ring without changing the spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SpecCommitted(pub ObjectChange);

/// `...object.v1.finalized` and `.metadataUpdated`, or `OBJECT_FINALIZE` and `OBJECT_METADATA_UPDATE`.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let change = object_change::recognise(envelope, &[Change::Finalized, Change::MetadataUpdated])?;
    Some(change.map(|change| Event::SpecCommitted(SpecCommitted(change))))
}
