//! Events that are known, and that nothing is made of in this version. They are acknowledged, counted and
//! logged, never silently dropped. When one gets its file, its line here goes.

use serde::Serialize;

use super::envelope::Envelope;
use super::{Event, Poison};

/// An event that is known, and that nothing is made of in this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotBuiltYet {
    /// The stem that its files will have.
    pub stem: &'static str,
    /// What it calls itself.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// The beginning of CloudEvents' types, and the stem of the event that will be made of them.
const TYPES: &[(&str, &str)] = &[
    ("google.cloud.audit.log.v1.written", "audit_entry"),
    ("google.cloud.certificatemanager.", "certificate_changed"),
];

/// Recognises what is still to come.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let Envelope::CloudEvent(event) = envelope else { return None };
    let (_, stem) = TYPES.iter().find(|(start, _)| event.kind.starts_with(start))?;
    Some(Ok(Event::NotBuiltYet(NotBuiltYet { stem, kind: event.kind.clone(), id: event.id.clone() })))
}
