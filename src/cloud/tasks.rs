//! Continuations: Cloud Tasks that call us back later.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::google::Google;
use crate::error::CloudError;
use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::Document;

const HOST: &str = "cloudtasks.googleapis.com";

/// One queue, and whose token its tasks carry.
#[derive(Clone, Debug)]
pub struct Tasks {
    google: Google,
    queue: String,
    service_account: String,
}

/// A task to be queued.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name inside the queue, `[A-Za-z0-9_-]`, unusable again for a day. A hash first, not a time,
    /// or the queue gets slow.
    pub name: String,
    /// When it is due; at once when `None`.
    pub at: Option<jiff::Timestamp>,
    /// Where it is sent.
    pub url: String,
    /// The audience of its token.
    pub audience: String,
    /// What is sent. Never a secret: a queue can be read.
    pub body: Value,
    /// How long it may take, in seconds: 15 to 1800.
    pub deadline_secs: u32,
}

/// What became of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It is in the queue.
    New,
    /// One of this name was there already, or ran within the last day.
    Already,
}

impl Tasks {
    /// The queue of this full name.
    pub fn new(google: Google, queue: impl Into<String>, service_account: impl Into<String>) -> Self {
        Self { google, queue: queue.into(), service_account: service_account.into() }
    }

    /// Queues a task. A name that was used before is not an error: the work is queued already.
    pub async fn enqueue(&self, task: &Task) -> Result<Queued, CloudError> {
        let request = GoogleRequest {
            method: Method::Post,
            host: HOST,
            path: format!("v2/{}/tasks", self.queue),
            query: Vec::new(),
            body: Body::Document(Document::new(self.body(task))),
            method_id: "cloudtasks.projects.locations.queues.tasks.create",
        };
        match self.google.call(&request).await {
            Ok(_) => Ok(Queued::New),
            Err(error) if error.status() == Some(409) => Ok(Queued::Already),
            Err(error) => Err(error),
        }
    }

    fn body(&self, task: &Task) -> Value {
        let Task { name, at, url, audience, body, deadline_secs } = task;
        let mut full = json!({
            "name": format!("{}/tasks/{name}", self.queue),
            "dispatchDeadline": format!("{deadline_secs}s"),
            "httpRequest": {
                "url": url,
                "httpMethod": "POST",
                "headers": {"Content-Type": "application/json"},
                "body": STANDARD.encode(body.to_string()),
                "oidcToken": {"serviceAccountEmail": self.service_account, "audience": audience},
            },
        });
        if let Some(at) = at {
            full["scheduleTime"] = Value::String(at.to_string());
        }
        json!({"task": full})
    }
}

#[cfg(test)]
mod tests;
