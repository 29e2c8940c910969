//! Fetching events from Pub/Sub subscriptions by streaming pull.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::Subscriber;
use google_cloud_pubsub::model::Message;
use google_cloud_pubsub::subscriber::handler::Handler;
use google_cloud_pubsub::subscriber::{MessageStream, ShutdownBehavior};
use serde_json::{Value, json};

use super::wire::{self, Wire};
use crate::error::{CloudError, Failure};

const CALL: &str = "pubsub.subscriptions.streamingPull";
/// Most bytes that are fetched and not acknowledged. One message can have ten million.
const OUTSTANDING_BYTES: i64 = 64 << 20;
/// So long the library keeps a message from being sent to somebody else, again and again while it is held here.
const LEASE_EXTENSION: Duration = Duration::from_secs(30);

/// Subscriptions at Google's, or at an emulator's.
#[derive(Clone, Debug)]
pub struct Subscriptions {
    wire: Arc<Wire>,
    emulator: String,
}

/// A stream of messages of one subscription.
pub struct Stream {
    subscription: String,
    messages: MessageStream,
}

/// A message that was fetched. One that is dropped is delivered again.
pub struct Fetched {
    /// Its id.
    pub id: String,
    /// How often it was delivered, this time included, as far as Pub/Sub counts it.
    pub attempt: u32,
    /// The message as a push subscription would have sent it.
    pub body: Vec<u8>,
    handler: Handler,
}

impl Subscriptions {
    /// Subscriptions at the other end of a wire; at the emulator when there is one.
    pub fn new(wire: Arc<Wire>, emulator: &str) -> Self {
        Self { wire, emulator: emulator.to_owned() }
    }

    /// Opens a stream. Not more than so many messages are held at a time.
    ///
    /// # Errors
    /// When there are no credentials, or no client can be set up. That there is no such subscription shows at
    /// the first message.
    pub async fn open(&self, subscription: &str, outstanding: u32) -> Result<Stream, CloudError> {
        let builder = Subscriber::builder();
        let builder = if self.emulator.is_empty() {
            builder.with_credentials(self.wire.credentials().await?)
        } else {
            let credentials = anonymous::Builder::new().build();
            builder.with_endpoint(format!("http://{}", self.emulator)).with_credentials(credentials)
        };
        let client = builder.build().await;
        let client =
            client.map_err(|error| CloudError::new(CALL, Failure::Credentials, wire::whole(&error)))?;
        let messages = client
            .subscribe(subscription)
            .set_max_outstanding_messages(i64::from(outstanding))
            .set_max_outstanding_bytes(OUTSTANDING_BYTES)
            .set_max_lease_extension(LEASE_EXTENSION)
            .set_shutdown_behavior(ShutdownBehavior::WaitForProcessing)
            .build();
        Ok(Stream { subscription: subscription.to_owned(), messages })
    }
}

impl Stream {
    /// The next message; `None` when the stream has ended.
    ///
    /// # Errors
    /// When the subscription cannot be read: another stream has to be opened.
    pub async fn next(&mut self) -> Option<Result<Fetched, CloudError>> {
        let next = self.messages.next().await?;
        Some(match next {
            Ok((message, handler)) => Ok(Fetched {
                id: message.message_id.clone(),
                attempt: handler.delivery_attempt().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
                body: pushed(&self.subscription, message).to_string().into_bytes(),
                handler,
            }),
            Err(error) => {
                let text = wire::whole(&error);
                Err(CloudError::new(CALL, Failure::NoAnswer, text))
            }
        })
    }

    /// Takes nothing new, and waits until what is held is acknowledged or given back.
    pub async fn close(self) {
        self.messages.shutdown_token().shutdown().await;
    }
}

impl Fetched {
    /// It is dealt with. Should the acknowledgement get lost, it is delivered again, and is a duplicate then.
    pub fn acknowledge(self) {
        self.handler.ack();
    }

    /// It is to be delivered again.
    pub fn give_back(self) {
        self.handler.nack();
    }
}

/// A message as a push subscription would have sent it, so that it goes the same way from here on.
fn pushed(subscription: &str, message: Message) -> Value {
    let publish_time = message.publish_time.map(String::from).unwrap_or_default();
    json!({
        "message": {
            "data": STANDARD.encode(&message.data),
            "attributes": message.attributes,
            "messageId": message.message_id,
            "publishTime": publish_time,
        },
        "subscription": subscription,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::message;

    #[test]
    fn what_was_pulled_reads_like_what_was_pushed() {
        let fetched = Message::new()
            .set_data("data")
            .set_message_id("7")
            .set_attributes([("eventType", "OBJECT_FINALIZE")]);
        let body = pushed("projects/p/subscriptions/s", fetched).to_string();
        let read = message::wrapped(body.as_bytes()).unwrap();
        assert_eq!((read.id.as_str(), read.data.as_slice()), ("7", b"data".as_slice()));
        assert_eq!(read.attribute("eventtype"), Some("OBJECT_FINALIZE"));
        assert_eq!(read.subscription, "projects/p/subscriptions/s");
    }
}
