//! What is published, and what becomes of it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dify_reconciler::cloud::wire;
use dify_reconciler::embedded::google::{Fault, FaultKind};
use dify_reconciler::http::pull::{Pull, pull};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::service::{Service, with};
use crate::support::{self, Emulator};

/// A topic and a subscription to it on the emulator.
struct Topic {
    url: String,
    name: &'static str,
    client: reqwest::Client,
}

impl Topic {
    async fn new(emulator: &Emulator, name: &'static str) -> Self {
        let client = wire::build_client().expect("a client");
        let topic = Self { url: format!("http://{}/v1/projects/p", emulator.host), name, client };
        topic.send("PUT", &format!("topics/{name}"), json!({})).await;
        let subscription = json!({"topic": format!("projects/p/topics/{name}"), "ackDeadlineSeconds": 10});
        topic.send("PUT", &format!("subscriptions/{name}"), subscription).await;
        topic
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let method = method.parse().expect("a method");
        let request = self.client.request(method, format!("{}/{path}", self.url)).body(body.to_string());
        let answer = request.header("content-type", "application/json").send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
    }

    async fn publish(&self, attributes: Value, data: &str) {
        let message = json!({"data": STANDARD.encode(data), "attributes": attributes});
        self.send("POST", &format!("topics/{}:publish", self.name), json!({"messages": [message]})).await;
    }

    /// Tells that an object of the spec bucket was written.
    async fn ring(&self, object: &str) {
        let attributes = json!({
            "eventType": "OBJECT_FINALIZE", "bucketId": "specs", "objectId": object, "objectGeneration": "7",
        });
        self.publish(attributes, "{}").await;
    }

    /// How many messages would be delivered to somebody else now.
    async fn left(&self) -> usize {
        let path = format!("subscriptions/{}:pull", self.name);
        let request = self.send("POST", &path, json!({"maxMessages": 100, "returnImmediately": true}));
        let answer = request.await;
        answer["receivedMessages"].as_array().map_or(0, Vec::len)
    }

    fn pull(&self) -> Pull {
        let first_pause = Duration::from_millis(50);
        Pull { first_pause, ..Pull::from(&format!("projects/p/subscriptions/{}", self.name)) }
    }
}

/// A service that pulls.
async fn pulling(emulator: &Emulator, settings: Pull) -> (Service, JoinHandle<()>) {
    let door = with(|config| config.pubsub_emulator = emulator.host.clone()).await;
    let pulling = tokio::spawn(pull(door.app.clone(), settings));
    (door, pulling)
}

async fn ended(mut door: Service, pulling: JoinHandle<()>) {
    drop(door.stop.take());
    let both = async { (pulling.await, (&mut door.serving).await) };
    let (pulled, served) = tokio::time::timeout(Duration::from_secs(15), both).await.expect("in time");
    pulled.expect("without a panic");
    served.expect("without a panic").expect("without an error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_event_is_one_task_however_often_it_is_published() {
    let Some(emulator) = support::pubsub_or_skip() else { return };
    let topic = Topic::new(emulator, "spec").await;
    let (door, pulling) = pulling(emulator, topic.pull()).await;
    for _ in 0..3 {
        topic.ring("prod.yaml").await;
    }
    topic.ring("other.yaml").await;
    let event = r#"{"bucket":"specs","name":"prod.yaml","generation":"7"}"#;
    let attributes = json!({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "//s",
                            "ce-type": "google.cloud.storage.object.v1.finalized"});
    topic.publish(attributes, event).await;
    for (outcome, count) in [("queued", 2), ("duplicate", 3)] {
        let name = format!(r#"dify_events_total{{event="spec_committed",outcome="{outcome}"}}"#);
        counted(&door, &name, count).await;
    }
    assert_eq!(door.queued().len(), 2);
    ended(door, pulling).await;
    assert_eq!(topic.left().await, 0, "everything was acknowledged");
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_acknowledged_and_kept_as_it_would_have_been_pushed() {
    let Some(emulator) = support::pubsub_or_skip() else { return };
    let topic = Topic::new(emulator, "poison").await;
    let (door, pulling) = pulling(emulator, topic.pull()).await;
    let attributes = json!({"eventType": "OBJECT_FINALIZE", "bucketId": "specs", "objectGeneration": "many"});
    topic.publish(attributes, "{}").await;
    door.until("the poison", |door| door.kept("poison").len() == 1).await;
    let kept = door.kept("poison").remove(0);
    assert_eq!(kept["route"], "pull");
    let body = STANDARD.decode(kept["body_base64"].as_str().expect("text")).expect("base64");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["message"]["attributes"]["objectGeneration"], "many");
    assert_eq!(body["subscription"], "projects/p/subscriptions/poison");
    counted(&door, r#"dify_requests_total{route="pull",reply="put-aside"}"#, 1).await;
    ended(door, pulling).await;
    assert_eq!(topic.left().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_queued_is_given_back_and_comes_again() {
    let Some(emulator) = support::pubsub_or_skip() else { return };
    let topic = Topic::new(emulator, "again").await;
    let (door, pulling) = pulling(emulator, topic.pull()).await;
    door.google.add_fault(Fault::new("cloudtasks", FaultKind::Forbidden, 2));
    topic.ring("prod.yaml").await;
    door.until("the task", |door| door.queued().len() == 1).await;
    counted(&door, r#"dify_requests_total{route="pull",reply="unavailable"}"#, 2).await;
    counted(&door, r#"dify_requests_total{route="pull",reply="taken"}"#, 1).await;
    ended(door, pulling).await;
    assert_eq!(topic.left().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_whenever_it_is_tried_is_put_aside() {
    let Some(emulator) = support::pubsub_or_skip() else { return };
    let topic = Topic::new(emulator, "hopeless").await;
    let (door, pulling) = pulling(emulator, Pull { most_attempts: 3, ..topic.pull() }).await;
    door.google.add_fault(Fault::new("cloudtasks", FaultKind::Forbidden, 1000));
    topic.ring("prod.yaml").await;
    door.until("the end of patience", |door| door.kept("poison").len() == 1).await;
    assert_eq!(door.kept("poison")[0]["flaw"], "undeliverable");
    counted(&door, r#"dify_requests_total{route="pull",reply="unavailable"}"#, 3).await;
    ended(door, pulling).await;
    assert_eq!(topic.left().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_held_than_was_said_and_a_lease_is_kept_alive() {
    let Some(emulator) = support::pubsub_or_skip() else { return };
    let topic = Topic::new(emulator, "flow").await;
    let settings = Pull { outstanding: 2, first_pause: Duration::from_secs(12), ..topic.pull() };
    let (door, pulling) = pulling(emulator, settings).await;
    door.google.add_fault(Fault::new("cloudtasks", FaultKind::Forbidden, 1000));
    for name in ["a", "b", "c", "d", "e", "f"] {
        topic.ring(&format!("{name}.yaml")).await;
    }
    let failed = r#"dify_requests_total{route="pull",reply="unavailable"}"#;
    counted(&door, failed, 2).await;
    // Beyond the subscription's own deadline of 10 s, and short of the pause.
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(door.metric(failed).await, 2, "two are held, still by us, and no third came");
    door.google.clear_faults();
    door.until("all of them", |door| door.queued().len() == 6).await;
    ended(door, pulling).await;
    assert_eq!(topic.left().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_is_not_there_yet_is_found_when_it_is() {
    let Some(emulator) = support::pubsub_or_skip() else { return };
    let client = wire::build_client().expect("a client");
    let url = format!("http://{}/v1/projects/p", emulator.host);
    let late = Topic { url, name: "late", client };
    let (door, pulling) = pulling(emulator, late.pull()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let topic = Topic::new(emulator, "late").await;
    topic.ring("prod.yaml").await;
    door.until("the task", |door| door.queued().len() == 1).await;
    ended(door, pulling).await;
}

async fn counted(door: &Service, name: &str, count: u64) {
    for _ in 0..400 {
        if door.metric(name).await == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{name} is {} and not {count}", door.metric(name).await);
}
