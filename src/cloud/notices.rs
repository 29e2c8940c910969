//! Telling others: CloudEvents on a Pub/Sub topic, and posts to a webhook.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::google::Google;
use super::retry::Patience;
use super::scrub;
use super::wire::Wire;
use crate::config::{NoticeFormat, NotifyConfig};
use crate::error::{CloudError, Failure};
use crate::notify::{Notice, event};
use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::Document;

const HOST: &str = "pubsub.googleapis.com";
/// The deployment's lease is held meanwhile, and what is not told now is told at the next look.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Pub/Sub takes so many messages at once.
const MOST_MESSAGES: usize = 1000;

/// Who is told.
#[derive(Clone, Debug)]
pub struct Notices {
    google: Google,
    wire: Arc<Wire>,
    config: NotifyConfig,
}

/// One who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    /// The Pub/Sub topic.
    Topic,
    /// The webhook.
    Webhook,
}

impl Receiver {
    /// Its name where it is noted what it was told.
    pub fn name(self) -> &'static str {
        match self {
            Receiver::Topic => "topic",
            Receiver::Webhook => "webhook",
        }
    }
}

impl Notices {
    /// Those whom the configuration names.
    pub fn new(google: Google, wire: Arc<Wire>, config: NotifyConfig) -> Self {
        let patience = Patience { budget: TIMEOUT, attempt: TIMEOUT, ..Patience::default() };
        Self { google: google.with_patience(patience), wire, config }
    }

    /// Everybody who is told.
    pub fn receivers(&self) -> Vec<Receiver> {
        let NotifyConfig { topic, webhook, .. } = &self.config;
        let topic = (!topic.is_empty()).then_some(Receiver::Topic);
        topic.into_iter().chain((!webhook.is_empty()).then_some(Receiver::Webhook)).collect()
    }

    /// Tells one of them, one after the other.
    ///
    /// # Errors
    /// When not all of it arrived for certain, with how many did. The error never holds the webhook's address.
    pub async fn send(&self, receiver: Receiver, notices: &[Notice]) -> Result<(), (usize, CloudError)> {
        let most = match (receiver, self.config.format) {
            (Receiver::Topic, _) => MOST_MESSAGES,
            (Receiver::Webhook, NoticeFormat::Slack) => usize::MAX,
            (Receiver::Webhook, NoticeFormat::CloudEvents) => 1,
        };
        let mut sent = 0;
        for batch in notices.chunks(most) {
            self.send_batch(receiver, batch).await.map_err(|error| (sent, error))?;
            sent += batch.len();
        }
        Ok(())
    }

    async fn send_batch(&self, receiver: Receiver, notices: &[Notice]) -> Result<(), CloudError> {
        match (receiver, self.config.format) {
            (Receiver::Topic, _) => self.google.call(&publish(&self.config.topic, notices)).await.map(drop),
            (Receiver::Webhook, NoticeFormat::Slack) => {
                let text = scrub::lines(&event::text(notices));
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                self.post("application/json", &json!({ "text": text })).await
            }
            (Receiver::Webhook, NoticeFormat::CloudEvents) => {
                for event in notices.iter().filter_map(Notice::cloud_event) {
                    self.post("application/cloudevents+json", &scrubbed(event)).await?;
                }
                Ok(())
            }
        }
    }

    async fn post(&self, content_type: &str, body: &Value) -> Result<(), CloudError> {
        const CALL: &str = "webhook";
        let client = self.wire.client().await?;
        let request = client
            .post(self.config.webhook.reveal())
            .timeout(TIMEOUT)
            .header("content-type", content_type)
            .body(body.to_string());
        let answer = self.wire.send(CALL, request).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        // What it says may repeat its own address, which is a secret.
        Err(CloudError::new(CALL, Failure::Status(answer.status.as_u16()), "the webhook refused the notice"))
    }
}

/// The call that publishes notices. A repeat is told by the events' ids.
pub fn publish(topic: &str, notices: &[Notice]) -> GoogleRequest {
    let message = |notice: &Notice| {
        let event = scrubbed(notice.cloud_event()?);
        Some(json!({
            "data": STANDARD.encode(event.to_string()),
            "attributes": {
                "content-type": "application/cloudevents+json",
                "deployment": notice.deployment,
                "kind": notice.kind(),
            },
        }))
    };
    let messages: Vec<Value> = notices.iter().filter_map(message).collect();
    GoogleRequest {
        method: Method::Post,
        host: HOST,
        path: format!("v1/{topic}:publish"),
        query: Vec::new(),
        body: Body::Document(Document::new(json!({ "messages": messages }))),
        method_id: "pubsub.projects.topics.publish",
    }
}

/// No text of ours holds a secret; what others wrote into theirs is looked through once more.
fn scrubbed(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(scrub::lines(&text)),
        Value::Array(items) => items.into_iter().map(scrubbed).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, scrubbed(value))).collect(),
        scalar => scalar,
    }
}
