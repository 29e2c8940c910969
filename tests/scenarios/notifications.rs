//! What changes is told: on a topic and to a webhook, each thing once, without secrets.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dify_reconciler::config::NoticeFormat;
use dify_reconciler::converge::Outcome;
use dify_reconciler::embedded::google::{Fault, FaultKind};
use dify_reconciler::resources::kubernetes::Kind;
use dify_reconciler::spec::types::Sensitive;
use serde_json::{Value, json};

use crate::harness::{MINIMAL, Stage};

const TOPIC: &str = "projects/demo-project/topics/notices";

/// A stage that tells what is new on a topic.
async fn telling() -> Stage {
    let mut stage = Stage::instant().await;
    stage.google.put(&format!("pubsub/{TOPIC}"), json!({ "name": TOPIC }));
    stage.configure(|config| config.notify.topic = TOPIC.into());
    stage
}

/// The events on the topic, in their order.
fn published(stage: &Stage) -> Vec<Value> {
    let paths = stage.google.paths(&format!("pubsub/{TOPIC}/messages/"));
    let event = |path: &String| {
        let message = stage.google.get(path).expect("a message");
        assert_eq!(message["attributes"]["content-type"], "application/cloudevents+json");
        let data = STANDARD.decode(message["data"].as_str().expect("data")).expect("base64");
        serde_json::from_slice(&data).expect("an event")
    };
    paths.iter().map(event).collect()
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
}

/// The conditions that were told of a slice.
fn told(events: &[Value], slice: &str) -> Vec<String> {
    let of_slice = events.iter().filter(|event| event["data"]["slice"] == slice);
    of_slice.map(|event| event["data"]["type"].as_str().expect("a type").to_owned()).collect()
}

fn fault(pattern: &str, times: u32) -> Fault {
    Fault { method: None, pattern: pattern.into(), kind: FaultKind::Forbidden, times }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_install_is_told_as_it_goes_and_nothing_twice() {
    let stage = telling().await;
    let work = stage.save("prod.yaml", MINIMAL).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let events = published(&stage);
    let last = events.last().expect("something was told");
    assert_eq!(
        (&last["type"], &last["data"]["what"]),
        (&json!("dify.reconciler.history.added.v1"), &json!("converged"))
    );
    assert_eq!(ids(&events).len(), events.len(), "each has an id of its own");

    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(published(&stage).len(), events.len(), "a look that finds nothing tells nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_stalls_and_recovers_is_told_both_times_but_not_while_it_flaps() {
    let stage = telling().await;
    let work = stage.save("prod.yaml", &format!("{MINIMAL}application_version: 1.17.0\n")).await;
    stage.settle(&work).await;
    let job = format!("{}-migrate-1-17-1", stage.namespace());
    stage.kubernetes.faults().fail_jobs(&job, "column exists already");
    let work = stage.save("prod.yaml", &format!("{MINIMAL}application_version: 1.17.1\n")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    assert_eq!(told(&published(&stage), "migration").last().map(String::as_str), Some("Stalled"));
    let before = told(&published(&stage), "migration").len();

    // It recovers at once, and that is told when it has lasted.
    stage.kubernetes.faults().clear();
    let namespace = stage.namespace();
    let jobs = stage.kubernetes.list("Job", &namespace);
    let mut names =
        jobs.iter().filter_map(|job| job.pointer("/metadata/name")?.as_str()?.strip_prefix(&namespace));
    let failed = names.find(|name| name.starts_with("-migrate-1-17-1")).expect("the Job that failed");
    stage.delete(Kind::Job, failed).await;
    let outcome = loop {
        match stage.once(&work).await {
            Outcome::Pending(wait) if wait < Duration::from_secs(20) => {
                stage.clock.advance(Duration::from_millis(200));
            }
            outcome => break outcome,
        }
    };
    let Outcome::Pending(wait) = outcome else {
        panic!("it looks again for the sake of telling: {outcome:?}")
    };
    assert_eq!(told(&published(&stage), "migration").len(), before, "not yet");
    stage.clock.advance(wait);
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(told(&published(&stage), "migration").last().map(String::as_str), Some("Ready"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_to_tell_fails_no_work_and_loses_nothing() {
    let stage = telling().await;
    stage.google.add_fault(fault("pubsub*", 1000));
    let work = stage.save("prod.yaml", "no_such_variable: 1\n").await;
    assert_eq!(stage.settle(&work).await, Outcome::Refused);
    assert!(published(&stage).is_empty());
    stage.google.clear_faults();
    assert_eq!(stage.settle(&work).await, Outcome::Refused);
    let events = published(&stage);
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["data"]["phase"], "refused");
    assert!(events[0]["data"]["errors"][0].as_str().is_some_and(|error| error.contains("no_such_variable")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_after_a_crash_has_the_same_id() {
    let stage = telling().await;
    // The process dies between telling and noting it.
    stage.google.intercept(|call| {
        match call.is_write() && call.path.contains("state") && told_is_written(call) {
            true => dify_reconciler::embedded::google::Verdict::DropBefore,
            false => dify_reconciler::embedded::google::Verdict::Pass,
        }
    });
    let work = stage.save("prod.yaml", "no_such_variable: 1\n").await;
    let died = tokio::time::timeout(Duration::from_secs(2), stage.once(&work)).await;
    let first = published(&stage);
    assert_eq!(first.len(), 1, "{died:?}");
    stage.google.clear_intercept();
    let lease = jiff::SignedDuration::from_secs(120);
    stage.clock.advance(lease.unsigned_abs());
    assert_eq!(stage.settle(&work).await, Outcome::Refused);
    let both = published(&stage);
    assert_eq!((both.len(), ids(&both).len()), (2, 1), "told twice, under one id");
    assert_eq!(stage.settle(&work).await, Outcome::Refused);
    assert_eq!(published(&stage).len(), 2);
}

fn told_is_written(call: &dify_reconciler::embedded::google::Call) -> bool {
    call.query.iter().any(|(name, value)| name == "name" && value.starts_with("told/"))
}

/// A webhook: what was posted to it, as content type and body.
struct Webhook {
    url: String,
    posts: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Webhook {
    fn answering(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/services/hunter2", listener.local_addr().expect("an address"));
        let posts = Arc::new(Mutex::new(Vec::new()));
        let kept = posts.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut reader = BufReader::new(connection.expect("a connection"));
                let (mut length, mut content_type, mut line) = (0, String::new(), String::new());
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    let lower = line.to_ascii_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        length = value.trim().parse().expect("a length");
                    }
                    if let Some(value) = lower.strip_prefix("content-type:") {
                        content_type = value.trim().to_owned();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                kept.lock()
                    .expect("posts")
                    .push((content_type, serde_json::from_slice(&body).expect("JSON")));
                let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
                reader.get_mut().write_all(answer.as_bytes()).expect("an answer");
            }
        });
        Self { url, posts }
    }

    fn posts(&self) -> Vec<(String, Value)> {
        self.posts.lock().expect("posts").clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_gets_one_text_a_look_and_nobody_sees_a_secret() {
    let hook = Webhook::answering("200 OK");
    let mut stage = telling().await;
    let url = hook.url.clone();
    stage.configure(|config| {
        config.notify.webhook = Sensitive::new(url);
        config.notify.format = NoticeFormat::Slack;
    });
    let secret = "s3cr3t-of-the-spec";
    let spec = format!("{MINIMAL}explicit_secret_values: {{MY_KEY: {secret}}}\n");
    let work = stage.save("prod.yaml", &spec).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let posts = hook.posts();
    let text = posts.last().expect("a post").1["text"].as_str().expect("a text").to_owned();
    assert!(text.contains("prod: converged"), "{text}");
    assert!(
        posts
            .iter()
            .all(|(kind, body)| kind == "application/json" && body.as_object().map(|o| o.len()) == Some(1))
    );
    let everything = format!("{posts:?}{:?}", published(&stage));
    assert!(!everything.contains(secret) && !everything.contains("hunter2"));
    let kept = format!("{:?}", stage.google.snapshot());
    assert!(!kept.contains("hunter2"), "the webhook's address is a secret, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_refuses_keeps_nobody_else_from_hearing() {
    let hook = Webhook::answering("410 Gone");
    let mut stage = telling().await;
    let url = hook.url.clone();
    stage.configure(|config| config.notify.webhook = Sensitive::new(url));
    let work = stage.save("prod.yaml", "no_such_variable: 1\n").await;
    assert_eq!(stage.settle(&work).await, Outcome::Refused);
    assert_eq!(stage.settle(&work).await, Outcome::Refused);
    assert_eq!(published(&stage).len(), 1, "the topic heard it once");
    let posts = hook.posts();
    assert_eq!(posts.len(), 2, "the webhook is tried again");
    assert_eq!(posts[0].1["id"], posts[1].1["id"]);
    assert_eq!(posts[0].0, "application/cloudevents+json");
}
