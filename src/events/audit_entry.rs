//! Somebody did something to a resource, and the audit log has it: Eventarc's `google.cloud.audit.log.v1.written`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use super::{Event, Poison};

/// The event's name.
pub const STEM: &str = "audit_entry";

const EVENTARC: &str = "google.cloud.audit.log.v1.written";
/// The log of what changes something. Data access logs have reads as well.
const ACTIVITY: &str = "cloudaudit.googleapis.com%2Factivity";

/// Somebody did something to a resource, or tried to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditEntry {
    /// The entry's id in its log.
    pub entry: String,
    /// The API: `sqladmin.googleapis.com`.
    pub service: String,
    /// What was called, in the API's words.
    pub method: String,
    /// The resource, in the API's words: `projects/_/buckets/b`, `apps/v1/namespaces/n/deployments/d`.
    pub resource: String,
    /// Who did it, where that was said.
    pub principal: String,
    /// What the caller calls itself.
    pub agent: String,
    /// Whether it is about a change that was made: in the activity log, and without an error.
    pub changed: bool,
}

impl AuditEntry {
    /// Equal for all deliveries of one entry.
    pub fn key(&self) -> String {
        format!("audit/{}/{}", self.entry, self.resource)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    insert_id: String,
    #[serde(default)]
    log_name: String,
    proto_payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    service_name: String,
    #[serde(default)]
    method_name: String,
    #[serde(default)]
    resource_name: String,
    #[serde(default)]
    authentication_info: Authentication,
    #[serde(default)]
    request_metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Authentication {
    principal_email: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    caller_supplied_user_agent: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: i64,
}

/// An event whose data is an entry of the audit log.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    let Envelope::CloudEvent(event) = envelope else { return None };
    (event.kind == EVENTARC).then(|| of(&event.id, &event.data))
}

fn of(id: &str, data: &[u8]) -> Result<Event, Poison> {
    let entry: Entry = serde_json::from_slice(data).map_err(|error| Poison::json("the entry", &error))?;
    let Entry { insert_id, log_name, proto_payload: payload } = entry;
    if payload.resource_name.is_empty() {
        return Err(Poison::missing("protoPayload.resourceName"));
    }
    Ok(Event::AuditEntry(AuditEntry {
        entry: if insert_id.is_empty() { id.to_owned() } else { insert_id },
        service: payload.service_name,
        method: payload.method_name,
        resource: payload.resource_name,
        principal: payload.authentication_info.principal_email,
        agent: payload.request_metadata.caller_supplied_user_agent,
        changed: log_name.ends_with(ACTIVITY) && payload.status.code == 0,
    }))
}
