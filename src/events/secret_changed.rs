//! A secret or one of its versions changed: everything that Secret Manager tells but a rotation that is due.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use super::secret_event::{self, ROTATE};
use super::{Event, Poison};

/// The event's name.
pub const STEM: &str = "secret_changed";

/// A secret or one of its versions changed. Never says to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SecretChanged {
    /// What happened, in Secret Manager's words: `SECRET_VERSION_ADD`. New words are to be expected.
    pub change: String,
    /// The secret's full name, with the project's number; empty for the probe that setting a topic sends.
    pub secret: String,
    /// The version's full name, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When, RFC 3339 with an offset.
    pub at: String,
}

impl SecretChanged {
    /// Equal for all deliveries of one change.
    pub fn key(&self) -> String {
        let about = self.version.as_deref().unwrap_or(&self.secret);
        format!("{}/{about}/{}", self.change, self.at)
    }
}

/// A message with one of Secret Manager's `eventType`s.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let Envelope::Message(message) = envelope else { return None };
    let told = secret_event::told(message).filter(|told| told.kind != ROTATE)?;
    let secret_event::Told { kind, secret, version, at } = told;
    let named = !secret.is_empty() || kind == "TOPIC_CONFIGURED";
    let event = SecretChanged { change: kind, secret, version, at };
    Some(if named { Ok(Event::SecretChanged(event)) } else { Err(Poison::missing("secretId")) })
}
