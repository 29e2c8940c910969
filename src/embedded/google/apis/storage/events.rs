//! What a change of an object sets in motion: the event Eventarc would deliver, and Pub/Sub notifications.

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::notifications;
use crate::embedded::google::apis::pubsub;
use crate::embedded::google::context::Cx;
use crate::embedded::google::delivery::{Backoff, Delivery, Kind};
use crate::embedded::google::reply::public;
use crate::embedded::google::store::{stable_number, text};

/// What the HTTP binding of CloudEvents encodes in header values, besides what is not ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// A change of one object.
pub struct Change<'a> {
    event: &'static str,
    notification: &'static str,
    object: &'a Value,
    relation: Option<(&'static str, String)>,
    seen_in_directory: bool,
}

impl<'a> Change<'a> {
    fn new(event: &'static str, notification: &'static str, object: &'a Value) -> Self {
        Self { event, notification, object, relation: None, seen_in_directory: false }
    }

    /// A new generation, perhaps over an older one.
    pub fn finalized(object: &'a Value, over: Option<&Value>) -> Self {
        let relation = over.map(|old| ("overwroteGeneration", text(old, "generation").to_owned()));
        Self { relation, ..Self::new("finalized", "OBJECT_FINALIZE", object) }
    }

    /// A generation that is gone, perhaps because of a newer one.
    pub fn deleted(object: &'a Value, by: Option<&Value>) -> Self {
        Self { relation: replaced(by), ..Self::new("deleted", "OBJECT_DELETE", object) }
    }

    /// A generation that became noncurrent.
    pub fn archived(object: &'a Value, by: Option<&Value>) -> Self {
        Self { relation: replaced(by), ..Self::new("archived", "OBJECT_ARCHIVE", object) }
    }

    /// New metadata.
    pub fn metadata(object: &'a Value) -> Self {
        Self::new("metadataUpdated", "OBJECT_METADATA_UPDATE", object)
    }

    /// Somebody changed a file; such an event waits for a trigger if there is none yet.
    pub fn seen_in_directory(self) -> Self {
        Self { seen_in_directory: true, ..self }
    }
}

fn replaced(by: Option<&Value>) -> Option<(&'static str, String)> {
    by.map(|new| ("overwrittenByGeneration", text(new, "generation").to_owned()))
}

/// Queues the event for the bucket's triggers and publishes to its notification topics.
pub fn emit(cx: &mut Cx, change: Change<'_>) {
    let bucket = text(change.object, "bucket").to_owned();
    if change.seen_in_directory || cx.world.triggered.contains(&bucket) {
        let delivery = event(cx, &bucket, &change);
        cx.world.queue(delivery);
    }
    for config in notifications::all(cx, &bucket) {
        notify(cx, &bucket, &config, &change);
    }
}

fn event(cx: &mut Cx, bucket: &str, change: &Change<'_>) -> Delivery {
    let name = text(change.object, "name");
    let id = stable_number(&format!("event{}", cx.world.next_number()));
    let subject = format!("objects/{name}");
    let headers = [
        ("ce-specversion", "1.0".to_owned()),
        ("ce-id", id),
        ("ce-source", format!("//storage.googleapis.com/projects/_/buckets/{bucket}")),
        ("ce-type", format!("google.cloud.storage.object.v1.{}", change.event)),
        ("ce-subject", utf8_percent_encode(&subject, ENCODED).to_string()),
        ("ce-time", cx.stamp()),
        ("ce-bucket", bucket.to_owned()),
        ("content-type", "application/json".to_owned()),
        (
            "user-agent",
            "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)".to_owned(),
        ),
    ];
    Delivery {
        id: 0,
        kind: Kind::Event { bucket: bucket.to_owned() },
        due: cx.now,
        attempts: 0,
        responses: 0,
        in_flight: false,
        url: String::new(),
        method: "POST".into(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body: BASE64_STANDARD.encode(public(change.object).to_string()),
        token: None,
        backoff: Backoff::events(),
    }
}

fn notify(cx: &mut Cx, bucket: &str, config: &Value, change: &Change<'_>) {
    let name = text(change.object, "name");
    let types = config["event_types"].as_array();
    let wanted = types.is_none_or(|types| types.is_empty() || types.contains(&json!(change.notification)));
    if !wanted || !name.starts_with(text(config, "object_name_prefix")) {
        return;
    }
    let format = config["payload_format"].as_str().unwrap_or("JSON_API_V1");
    let mut attributes = json!({
        "notificationConfig": format!("projects/_/buckets/{bucket}/notificationConfigs/{}", text(config,
        "id")),
        "eventType": change.notification, "payloadFormat": format, "bucketId": bucket, "objectId": name,
        "objectGeneration": change.object["generation"], "eventTime": cx.stamp(),
    });
    if let Some((relation, generation)) = &change.relation {
        attributes[*relation] = json!(generation);
    }
    for (name, value) in config["custom_attributes"].as_object().into_iter().flatten() {
        attributes[name.as_str()] = value.clone();
    }
    let data = if format == "NONE" { String::new() } else { public(change.object).to_string() };
    let topic = text(config, "topic").trim_start_matches("//pubsub.googleapis.com/").to_owned();
    pubsub::publish(cx, &topic, json!({"data": BASE64_STANDARD.encode(data), "attributes": attributes}));
}
