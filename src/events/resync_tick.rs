//! It is time to look at every deployment: a scheduler's call, or its message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::envelope::{Call, Envelope};
use super::message::Message;
use super::{Event, Poison};

/// The event's name.
pub const STEM: &str = "resync_tick";

/// What a job says that it wants: `{"kind": "resync"}`.
pub const KIND: &str = "resync";

/// It is time to look at every deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResyncTick {
    /// The scheduler's job, or the subscription that the message came by.
    pub job: String,
    /// The slot: the schedule time, or the message's id, since a message does not know its slot.
    pub slot: String,
}

impl ResyncTick {
    /// Equal for all deliveries of one slot of one job.
    pub fn key(&self) -> String {
        format!("{KIND}/{}/{}", self.job, self.slot)
    }
}

/// A call of Cloud Scheduler that says nothing else, or a message with the attribute `kind=resync`.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    match envelope {
        Envelope::Call(call) => match wanted(call) {
            Ok(kind) => (kind == KIND).then(|| Ok(of_call(call))),
            Err(poison) => Some(Err(poison)),
        },
        Envelope::Message(message) => (message.attribute("kind")? == KIND).then(|| Ok(of_message(message))),
        Envelope::CloudEvent(_) => None,
    }
}

/// What a call of Cloud Scheduler asks for. A job without a body asks for a resync.
///
/// # Errors
/// When the body is not `{"kind": …}`.
pub fn wanted(call: &Call) -> Result<String, Poison> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        kind: Option<String>,
    }
    if call.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(KIND.into());
    }
    let body: Body =
        serde_json::from_slice(&call.body).map_err(|error| Poison::json("the body of the call", &error))?;
    body.kind.filter(|kind| !kind.is_empty()).ok_or_else(|| Poison::missing("kind"))
}

fn of_call(call: &Call) -> Event {
    Event::ResyncTick(ResyncTick { job: call.job.clone(), slot: call.schedule_time.clone() })
}

fn of_message(message: &Message) -> Event {
    let slot = if message.id.is_empty() { &message.publish_time } else { &message.id };
    Event::ResyncTick(ResyncTick { job: message.subscription.clone(), slot: slot.clone() })
}
