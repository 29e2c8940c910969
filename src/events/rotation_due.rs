//! A secret is due for rotation: Secret Manager's `SECRET_ROTATE`.

use schemars::JsonSchema;
use serde::Serialize;

use super::envelope::Envelope;
use super::secret_event::{self, ROTATE};
use super::{Event, Poison};

/// The event's name.
pub const STEM: &str = "rotation_due";

/// A secret is due for rotation. Which of its rotations it is, the message does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RotationDue {
    /// The secret's full name, with the project's number.
    pub secret: String,
    /// When it was sent, RFC 3339 with an offset.
    pub at: String,
}

impl RotationDue {
    /// Equal for all deliveries of one rotation of one secret.
    pub fn key(&self) -> String {
        format!("{ROTATE}/{}/{}", self.secret, self.at)
    }
}

/// A message with the attribute `eventType=SECRET_ROTATE`.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let Envelope::Message(message) = envelope else { return None };
    let told = secret_event::told(message).filter(|told| told.kind == ROTATE)?;
    Some(match told.secret.as_str() {
        "" => Err(Poison::missing("secretId")),
        _ => Ok(Event::RotationDue(RotationDue { secret: told.secret, at: told.at })),
    })
}
