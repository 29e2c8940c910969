//! A whole service on loopback: the door, the embedded cloud behind it, and an issuer of tokens.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dify_reconciler::cloud::{Cloud, wire};
use dify_reconciler::config::{AuthMode, Config, LogFormat, NotifyConfig};
use dify_reconciler::converge::Converger;
use dify_reconciler::embedded::clock::Clock;
use dify_reconciler::embedded::google::{Delays, Options, PendingTask, Server};
use dify_reconciler::http;
use dify_reconciler::state::State;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::issuer::{Issuer, Token};

/// Who delivers events.
pub const EVENTS: &str = "events@p.iam.gserviceaccount.com";
/// Whose token a task carries.
pub const TASKS: &str = "tasks@p.iam.gserviceaccount.com";

const QUEUE: &str = "projects/p/locations/us-central1/queues/dify";

/// A running service.
pub struct Service {
    /// Where the door is.
    pub url: String,
    /// The cloud behind it.
    pub google: Server,
    /// Who issues tokens.
    pub issuer: Issuer,
    /// The spec bucket's directory.
    pub specs: tempfile::TempDir,
    /// The state bucket's directory.
    pub state: tempfile::TempDir,
    /// What every request shares.
    pub app: http::App,
    /// Ends the service.
    pub stop: Option<oneshot::Sender<()>>,
    /// The service itself.
    pub serving: tokio::task::JoinHandle<std::io::Result<()>>,
    /// Whether looking at the clock panics, which both the door and the work do.
    pub broken_clock: Arc<AtomicBool>,
    client: reqwest::Client,
}

/// A service that verifies tokens itself.
pub async fn service() -> Service {
    with(|_| {}).await
}

/// A service whose configuration is changed a little. Its queue is paused, so that what is in it can be seen.
pub async fn with(change: impl FnOnce(&mut Config)) -> Service {
    let (specs, state) =
        (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let google = Server::start(Options {
        specs_dir: Some(specs.path().into()),
        state_dir: Some(state.path().into()),
        delays: Delays::none(),
        ..Options::new(Clock::running(1.0), "p", "1")
    })
    .expect("an embedded cloud");
    google.seed_queue(QUEUE, 10);
    set_queue(&google, "PAUSED");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let issuer = Issuer::start();
    let mut config = config(&google, &url, &issuer);
    change(&mut config);
    let broken_clock = Arc::new(AtomicBool::new(false));
    let app = http::App::new(config.clone(), converger(&config, broken_clock.clone())).expect("a door");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(http::serve_until(app.clone(), listener, async {
        let _ = stopped.await;
    }));
    let client = wire::build_client().expect("a client");
    Service { url, google, issuer, specs, state, app, stop: Some(stop), serving, broken_clock, client }
}

fn config(google: &Server, url: &str, issuer: &Issuer) -> Config {
    let parse = |text: &str| text.parse().expect("a URL");
    Config {
        project_id: "p".into(),
        spec_bucket: "specs".into(),
        state_bucket: "state".into(),
        queue: QUEUE.into(),
        service_url: Some(parse(url)),
        tasks_service_account: TASKS.into(),
        event_service_accounts: vec!["other@p.iam.gserviceaccount.com".into(), EVENTS.into()],
        endpoint_base: Some(parse(google.url())),
        kubeconfig: None,
        auth_mode: AuthMode::Verify,
        jwks_url: Some(parse(&issuer.url)),
        port: 1,
        log: "warn".into(),
        log_format: LogFormat::Text,
        otlp_endpoint: None,
        notify: NotifyConfig::default(),
        rotation_topic: String::new(),
        pubsub_emulator: String::new(),
    }
}

fn converger(config: &Config, broken_clock: Arc<AtomicBool>) -> Converger {
    let cloud = Arc::new(Cloud::connect(config));
    let state = State::new(cloud.objects.clone(), config.state_bucket.clone());
    Converger {
        cloud,
        state,
        spec_bucket: config.spec_bucket.clone(),
        now: Arc::new(move || {
            assert!(!broken_clock.load(Ordering::SeqCst), "the clock is broken, and this test wants it so");
            jiff::Timestamp::now()
        }),
        max_rounds: 3,
    }
}

fn set_queue(google: &Server, state: &str) {
    let path = format!("cloudtasks/{QUEUE}");
    let mut queue = google.get(&path).expect("a queue");
    queue["state"] = json!(state);
    google.put(&path, queue);
}

impl Service {
    /// Lets the queue deliver.
    pub fn resume_queue(&self) {
        set_queue(&self.google, "RUNNING");
    }

    /// What is in the queue.
    pub fn queued(&self) -> Vec<PendingTask> {
        self.google.pending_tasks()
    }

    /// A good token for events.
    pub fn events_token(&self) -> Token {
        Token::of(EVENTS, &self.url)
    }

    /// Posts with these headers and this body; answers the status and the body.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> (u16, String) {
        let mut request = self.client.post(format!("{}{path}", self.url)).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// Posts an event with this `Authorization`; answers the status.
    pub async fn ring_with(&self, authorization: &str) -> u16 {
        let (status, body) =
            self.post("/events", &[("authorization", authorization)], ring("prod.yaml").to_string()).await;
        assert_eq!(body, "", "nobody is told why");
        status
    }

    /// Posts a delivery with a good token; answers the status.
    pub async fn ring(&self, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> u16 {
        let token = self.events_token().header();
        let mut all = vec![("authorization", token.as_str())];
        all.extend(headers);
        self.post("/events", &all, body).await.0
    }

    /// Posts a task with a good token; answers the status.
    pub async fn task(&self, body: &Value) -> u16 {
        let token = Token::of(TASKS, &self.url).header();
        self.post("/tasks", &[("authorization", &token)], body.to_string()).await.0
    }

    /// Gets a page.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    /// A number of the service; 0 when it was never counted.
    pub async fn metric(&self, name: &str) -> u64 {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        line.unwrap_or(0)
    }

    /// The documents below a folder of the state bucket.
    pub fn kept(&self, folder: &str) -> Vec<Value> {
        let Ok(entries) = std::fs::read_dir(self.state.path().join(folder)) else { return Vec::new() };
        let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
        texts.filter_map(|text| serde_json::from_str(&text).ok()).collect()
    }

    /// Waits until something holds, for some seconds at most.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if holds(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{what} did not come about");
    }
}

/// A push that tells that an object of the spec bucket was written.
pub fn ring(object: &str) -> Value {
    json!({"message": {"messageId": "1", "attributes": {
        "eventType": "OBJECT_FINALIZE", "bucketId": "specs", "objectId": object, "objectGeneration": "7",
    }}, "subscription": "s"})
}

/// A task as the service itself would have queued it.
pub fn errand(object: &str) -> Value {
    let (deployment, _) = object.split_once('.').expect("an ending");
    json!({"deployment": deployment, "object": object, "slices": [], "cause": "test", "continuation": 0})
}
