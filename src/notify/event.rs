//! How a notice looks: a CloudEvent, or a line for people.

use cloudevents::{EventBuilder, EventBuilderV10};
use serde_json::Value;

use super::{Notice, What, data};
use crate::condition::Condition;
use crate::state::status::About;

/// Longest line of a chat message; a first plan can have a hundred steps.
const LINE_CHARS: usize = 400;
/// Most lines of a chat message.
const LINES: usize = 40;

impl Notice {
    /// Its type, as it follows `dify.reconciler.`.
    pub fn kind(&self) -> &'static str {
        match &self.what {
            What::Condition { .. } => "condition.changed.v1",
            What::Approval(_) => "approval.wanted.v1",
            What::Happened { entry, .. } => match entry.about {
                None => "history.added.v1",
                Some(About::Rollout) => "rollout.v1",
                Some(About::Rotation) => "rotation.v1",
                Some(About::Backup) => "backup.v1",
            },
        }
    }

    /// The notice as a CloudEvent in structured mode; `None` never happens with what [`super::news`] makes.
    pub fn cloud_event(&self) -> Option<Value> {
        let mut event = EventBuilderV10::new()
            .id(&self.id)
            .ty(format!("dify.reconciler.{}", self.kind()))
            .source(format!("/dify-reconciler/deployments/{}", self.deployment))
            .subject(self.subject())
            .data("application/json", self.data());
        if let Some(at) = self.at {
            event = event.time(at.to_string());
        }
        serde_json::to_value(event.build().ok()?).ok()
    }

    fn subject(&self) -> String {
        self.slice().map_or_else(|| self.deployment.clone(), |slice| slice.name().to_owned())
    }

    fn data(&self) -> Value {
        let (deployment, generation) = (self.deployment.as_str(), self.generation);
        let data = match &self.what {
            What::Condition { was, is: Condition { slice, kind, reason, message } } => {
                let (slice, kind, reason, was) = (*slice, *kind, *reason, *was);
                serde_json::to_value(data::ConditionChanged {
                    deployment,
                    generation,
                    slice,
                    kind,
                    reason,
                    message,
                    was,
                })
            }
            What::Approval(wanted) => serde_json::to_value(data::ApprovalWanted {
                deployment,
                generation,
                hash: &wanted.hash,
                steps: &wanted.steps,
                approve: approve(deployment, &wanted.hash),
            }),
            What::Happened { entry, phase, errors } => serde_json::to_value(data::Happened {
                deployment,
                generation,
                at: entry.at,
                cause: &entry.cause,
                what: &entry.what,
                phase: *phase,
                errors,
            }),
        };
        data.unwrap_or_default()
    }

    /// The notice as one line for people.
    pub fn line(&self) -> String {
        let text = match &self.what {
            What::Condition { is: Condition { slice, kind, reason, message }, .. } => {
                let why = if message.is_empty() { String::new() } else { format!(": {message}") };
                format!("{} is {kind:?} ({reason:?}){why}", slice.name())
            }
            What::Approval(wanted) => {
                let steps = wanted.steps.join(", ");
                format!("an approval is wanted, `{}`: {steps}", approve(&self.deployment, &wanted.hash))
            }
            What::Happened { entry, errors, .. } => {
                let errors = errors.iter().map(|error| format!("; {error}")).collect::<String>();
                format!("{}{errors}", entry.what)
            }
        };
        let text = format!("{}: {}", self.deployment, text.replace(['\n', '\r'], " "));
        match text.char_indices().nth(LINE_CHARS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

fn approve(deployment: &str, hash: &str) -> String {
    format!("dify-reconciler approve {deployment} {hash}")
}

/// Many notices as one chat message.
pub fn text(notices: &[Notice]) -> String {
    let mut lines: Vec<String> = notices.iter().take(LINES).map(Notice::line).collect();
    if notices.len() > LINES {
        lines.push(format!("… and {} more; the status has them all", notices.len() - LINES));
    }
    lines.join("\n")
}
