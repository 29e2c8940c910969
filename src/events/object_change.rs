//! A change of an object in a bucket, as Eventarc tells it and as the bucket's own notification does.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::cloud_event::CloudEvent;
use super::envelope::Envelope;
use super::message::Message;
use super::poison::{Flaw, Poison};

const EVENTARC: &str = "google.cloud.storage.object.v1.";

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It was written.
    Finalized,
    /// Its metadata was changed.
    MetadataUpdated,
    /// A version of it was deleted.
    Deleted,
    /// A version of it stopped being the live one, in a bucket with versions.
    Archived,
}

/// The names of a change: in Eventarc's types and in a notification's attribute `eventType`.
const CHANGES: [(Change, &str, &str); 4] = [
    (Change::Finalized, "finalized", "OBJECT_FINALIZE"),
    (Change::MetadataUpdated, "metadataUpdated", "OBJECT_METADATA_UPDATE"),
    (Change::Deleted, "deleted", "OBJECT_DELETE"),
    (Change::Archived, "archived", "OBJECT_ARCHIVE"),
];

/// A change of an object. Only its names are taken; what the object is now is read when the work is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ObjectChange {
    /// What became of it.
    pub change: Change,
    /// The bucket.
    pub bucket: String,
    /// The object.
    pub object: String,
    /// The version it is about.
    pub generation: i64,
    /// The version of that version's metadata, which only matters for a change of metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metageneration: Option<i64>,
}

impl ObjectChange {
    /// Equal for all deliveries of one change, over Eventarc and over a notification.
    pub fn key(&self) -> String {
        let Self { change, bucket, object, generation, metageneration } = self;
        match (change, metageneration) {
            (Change::MetadataUpdated, Some(meta)) => {
                format!("{}/{bucket}/{object}/{generation}/{meta}", change.name())
            }
            _ => format!("{}/{bucket}/{object}/{generation}", change.name()),
        }
    }
}

impl Change {
    /// Its name at the end of Eventarc's type.
    pub fn name(self) -> &'static str {
        CHANGES.iter().find(|(change, ..)| *change == self).map_or("", |(_, name, _)| name)
    }

    /// Eventarc's type.
    pub fn cause(self) -> String {
        format!("{EVENTARC}{}", self.name())
    }
}

/// The change that an envelope tells of, when it is one of these.
pub fn recognise(envelope: &Envelope, wanted: &[Change]) -> Option<Result<ObjectChange, Poison>> {
    let change = match envelope {
        Envelope::CloudEvent(event) => {
            let name = event.kind.strip_prefix(EVENTARC)?;
            CHANGES.iter().find(|(_, eventarc, _)| *eventarc == name)?.0
        }
        Envelope::Message(message) => {
            let name = message.attribute("eventtype")?;
            CHANGES.iter().find(|(.., notification)| *notification == name)?.0
        }
        Envelope::Call(_) => return None,
    };
    wanted.contains(&change).then(|| match envelope {
        Envelope::Message(message) => of_notification(change, message),
        Envelope::CloudEvent(event) => of_event(change, event),
        Envelope::Call(_) => Err(Poison::new(Flaw::Envelope, "a scheduler does not tell of objects")),
    })
}

#[derive(Deserialize)]
struct Resource {
    bucket: Option<String>,
    name: Option<String>,
    #[serde(default, deserialize_with = "number")]
    generation: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    metageneration: Option<i64>,
}

/// Eventarc: the object's metadata is the data. Data that is not JSON is left alone; the attributes name the
/// object too, but not its generation, for which the event's id stands in.
fn of_event(change: Change, event: &CloudEvent) -> Result<ObjectChange, Poison> {
    let resource = if event.is_json && !event.data.is_empty() {
        serde_json::from_slice(&event.data).map_err(|error| Poison::json("the data of the event", &error))?
    } else {
        Resource { bucket: None, name: None, generation: None, metageneration: None }
    };
    let Resource { bucket, name, generation, metageneration } = resource;
    let bucket = bucket
        .or_else(|| event.bucket.clone())
        .or_else(|| event.source.rsplit_once("/buckets/").map(|(_, bucket)| bucket.to_owned()));
    let subject = event.subject.as_deref().and_then(|subject| subject.strip_prefix("objects/"));
    let (bucket, object) = named(bucket.as_deref(), name.as_deref().or(subject))?;
    // The id is hashed to a number so that a duplicate of the event keeps its key.
    let generation = generation.unwrap_or_else(|| i64::from(crc32c::crc32c(event.id.as_bytes())));
    Ok(ObjectChange { change, bucket, object, generation, metageneration })
}

/// The bucket's own notification: everything is in the attributes, whatever the payload format is.
fn of_notification(change: Change, message: &Message) -> Result<ObjectChange, Poison> {
    let (bucket, object) = named(message.attribute("bucketid"), message.attribute("objectid"))?;
    let generation =
        message.attribute("objectgeneration").ok_or_else(|| Poison::missing("objectGeneration"))?;
    let generation =
        generation.parse().map_err(|_| Poison::new(Flaw::Shape, "objectGeneration is not a number"))?;
    let metageneration =
        serde_json::from_slice::<Resource>(&message.data).ok().and_then(|resource| resource.metageneration);
    Ok(ObjectChange { change, bucket, object, generation, metageneration })
}

fn named(bucket: Option<&str>, object: Option<&str>) -> Result<(String, String), Poison> {
    let there = |value: Option<&str>, what: &str| {
        value.filter(|value| !value.is_empty()).map(str::to_owned).ok_or_else(|| Poison::missing(what))
    };
    Ok((there(bucket, "the name of the bucket")?, there(object, "the name of the object")?))
}

/// A 64-bit number, which Google writes as text and its own samples as a number.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    match Option::<Either>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Either::Number(number)) => Ok(Some(number)),
        Some(Either::Text(text)) => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}
