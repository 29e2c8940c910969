//! A build changed its status: Cloud Build's topic `cloud-builds`, or Eventarc's `statusChanged`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cloud_event::CloudEvent;
use super::envelope::Envelope;
use super::message::Message;
use super::{Event, Poison};

/// The event's name.
pub const STEM: &str = "image_built";

const EVENTARC: &str = "google.cloud.cloudbuild.build.v1.";

/// A build changed its status. Whoever may publish can forge one, so only its id is taken; the build is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImageBuilt {
    /// The build's id; empty when it was not said.
    pub build: String,
    /// Its region; empty when it was not said, which means the global one.
    pub location: String,
    /// The status that was told: Cloud Build's word, or its number in the API's enum. Messages overtake each other.
    pub status: String,
}

impl ImageBuilt {
    /// Equal for all deliveries of one status of one build.
    pub fn key(&self) -> String {
        format!("build/{}/{}", self.build, self.status)
    }
}

/// A message with the attributes `buildId` and `status`, or an event of Cloud Build.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    match envelope {
        Envelope::Message(message) => {
            let (build, status) = (message.attribute("buildid")?, message.attribute("status")?);
            Some(Ok(of_message(build, status, message)))
        }
        Envelope::CloudEvent(event) => event.kind.starts_with(EVENTARC).then(|| of_event(event)),
        Envelope::Call(_) => None,
    }
}

#[derive(Default, Deserialize)]
struct Build {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    status: Option<serde_json::Value>,
}

fn of_message(build: &str, status: &str, message: &Message) -> Event {
    // A build that cannot be read still has its id in the attributes.
    let told: Build = serde_json::from_slice(&message.data).unwrap_or_default();
    let location = location(told.name.as_deref());
    Event::ImageBuilt(ImageBuilt { build: build.into(), location, status: status.into() })
}

fn of_event(event: &CloudEvent) -> Result<Event, Poison> {
    let told: Build =
        serde_json::from_slice(&event.data).map_err(|error| Poison::json("the data of the event", &error))?;
    let Build { id, name, status } = told;
    let location = location(name.as_deref());
    // Google's own samples have no id in the data; then the source may name the build.
    let named = event.source.rsplit_once("/builds/").map(|(_, id)| id.to_owned());
    let build = id.filter(|id| !id.is_empty()).or(named).unwrap_or_default();
    let status = match status {
        Some(serde_json::Value::String(status)) => status,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Ok(Event::ImageBuilt(ImageBuilt { build, location, status }))
}

/// The region in `projects/P/locations/L/builds/ID`.
fn location(name: Option<&str>) -> String {
    let parts: Vec<&str> = name.unwrap_or_default().split('/').collect();
    match parts.as_slice() {
        ["projects", _, "locations", location, ..] => (*location).to_owned(),
        _ => String::new(),
    }
}
