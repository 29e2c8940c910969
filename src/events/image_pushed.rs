//! An image was pushed, tagged or deleted: Artifact Registry's topic `gcr`, whose messages have no attributes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use super::{Event, Poison};

/// The event's name.
pub const STEM: &str = "image_pushed";

/// An image was pushed, tagged or deleted. It proves nothing about where the image comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImagePushed {
    /// Whether it came or went.
    pub action: Action,
    /// The repository with its host: `europe-docker.pkg.dev/p/r/image`.
    pub image: String,
    /// The digest, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The tag, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Whether an image came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// It was pushed or tagged.
    Insert,
    /// It was deleted or untagged.
    Delete,
}

impl ImagePushed {
    /// Equal for all deliveries of one push of one digest under one tag.
    pub fn key(&self) -> String {
        let Self { action, image, digest, tag } = self;
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        format!("image/{action:?}/{image}:{}@{}", text(tag), text(digest))
    }
}

#[derive(Deserialize)]
struct Told {
    action: Action,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    tag: Option<String>,
}

/// A message whose data is `{"action": "INSERT", "digest": …, "tag": …}`.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let Envelope::Message(message) = envelope else { return None };
    let Told { action, digest, tag } = serde_json::from_slice(&message.data).ok()?;
    let by_digest = digest.as_deref().and_then(|digest| digest.split_once('@'));
    let by_tag = tag.as_deref().and_then(|tag| tag.rsplit_once(':'));
    let image = by_digest.or(by_tag)?.0.to_owned();
    let part = |part: Option<(&str, &str)>| part.map(|(_, value)| value.to_owned());
    Some(Ok(Event::ImagePushed(ImagePushed { action, image, digest: part(by_digest), tag: part(by_tag) })))
}
