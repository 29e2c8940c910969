//! A CloudEvent in each of its modes, alone and carried by a Pub/Sub message.
//!
//! The first byte of an input says how it is sent; the rest is the body.
#![no_main]

#[path = "../../src/events/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the service uses the rest")]
mod events;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use events::Headers;
use libfuzzer_sys::fuzz_target;

/// The types that there is a decoder for.
const TYPES: [&str; 4] = [
    "google.cloud.storage.object.v1.finalized",
    "google.cloud.pubsub.topic.v1.messagePublished",
    "google.cloud.cloudbuild.build.v1.statusChanged",
    "google.cloud.audit.log.v1.written",
];

fuzz_target!(|input: &[u8]| {
    let Some((how, body)) = input.split_first() else { return };
    let kind = TYPES[usize::from(how >> 3) % TYPES.len()];
    let one = |name: &str, value: &str| Headers::from([(name.to_owned(), value.to_owned())]);
    let (headers, body) = match how % 5 {
        0 => (one("content-type", "application/cloudevents+json"), body.to_vec()),
        1 => (one("content-type", "application/cloudevents-batch+json"), body.to_vec()),
        2 => {
            let attributes = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "//s"), ("ce-type", kind)];
            (attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), body.to_vec())
        }
        3 => {
            let event = serde_json::json!({"specversion": "1.0", "id": "1", "source": "//s", "type": kind,
                                           "data_base64": STANDARD.encode(body)});
            (one("content-type", "application/cloudevents+json"), event.to_string().into_bytes())
        }
        _ => {
            let message = serde_json::json!({"message": {"data": STANDARD.encode(body), "messageId": "1",
                "attributes": {"content-type": "application/cloudevents+json"}}});
            (one("content-type", "application/json"), message.to_string().into_bytes())
        }
    };
    for envelope in events::open(&headers, &body).into_iter().flatten() {
        if let Ok(event) = events::decode(&envelope) {
            assert!(!event.stem().is_empty() && !event.to_json().is_null());
            let _ = event.key();
        }
    }
});
