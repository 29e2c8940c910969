//! Events that are known, and that nothing is made of in this version. They are acknowledged, counted and
//! logged, never silently dropped. When one gets its file, its line here goes.

use serde::Serialize;

use super::envelope::Envelope;
use super::message::Message;
use super::{Event, Poison, resync_tick};

/// An event that is known, and that nothing is made of in this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotBuiltYet {
    /// The stem that its files will have.
    pub stem: &'static str,
    /// What it calls itself.
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// The beginning of CloudEvents' types, and the stem of the event that will be made of them.
const TYPES: &[(&str, &str)] = &[
    ("google.cloud.cloudbuild.build.v1.", "image_built"),
    ("google.cloud.deploy.", "rollout_promoted"),
    ("google.cloud.audit.log.v1.written", "audit_entry"),
    ("google.cloud.secretmanager.", "rotation_due"),
    ("google.cloud.certificatemanager.", "certificate_changed"),
];

/// Recognises what is still to come.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let event = match envelope {
        Envelope::CloudEvent(event) => {
            let (_, stem) = TYPES.iter().find(|(start, _)| event.kind.starts_with(start))?;
            NotBuiltYet { stem, kind: event.kind.clone(), id: event.id.clone() }
        }
        Envelope::Message(message) => {
            let (stem, kind) = of_message(message)?;
            NotBuiltYet { stem, kind, id: message.id.clone() }
        }
        Envelope::Call(call) => {
            let kind = resync_tick::wanted(call).ok().filter(|kind| kind == "backup")?;
            NotBuiltYet { stem: "backup_due", kind, id: format!("{}/{}", call.job, call.schedule_time) }
        }
    };
    Some(Ok(Event::NotBuiltYet(event)))
}

/// Told by their attributes: Secret Manager, Cloud Build, Artifact Registry (which has none), Cloud Deploy.
fn of_message(message: &Message) -> Option<(&'static str, String)> {
    let attribute = |name: &str| message.attribute(name);
    if let Some(kind) = attribute("eventtype").filter(|kind| is_of_secret(kind)) {
        return Some(("rotation_due", kind.to_owned()));
    }
    if let (Some(_), Some(status)) = (attribute("buildid"), attribute("status")) {
        return Some(("image_built", format!("cloud-builds {status}")));
    }
    if let (Some(action), Some(_)) = (attribute("action"), attribute("resource").or(attribute("rollout"))) {
        return Some(("rollout_promoted", format!("clouddeploy {action}")));
    }
    if attribute("kind") == Some("backup") {
        return Some(("backup_due", "backup".into()));
    }
    image_action(&message.data).map(|action| ("image_pushed", format!("gcr {action}")))
}

fn is_of_secret(kind: &str) -> bool {
    kind.starts_with("SECRET_") || kind == "TOPIC_CONFIGURED"
}

/// The topic `gcr` says `{"action": "INSERT", "digest": …}`.
fn image_action(data: &[u8]) -> Option<&'static str> {
    let body: serde_json::Value = serde_json::from_slice(data).ok()?;
    body.get("digest").or(body.get("tag"))?;
    match body.get("action")?.as_str()? {
        "INSERT" => Some("INSERT"),
        "DELETE" => Some("DELETE"),
        _ => None,
    }
}
