//! Something happened to a rollout: Cloud Deploy's four topics, and Eventarc's `google.cloud.deploy.*`.
//!
//! There is no event of a promotion. What counts is that a rollout succeeded for a target, a rollback included;
//! everything else is a doorbell for people who read the status.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::cloud_event::CloudEvent;
use super::envelope::Envelope;
use super::message::Message;
use super::{Event, Poison};

/// The event's name.
pub const STEM: &str = "rollout_promoted";

const EVENTARC: &str = "google.cloud.deploy.";

/// Something happened to a resource of Cloud Deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RolloutPromoted {
    /// What happened, in Cloud Deploy's words: `Succeed`, `Required`, `Approved`, `Create`.
    pub action: String,
    /// What it happened to: `Rollout`, `Release`. Approvals do not say it; they are about rollouts.
    pub resource_type: String,
    /// Its full name, with the project's number.
    pub resource: String,
    /// The target, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The time or the id of the message: a rollout can be retried, and then succeeds a second time.
    pub at: String,
}

impl RolloutPromoted {
    /// Equal for all deliveries of one message.
    pub fn key(&self) -> String {
        let Self { action, resource, at, .. } = self;
        format!("deploy/{action}/{resource}/{at}")
    }
}

/// A message with the attributes `Action` and `Resource` or `Rollout`, or an event of Cloud Deploy.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    match envelope {
        Envelope::Message(message) => of_message(message).map(Ok),
        Envelope::CloudEvent(event) => event.kind.starts_with(EVENTARC).then(|| of_event(event)),
        Envelope::Call(_) => None,
    }
}

fn of_message(message: &Message) -> Option<Event> {
    let action = message.attribute("action")?.to_owned();
    let resource = message.attribute("resource").or(message.attribute("rollout"))?.to_owned();
    let resource_type = message.attribute("resourcetype").unwrap_or("Rollout").to_owned();
    let at = if message.id.is_empty() { &message.publish_time } else { &message.id };
    let target = message.attribute("targetid").map(str::to_owned);
    Some(Event::RolloutPromoted(RolloutPromoted { action, resource_type, resource, target, at: at.clone() }))
}

/// `google.cloud.deploy.rollout.v1.created`, with the resource as `payload`.
fn of_event(event: &CloudEvent) -> Result<Event, Poison> {
    let data: Value =
        serde_json::from_slice(&event.data).map_err(|error| Poison::json("the data of the event", &error))?;
    let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let name = text("/payload/name").filter(|name| !name.is_empty());
    let resource = name.ok_or_else(|| Poison::missing("the name of the resource"))?;
    let kind = event.kind.strip_prefix(EVENTARC).unwrap_or_default();
    let (resource_type, action) = kind.split_once(".v1.").unwrap_or((kind, ""));
    Ok(Event::RolloutPromoted(RolloutPromoted {
        action: capital(action.trim_end_matches('d')),
        resource_type: capital(resource_type),
        resource,
        target: text("/payload/targetId"),
        at: event.id.clone(),
    }))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
