//! What Secret Manager tells of a secret: one message shape for the events `rotation_due` and `secret_changed`.

use super::message::Message;

/// A rotation is due. Secret Manager rotates nothing itself.
pub const ROTATE: &str = "SECRET_ROTATE";

/// What a message of Secret Manager names.
pub struct Told {
    /// What happened: `SECRET_VERSION_ADD`.
    pub kind: String,
    /// The secret's full name, with the project's number in it; empty for the probe that setting a topic sends.
    pub secret: String,
    /// The version's full name, where it is about one.
    pub version: Option<String>,
    /// When, RFC 3339 with an offset, as it was sent; the message's own time when it was not said.
    pub at: String,
}

/// Reads a message of Secret Manager; `None` when it is somebody else's.
pub fn told(message: &Message) -> Option<Told> {
    let kind = message.attribute("eventtype")?;
    if !kind.starts_with("SECRET_") && kind != "TOPIC_CONFIGURED" {
        return None;
    }
    let text = |name: &str| message.attribute(name).map(str::to_owned);
    Some(Told {
        kind: kind.to_owned(),
        secret: text("secretid").unwrap_or_default(),
        version: text("versionid"),
        at: text("timestamp").unwrap_or_else(|| message.publish_time.clone()),
    })
}
