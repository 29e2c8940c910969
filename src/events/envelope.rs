//! Taking events out of their envelopes: CloudEvents in three modes, Pub/Sub pushes, calls of Cloud Scheduler.

use std::collections::BTreeMap;

use super::cloud_event::{self, CloudEvent};
use super::message::{self, Message};
use super::poison::{Flaw, Poison};

/// Header names in lower case, with their values.
pub type Headers = BTreeMap<String, String>;

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// A CloudEvent.
    CloudEvent(CloudEvent),
    /// A Pub/Sub message, pushed to us or carried by a CloudEvent.
    Message(Message),
    /// A call of Cloud Scheduler.
    Call(Call),
}

/// A call of Cloud Scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The job's name; empty when it was not said.
    pub job: String,
    /// The slot it is for, RFC 3339 as it was sent; empty when it was not said.
    pub schedule_time: String,
    /// What the job sends.
    pub body: Vec<u8>,
}

/// Opens a delivery. A batch holds many events, and one that is spoilt does not spoil the others.
pub fn open(headers: &Headers, body: &[u8]) -> Vec<Result<Envelope, Poison>> {
    let content_type = headers.get("content-type").map(|value| value.trim().to_ascii_lowercase());
    let content_type = content_type.unwrap_or_default();
    if content_type.starts_with("application/cloudevents-batch") {
        return match cloud_event::batch(body) {
            Ok(events) => events.into_iter().map(|event| event.and_then(unpack)).collect(),
            Err(poison) => vec![Err(poison)],
        };
    }
    vec![open_one(headers, &content_type, body)]
}

fn open_one(headers: &Headers, content_type: &str, body: &[u8]) -> Result<Envelope, Poison> {
    if content_type.starts_with("application/cloudevents") {
        return unpack(cloud_event::structured(body)?);
    }
    if headers.keys().any(|name| name == "ce-specversion" || name == "ce-type") {
        return unpack(cloud_event::binary(headers, "ce-", body)?);
    }
    if headers.contains_key("x-cloudscheduler") {
        let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
        return Ok(Envelope::Call(Call {
            job: header("x-cloudscheduler-jobname"),
            schedule_time: header("x-cloudscheduler-scheduletime"),
            body: body.to_vec(),
        }));
    }
    if headers.contains_key("x-goog-pubsub-message-id") {
        return Ok(Envelope::Message(message::unwrapped(headers, body)));
    }
    if body.is_empty() {
        return Err(Poison::new(Flaw::Envelope, "it has no body, and no headers of an event"));
    }
    rewrap(message::wrapped(body)?)
}

/// A CloudEvent may carry a Pub/Sub message.
fn unpack(event: CloudEvent) -> Result<Envelope, Poison> {
    if event.kind == "google.cloud.pubsub.topic.v1.messagePublished" {
        return rewrap(message::wrapped(&event.data)?);
    }
    Ok(Envelope::CloudEvent(event))
}

/// A Pub/Sub message may carry a CloudEvent, in its attributes or in its data.
fn rewrap(message: Message) -> Result<Envelope, Poison> {
    let content_type = message.attributes.get("content-type").map(|value| value.trim().to_ascii_lowercase());
    let event = if message.attributes.contains_key("ce-type") {
        cloud_event::binary(&message.attributes, "ce-", &message.data)?
    } else if content_type.is_some_and(|value| value.starts_with("application/cloudevents+json")) {
        cloud_event::structured(&message.data)?
    } else {
        return Ok(Envelope::Message(message));
    };
    Ok(Envelope::CloudEvent(event))
}
