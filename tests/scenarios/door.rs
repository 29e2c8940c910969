//! A service in front of a stage: events come in over HTTP as they really look, the queue brings the work back to
//! `/tasks`, and time is moved by hand to when the next task is due.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dify_reconciler::cloud::wire;
use dify_reconciler::handlers::Errand;
use dify_reconciler::http;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::harness::Stage;

const QUEUE: &str = "projects/demo-project/locations/us-central1/queues/dify";
/// Who delivers events and tasks.
const CALLER: &str = "doorbell@demo-project.iam.gserviceaccount.com";
/// Longest real time that a work may take before the test gives up.
const LONGEST: Duration = Duration::from_secs(120);

/// A service in front of a stage. It ends when this goes.
pub struct Door {
    url: String,
    client: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

/// A delivery as a file under `events/` shows it.
pub struct Sample {
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Sample {
    /// The sample of this name: `image_pushed/push-tagged`.
    pub fn read(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("events/{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is there", path.display()));
        let sample: Value = serde_json::from_str(&text).expect("JSON");
        let headers = sample["headers"].as_object().expect("headers").iter();
        let headers =
            headers.map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned())).collect();
        Self { headers, body: sample["body"].clone() }
    }

    /// The same about something of this stage: every occurrence of a text is replaced, in headers, in the body and in
    /// the data of its message.
    pub fn about(self, changes: &[(&str, &str)]) -> Self {
        let change =
            |text: &str| changes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let mut body = self.body;
        if let Some(data) = body.pointer("/message/data").and_then(Value::as_str).map(str::to_owned) {
            let inner = String::from_utf8(STANDARD.decode(data).expect("base64")).expect("text");
            body["message"]["data"] = STANDARD.encode(change(&inner)).into();
        }
        let body = serde_json::from_str(&change(&body.to_string())).expect("still JSON");
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), change(value))).collect();
        Self { headers, body }
    }
}

impl Door {
    /// Opens the door; the stage's own worker is the service's from now on.
    pub async fn open(stage: &mut Stage) -> Self {
        stage.google.seed_queue(QUEUE, 10);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let keys = format!("{}/www.googleapis.com/oauth2/v3/certs", stage.google.url());
        stage.configure(|config| {
            config.service_url = Some(url.parse().expect("a URL"));
            config.jwks_url = Some(keys.parse().expect("a URL"));
            config.tasks_service_account = CALLER.into();
            config.event_service_accounts = vec![CALLER.into()];
        });
        let app = http::App::new(stage.config().clone(), stage.converger.clone()).expect("a door");
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(http::serve_until(app, listener, async {
            let _ = stopped.await;
        }));
        Self { url, client: wire::build_client().expect("a client"), _stop: stop }
    }

    /// Rings, and is let in.
    pub async fn ring(&self, stage: &Stage, sample: &Sample) {
        let token = stage.google.id_token(CALLER, &self.url).expect("a token");
        let body = match &sample.body {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut request = self.client.post(format!("{}/events", self.url)).bearer_auth(token).body(body);
        for (name, value) in &sample.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 204, "the event is taken");
    }

    /// Stops the queue, or lets it deliver again.
    pub fn hold_queue(&self, stage: &Stage, held: bool) {
        let path = format!("cloudtasks/{QUEUE}");
        let mut queue = stage.google.get(&path).expect("a queue");
        queue["state"] = json!(if held { "PAUSED" } else { "RUNNING" });
        stage.google.put(&path, queue);
    }

    /// What is in the queue.
    pub fn queued(&self, stage: &Stage) -> Vec<Errand> {
        let tasks = stage.google.pending_tasks();
        let bodies = tasks.iter().filter_map(|task| stage.google.task_body(&task.name));
        bodies.map(|body| Errand::read(&body).expect("an errand")).collect()
    }

    /// Lets the queue deliver, and moves the clock to what is due next, until nothing is queued any more or this much
    /// time has gone by.
    pub async fn work_for(&self, stage: &Stage, limit: Duration) {
        let end = stage.clock.now() + SignedDuration::try_from(limit).expect("it fits");
        loop {
            stage.let_time_pass();
            self.settle_due(stage).await;
            let Some(next) = stage.google.pending_tasks().into_iter().map(|task| task.eta).min() else {
                return;
            };
            let wait = |to: jiff::Timestamp| Duration::try_from(to.duration_since(stage.clock.now()));
            if next > end {
                stage.clock.advance(wait(end).unwrap_or_default());
                return;
            }
            stage.clock.advance(wait(next).unwrap_or_default());
        }
    }

    /// Waits until everything that is due has been done.
    async fn settle_due(&self, stage: &Stage) {
        let began = std::time::Instant::now();
        loop {
            let now = stage.clock.now();
            let due: Vec<_> =
                stage.google.pending_tasks().into_iter().filter(|task| task.eta <= now).collect();
            if due.is_empty() {
                return;
            }
            assert!(due.iter().all(|task| task.attempts < 5), "a work fails again and again: {due:#?}");
            assert!(began.elapsed() < LONGEST, "it is not done: {due:#?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
