//! A backup, or the trial of one, is due: a scheduler's call, or its message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use super::{Event, Poison, resync_tick};

/// The event's name.
pub const STEM: &str = "backup_due";

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// To make a backup: `{"kind": "backup"}`.
    Backup,
    /// To restore the last one into a scratch database: `{"kind": "backup-verify"}`.
    BackupVerify,
}

/// A backup, or the trial of one, is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BackupDue {
    /// What is due.
    pub task: Task,
    /// The scheduler's job, or the subscription that the message came by.
    pub job: String,
    /// The slot: the schedule time, or the message's publish time, RFC 3339 as it was sent.
    pub slot: String,
    /// The one deployment that it is for; every one when it was not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
}

impl BackupDue {
    /// Equal for all deliveries of one slot of one job.
    pub fn key(&self) -> String {
        let Self { task, job, slot, deployment } = self;
        format!("{task:?}/{job}/{slot}/{}", deployment.as_deref().unwrap_or("*"))
    }
}

/// A call of Cloud Scheduler with `{"kind": "backup"}`, or a message with the attribute `kind=backup`.
pub fn recognise(envelope: &Envelope) -> Option<Result<Event, Poison>> {
    match envelope {
        Envelope::Call(call) => {
            let task = task(&resync_tick::wanted(call).ok()?)?;
            let (job, slot) = (call.job.clone(), call.schedule_time.clone());
            Some(Ok(Event::BackupDue(BackupDue { task, job, slot, deployment: deployment(&call.body) })))
        }
        Envelope::Message(message) => {
            let task = task(message.attribute("kind")?)?;
            let (job, slot) = (message.subscription.clone(), message.publish_time.clone());
            let deployment = message.attribute("deployment").map(str::to_owned);
            Some(Ok(Event::BackupDue(BackupDue { task, job, slot, deployment })))
        }
        Envelope::CloudEvent(_) => None,
    }
}

fn task(kind: &str) -> Option<Task> {
    serde_json::from_value(kind.into()).ok()
}

fn deployment(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.get("deployment")?.as_str().map(str::to_owned)
}
