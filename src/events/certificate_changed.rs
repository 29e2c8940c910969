//! A certificate came, went, or has another state: Eventarc's `google.cloud.certificatemanager.certificate.v1.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cloud_event::CloudEvent;
use super::envelope::Envelope;
use super::{Event, Poison};

/// The event's name.
pub const STEM: &str = "certificate_changed";

const EVENTARC: &str = "google.cloud.certificatemanager.certificate.v1.";

/// A certificate came, went, or has another state. Never says which: that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CertificateChanged {
    /// `created`, `updated` or `deleted`.
    pub change: String,
    /// The certificate's full name; a deletion tells it in its subject alone.
    pub certificate: String,
    /// The event's id: a certificate changes more than once.
    pub event: String,
}

impl CertificateChanged {
    /// Equal for all deliveries of one change.
    pub fn key(&self) -> String {
        let Self { change, certificate, event } = self;
        format!("certificate/{change}/{certificate}/{event}")
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    payload: Payload,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    name: String,
}

/// An event of Certificate Manager about a certificate.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let Envelope::CloudEvent(event) = envelope else { return None };
    let change = event.kind.strip_prefix(EVENTARC)?;
    Some(of(change, event))
}

fn of(change: &str, event: &CloudEvent) -> Result<Event, Poison> {
    let told: Data = match event.data.as_slice() {
        [] => Data::default(),
        data => serde_json::from_slice(data).map_err(|error| Poison::json("the data", &error))?,
    };
    let subject = event.subject.clone().unwrap_or_default();
    let certificate = if told.payload.name.is_empty() { subject } else { told.payload.name };
    if certificate.is_empty() {
        return Err(Poison::missing("payload.name"));
    }
    let (change, event) = (change.to_owned(), event.id.clone());
    Ok(Event::CertificateChanged(CertificateChanged { change, certificate, event }))
}
