//! CloudEvents 1.0 (and 0.3) in binary, structured and batch mode.

use cloudevents::{AttributesReader, Data, Event, EventBuilder, EventBuilderV10};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::envelope::Headers;
use super::poison::{Flaw, Poison};

/// Most events of one batch. Ten times what a sender could want to say at once about one bucket of specs.
const MOST: usize = 1000;

/// A CloudEvent as far as anything here looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudEvent {
    /// Id, unique with the source.
    pub id: String,
    /// Where it comes from.
    pub source: String,
    /// Its type.
    pub kind: String,
    /// What it is about.
    pub subject: Option<String>,
    /// The extension `bucket` of storage events.
    pub bucket: Option<String>,
    /// Whether the data can be JSON.
    pub is_json: bool,
    /// Its data; empty when there is none.
    pub data: Vec<u8>,
}

/// A CloudEvent whose attributes are headers that begin with `prefix`, percent-encoded.
///
/// # Errors
/// When an attribute that has to be there is missing.
pub fn binary(headers: &Headers, prefix: &str, body: &[u8]) -> Result<CloudEvent, Poison> {
    let attribute = |name: &str| headers.get(&format!("{prefix}{name}")).map(|value| decoded(value));
    let version = attribute("specversion").ok_or_else(|| Poison::missing("the attribute specversion"))?;
    if version != "1.0" && version != "0.3" {
        return Err(Poison::new(Flaw::Shape, "the attribute specversion is neither 1.0 nor 0.3"));
    }
    let mut builder = EventBuilderV10::new();
    if let Some(id) = attribute("id") {
        builder = builder.id(id);
    }
    if let Some(kind) = attribute("type") {
        builder = builder.ty(kind);
    }
    if let Some(source) = attribute("source") {
        builder = builder.source(source);
    }
    if let Some(subject) = attribute("subject") {
        builder = builder.subject(subject);
    }
    if let Some(bucket) = attribute("bucket") {
        builder = builder.extension("bucket", bucket);
    }
    let content_type = headers.get("content-type").map_or("application/json", String::as_str);
    let built = builder.data(content_type, body.to_vec()).build();
    // The library's text names the attribute and quotes nothing.
    Ok(read(built.map_err(|error| Poison::new(Flaw::Missing, error.to_string()))?))
}

/// A CloudEvent that is wholly in the body.
///
/// # Errors
/// When it is not JSON, or not a CloudEvent.
pub fn structured(body: &[u8]) -> Result<CloudEvent, Poison> {
    let event: Value = serde_json::from_slice(body).map_err(|error| Poison::json("the body", &error))?;
    one(event)
}

/// Many CloudEvents in one body.
///
/// # Errors
/// When it is not a list, or too long a one.
pub fn batch(body: &[u8]) -> Result<Vec<Result<CloudEvent, Poison>>, Poison> {
    let events: Vec<Value> =
        serde_json::from_slice(body).map_err(|error| Poison::json("the batch", &error))?;
    if events.len() > MOST {
        return Err(Poison::new(Flaw::TooMany, format!("the batch holds more than {MOST} events")));
    }
    Ok(events.into_iter().map(one).collect())
}

fn one(event: Value) -> Result<CloudEvent, Poison> {
    if !event.is_object() {
        return Err(Poison::new(Flaw::Shape, "the CloudEvent is not an object"));
    }
    let missing = ["specversion", "id", "type", "source"].into_iter().find(|name| event.get(name).is_none());
    if let Some(name) = missing {
        return Err(Poison::missing(&format!("the attribute {name}")));
    }
    let event: Event = serde_json::from_value(event)
        .map_err(|_| Poison::new(Flaw::Shape, "the CloudEvent has another shape than it should"))?;
    Ok(read(event))
}

fn read(event: Event) -> CloudEvent {
    let content_type = event.datacontenttype().unwrap_or("application/json").to_ascii_lowercase();
    let data = match event.data() {
        None => Vec::new(),
        Some(Data::Binary(bytes)) => bytes.clone(),
        Some(Data::String(text)) => text.clone().into_bytes(),
        Some(Data::Json(value)) => serde_json::to_vec(value).unwrap_or_default(),
    };
    CloudEvent {
        id: event.id().to_owned(),
        source: event.source().to_string(),
        kind: event.ty().to_owned(),
        subject: event.subject().map(str::to_owned),
        bucket: event.extension("bucket").map(ToString::to_string),
        is_json: !content_type.contains("protobuf"),
        data,
    }
}

/// Undoes the percent-encoding of a header. What is no valid text afterwards keeps a mark in its place.
fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_in_headers_are_percent_decoded() {
        let headers: Headers = [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-type", "t"),
            ("ce-source", "//s"),
            ("ce-subject", "objects/a%20b%C3%A9.yaml"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let event = binary(&headers, "ce-", b"{}").unwrap();
        assert_eq!(event.subject.as_deref(), Some("objects/a bé.yaml"));
        let missing: Headers = headers.into_iter().filter(|(name, _)| name != "ce-source").collect();
        assert_eq!(binary(&missing, "ce-", b"").unwrap_err().flaw, Flaw::Missing);
    }

    #[test]
    fn one_spoilt_event_of_a_batch_leaves_the_others() {
        let body = br#"[{"specversion":"1.0","id":"1","type":"t","source":"s","data_base64":"e30="}, {"id":"2"}, 3]"#;
        let events = batch(body).unwrap();
        assert_eq!(events[0].as_ref().unwrap().data, b"{}");
        assert!(events[1].is_err() && events[2].is_err());
    }
}
