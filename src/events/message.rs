//! Pub/Sub messages as a push subscription sends them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value;

use super::envelope::Headers;
use super::poison::{Flaw, Poison};

/// Standard base64; senders differ about the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A Pub/Sub message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id; empty when it was not said.
    pub id: String,
    /// When it was published, RFC 3339; empty when it was not said.
    pub publish_time: String,
    /// The subscription it came by; empty when it was not said.
    pub subscription: String,
    /// Its attributes, their names in lower case, since unwrapped they come as headers.
    pub attributes: BTreeMap<String, String>,
    /// Its data; empty when there is none.
    pub data: Vec<u8>,
}

impl Message {
    /// An attribute; its name in lower case. An empty one counts as missing.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[derive(Deserialize)]
struct Push {
    message: Option<Inner>,
    subscription: Option<String>,
}

/// A pushed message has its id and time twice, spelled in two ways; older ones only in one.
#[derive(Deserialize)]
struct Inner {
    data: Option<String>,
    attributes: Option<BTreeMap<String, Value>>,
    #[serde(rename = "messageId")]
    id: Option<Value>,
    #[serde(rename = "message_id")]
    id_twin: Option<Value>,
    #[serde(rename = "publishTime")]
    time: Option<Value>,
    #[serde(rename = "publish_time")]
    time_twin: Option<Value>,
}

/// The message of a push with its envelope.
///
/// # Errors
/// When it is no such envelope, or the twins differ, or the data is not base64.
pub fn wrapped(body: &[u8]) -> Result<Message, Poison> {
    let push: Push =
        serde_json::from_slice(body).map_err(|error| Poison::json("the body of the push", &error))?;
    let Push { message, subscription } = push;
    let Some(inner) = message else {
        return Err(Poison::new(Flaw::Envelope, "it is no CloudEvent, no push and no call of a scheduler"));
    };
    let Inner { data, attributes, id, id_twin, time, time_twin } = inner;
    let data = BASE64
        .decode(data.unwrap_or_default())
        .map_err(|_| Poison::new(Flaw::Encoding, "the data of the message is not base64"))?;
    let attributes = attributes.unwrap_or_default();
    Ok(Message {
        id: twins("messageId", id, id_twin)?,
        publish_time: twins("publishTime", time, time_twin)?,
        subscription: subscription.unwrap_or_default(),
        attributes: attributes
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), text(value)))
            .collect(),
        data,
    })
}

/// The message of a push without an envelope, whose attributes are among the headers.
pub fn unwrapped(headers: &Headers, body: &[u8]) -> Message {
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    Message {
        id: header("x-goog-pubsub-message-id"),
        publish_time: header("x-goog-pubsub-publish-time"),
        subscription: header("x-goog-pubsub-subscription-name"),
        attributes: headers.iter().filter(|(name, _)| *name != "authorization").map(cloned).collect(),
        data: body.to_vec(),
    }
}

fn cloned((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

fn twins(name: &str, one: Option<Value>, other: Option<Value>) -> Result<String, Poison> {
    match (one.map(text), other.map(text)) {
        (Some(one), Some(other)) if one != other => {
            Err(Poison::new(Flaw::Shape, format!("{name} comes twice and differs")))
        }
        (one, other) => Ok(one.or(other).unwrap_or_default()),
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_spelling_will_do_but_not_two_that_differ() {
        let message = wrapped(br#"{"message":{"message_id":7,"attributes":null}}"#).unwrap();
        assert_eq!((message.id.as_str(), message.data.len()), ("7", 0));
        let error = wrapped(br#"{"message":{"message_id":"7","messageId":"8"}}"#).unwrap_err();
        assert_eq!(error.flaw, Flaw::Shape);
        assert_eq!(wrapped(br#"{"message":{"data":"%"}}"#).unwrap_err().flaw, Flaw::Encoding);
        assert_eq!(wrapped(b"{}").unwrap_err().flaw, Flaw::Envelope);
    }
}
