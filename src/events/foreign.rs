//! Well-formed events of types that mean nothing to us: a trigger or a subscription that is aimed wrongly.

use serde::Serialize;

use super::envelope::Envelope;

/// A well-formed event of a type that means nothing to us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Foreign {
    /// What it calls itself.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// What can be said about such an event.
pub fn of(envelope: &Envelope) -> Foreign {
    match envelope {
        Envelope::CloudEvent(event) => Foreign { kind: event.kind.clone(), id: event.id.clone() },
        Envelope::Message(message) => {
            let kind = message.attribute("eventtype").or(message.attribute("kind")).unwrap_or("message");
            Foreign { kind: kind.to_owned(), id: message.id.clone() }
        }
        Envelope::Call(call) => {
            Foreign { kind: "call".into(), id: format!("{}/{}", call.job, call.schedule_time) }
        }
    }
}
