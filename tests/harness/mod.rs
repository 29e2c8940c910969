//! A stage for scenarios: the embedded cloud under a clock moved by hand, and a worker on it.
//!
//! Everything goes through real HTTP, the real parser, planner and clients; only time is ours.
#![allow(dead_code)]

mod project;
mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dify_reconciler::cloud::{Cloud, ClusterAddress, Precondition};
use dify_reconciler::config::Config;
use dify_reconciler::converge::{Converger, Outcome, Work};
use dify_reconciler::embedded::clock::Clock;
use dify_reconciler::embedded::{containers, google, kubernetes};
use dify_reconciler::resources::kubernetes::Kind;
use dify_reconciler::state::State;
use dify_reconciler::state::status::{self, Status};
use jiff::Timestamp;
use serde_json::Value;

pub use project::MINIMAL;
use project::{config, make_bucket};

/// Longest virtual time a scenario may take.
const PATIENCE: Duration = Duration::from_secs(4 * 3600);

/// The embedded cloud and a worker.
pub struct Stage {
    pub google: google::Server,
    pub kubernetes: kubernetes::Server,
    pub clock: Clock,
    pub converger: Converger,
    config: Config,
    pace: Pace,
}

/// How long what the clouds do takes.
#[derive(Clone, Copy)]
pub enum Pace {
    /// As long as in production.
    Real,
    /// Everything is done at the next look.
    Instant,
}

impl Pace {
    fn delays(self) -> (google::Delays, kubernetes::Delays) {
        match self {
            Self::Real => (google::Delays::default(), kubernetes::Delays::default()),
            Self::Instant => (google::Delays::none(), kubernetes::Delays::NONE),
        }
    }
}

impl Stage {
    /// An empty project with a network and a cluster, where things take as long as in production.
    pub async fn new() -> Self {
        Self::at(Pace::Real).await
    }

    /// The same, where everything is done at the next look.
    pub async fn instant() -> Self {
        Self::at(Pace::Instant).await
    }

    async fn at(pace: Pace) -> Self {
        let (google, kubernetes) = pace.delays();
        let clock = Clock::manual("2026-11-23T00:00:00Z".parse().expect("a time"));
        let options = google::Options::new(clock.clone(), "demo-project", "123456789012");
        let google = google::Server::start(google::Options { delays: google, ..options })
            .expect("the embedded project starts");
        google.seed_defaults();
        let options = kubernetes::Options {
            containers: Some(containers::of(google.files())),
            ..kubernetes::Options::new(clock.clone(), kubernetes)
        };
        let kubernetes = kubernetes::Server::start(options).expect("the embedded cluster starts");
        google.seed_cluster(google::Cluster::autopilot(kubernetes.url()));
        let config = config(google.url(), None);
        let converger = worker(&config, &clock);
        for bucket in ["specs", "state"] {
            make_bucket(&converger.cloud, bucket).await;
        }
        Self { google, kubernetes, clock, converger, config, pace }
    }

    /// The same world once more, going its own way from here, with a worker of its own.
    pub fn copy(&self) -> Self {
        self.copy_at(self.pace)
    }

    /// The same, where from here on things take longer or less long.
    pub fn copy_at(&self, pace: Pace) -> Self {
        let clock = Clock::manual(self.clock.now());
        let (slow, delays) = pace.delays();
        let kubernetes = self.kubernetes.copy(clock.clone()).expect("a copy of the cluster starts");
        let google = self.google.copy(clock.clone(), slow).expect("a copy of the project starts");
        kubernetes.set_delays(delays);
        kubernetes.set_containers(containers::of(google.files()));
        google.seed_cluster(google::Cluster::autopilot(kubernetes.url()));
        let endpoint_base = config(google.url(), None).endpoint_base;
        let config = Config { endpoint_base, ..self.config.clone() };
        let converger = worker(&config, &clock);
        Self { google, kubernetes, clock, converger, config, pace }
    }

    /// The environment of the stage's worker.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A worker in an environment that is a little different.
    pub fn configure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.reborn();
    }

    /// Another worker in the same world, as a second instance of the service.
    pub fn twin(&self) -> Converger {
        worker(&self.config, &self.clock)
    }

    /// A worker that remembers nothing, as after a crash.
    pub fn reborn(&mut self) {
        self.converger = worker(&self.config, &self.clock);
    }

    /// Puts a spec into the bucket and answers the work it asks for.
    pub async fn save(&self, name: &str, text: &str) -> Work {
        self.converger
            .cloud
            .objects
            .write("specs", name, text.to_owned().into(), "application/yaml", Precondition::None)
            .await
            .expect("the spec is written");
        Work::on(name, "test")
    }

    /// Takes a spec out of the bucket and answers the work that this asks for.
    pub async fn withdraw(&self, name: &str) -> Work {
        self.converger.cloud.objects.delete("specs", name, None).await.expect("the spec is deleted");
        Work::on(name, "test")
    }

    /// Works until nothing is waited for any more, moving the clock by what each wait asks for.
    pub async fn settle(&self, work: &Work) -> Outcome {
        let mut work = work.clone();
        let work = &mut work;
        let mut grown = Waits::default();
        let end = self.clock.now() + jiff::SignedDuration::try_from(PATIENCE).expect("hours fit");
        loop {
            self.let_time_pass();
            let began = std::time::Instant::now();
            let outcome = self.converger.work(work).await.expect("the buckets can be read");
            if std::env::var_os("STAGE_TRACE").is_some() {
                let plan = self.status(work).await.plan;
                eprintln!(
                    "{} {:?} {outcome:?} {} {:?}",
                    self.clock.now(),
                    began.elapsed(),
                    plan.summary,
                    plan.waiting.first()
                );
            }
            let pause = match &outcome {
                Outcome::Pending(pause) => grown.next(*pause),
                Outcome::Busy(until) => {
                    let left = until.duration_since(self.clock.now());
                    Duration::try_from(left).unwrap_or_default() + Duration::from_secs(1)
                }
                Outcome::HandedOver => {
                    work.slices.clear();
                    continue;
                }
                _ => return outcome,
            };
            assert!(
                self.clock.now() < end,
                "not settled after {PATIENCE:?}: {:#?}",
                self.status(work).await.plan
            );
            self.clock.advance(pause);
        }
    }

    /// Lets the cluster do what is due by now, before anybody looks.
    pub fn let_time_pass(&self) {
        self.kubernetes.version();
    }

    /// Works until what is waited for is more than a minute away, or nothing is.
    pub async fn until_quiet(&self, work: &Work) -> Outcome {
        let mut work = work.clone();
        let mut grown = Waits::default();
        for _ in 0..200 {
            match self.once(&work).await {
                Outcome::Pending(pause) if pause <= Duration::from_secs(60) => {
                    self.clock.advance(grown.next(pause));
                }
                Outcome::HandedOver => work.slices.clear(),
                outcome => return outcome,
            }
        }
        panic!("it never gets quiet: {:#?}", self.status(&work).await.plan)
    }

    /// The image that a container of a workload runs, the first one's by default.
    pub fn image(&self, kind: &str, name: &str) -> String {
        let object = self.object(kind, name).expect("there is such a workload");
        let image = object.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str);
        image.expect("it runs an image").to_owned()
    }

    /// Works once, without waiting for anything.
    pub async fn once(&self, work: &Work) -> Outcome {
        self.converger.work(work).await.expect("the buckets can be read")
    }

    /// Somebody deletes an object of the deployment's namespace.
    pub async fn delete(&self, kind: Kind, name: &str) {
        let address = ClusterAddress { url: self.kubernetes.url(), certificate_authority: None };
        let client = self.converger.cloud.kubernetes(&address).await.expect("the cluster can be reached");
        let object = self.object(kind.name(), name).expect("there is such an object");
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        client
            .delete(kind, &namespace, &name, &text("/metadata/uid"), &text("/metadata/resourceVersion"))
            .await
            .expect("the object is deleted");
    }

    /// Somebody deletes a generated secret with all its versions.
    pub fn forget_secret(&self, suffix: &str) {
        let paths = self.google.paths("secretmanager/");
        let lost: Vec<String> =
            paths.into_iter().filter(|path| path.contains(&format!("-{suffix}"))).collect();
        assert!(!lost.is_empty(), "there is no secret {suffix}");
        for path in lost {
            self.google.remove(&path);
        }
    }

    /// The status document.
    pub async fn status(&self, work: &Work) -> Status {
        status::read(&self.converger.state, &work.deployment).await.expect("the status can be read").0
    }

    /// Writes to either cloud since a mark, without those to our own state bucket.
    pub fn writes_since(&self, mark: Mark) -> Vec<String> {
        let google = self.google.writes_since(mark.google).into_iter();
        let google =
            google.filter(|write| !write.path.contains("/b/state/") && !write.path.contains("/b/specs/"));
        let kubernetes = self.kubernetes.writes_since(mark.kubernetes).into_iter();
        google
            .map(|write| format!("{} {}", write.method, write.path))
            .chain(kubernetes.map(|write| format!("{} {}", write.method, write.path)))
            .collect()
    }

    /// How many requests either cloud has had since a mark.
    pub fn calls_since(&self, mark: Mark) -> usize {
        let google = self.google.requests().into_iter().filter(|request| request.seq > mark.google);
        let google =
            google.filter(|request| !request.path.contains("/b/state") && !request.path.contains("/b/specs"));
        google.count() + usize::try_from(self.kubernetes.seq() - mark.kubernetes).unwrap_or(usize::MAX)
    }

    /// Both clouds without what differs between two runs that do the same, and without our own state.
    pub fn world(&self) -> BTreeMap<String, Value> {
        // The cluster's address is a port of this run.
        let ours = |path: &str| !path.contains("/state") && !path.starts_with("container/");
        let google = self.google.snapshot().into_iter().filter(|(path, _)| ours(path));
        let kubernetes = self.kubernetes.snapshot();
        let kubernetes = kubernetes.as_object().cloned().unwrap_or_default().into_iter();
        google.chain(kubernetes).map(|(path, body)| (path, timeless(body))).collect()
    }

    /// Requests to the cluster since a mark: whether it is to change something, method and path.
    pub fn kubernetes_requests_since(&self, mark: Mark) -> Vec<(bool, String, String)> {
        let requests = self.kubernetes.requests().into_iter().map(|record| record.request);
        let since = requests.filter(|request| request.seq > mark.kubernetes);
        since.map(|request| (request.is_write(), request.method.clone(), request.path.clone())).collect()
    }

    /// Requests to Google since a mark.
    pub fn google_requests_since(&self, mark: Mark) -> Vec<google::Recorded> {
        self.google.requests().into_iter().filter(|request| request.seq > mark.google).collect()
    }

    /// Where both clouds' logs are now.
    pub fn mark(&self) -> Mark {
        Mark { google: self.google.seq(), kubernetes: self.kubernetes.seq() }
    }

    /// An object of the deployment's namespace.
    pub fn object(&self, kind: &str, name: &str) -> Option<Value> {
        let namespace = self.namespace();
        self.kubernetes.get(kind, &namespace, &format!("{namespace}{name}"))
    }

    /// Whether the role that the pods are told to log in as has the password that they are told.
    pub fn pods_log_in(&self) -> bool {
        use base64::Engine;
        let (secret, config) = (self.object("Secret", "-env"), self.object("ConfigMap", "-api-env"));
        let (secret, config) = (secret.expect("a Secret"), config.expect("a ConfigMap"));
        let login = config["data"]["DB_USERNAME"].as_str().expect("a login");
        let data = secret["data"]["DB_PASSWORD"].as_str().expect("a password");
        let password = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
        let paths = self.google.paths("sqladmin/");
        let user = paths.iter().find(|path| path.ends_with(&format!("/users/{login}"))).expect("a role");
        self.google.logs_in(user, &String::from_utf8(password).expect("text"))
    }

    /// The only namespace that begins with `app`.
    pub fn namespace(&self) -> String {
        let namespaces = self.kubernetes.list("Namespace", "");
        let names = namespaces.iter().filter_map(|body| body.pointer("/metadata/name")?.as_str());
        names.into_iter().find(|name| name.starts_with("app")).expect("a namespace was made").to_owned()
    }
}

/// A body without what is drawn at random or says when.
fn timeless(body: Value) -> Value {
    match body {
        Value::Object(fields) => {
            let is_secret = fields.get("kind").and_then(Value::as_str) == Some("Secret");
            let incidental = |name: &str| {
                ["oauth2ClientId", "began", "ended"].contains(&name)
                    || name.ends_with("-generation")
                    || name.ends_with("/generation")
            };
            let kept = fields.into_iter().filter(|(name, _)| !incidental(name));
            kept.map(|(name, value)| match name.as_str() {
                "data" if is_secret => {
                    (name, value.as_object().map(|data| data.keys().cloned().collect()).unwrap_or_default())
                }
                _ => (name, timeless(value)),
            })
            .collect()
        }
        Value::Array(items) => items.into_iter().map(timeless).collect(),
        // The number of an account that was deleted is drawn when it is made.
        Value::String(text) if text.starts_with("deleted:") => text.split("?uid=").next().into(),
        scalar => scalar,
    }
}

/// Fails with the first differences between two worlds.
pub fn assert_same(expected: &BTreeMap<String, Value>, world: &BTreeMap<String, Value>, what: &str) {
    let mut differences = Vec::new();
    for path in expected.keys().chain(world.keys()) {
        let (wanted, is) = (expected.get(path), world.get(path));
        if wanted != is && differences.len() < 3 {
            let show = |body: Option<&Value>| body.map_or("nothing".to_owned(), |body| format!("{body:#}"));
            differences.push(format!("{path}\n  expected {}\n  is {}", show(wanted), show(is)));
        }
    }
    assert!(differences.is_empty(), "{what}: the world is another:\n{}", differences.join("\n"));
}

/// Waits of one kind grow, as in the queue.
#[derive(Default)]
struct Waits {
    wait: Duration,
    looks: i32,
}

impl Waits {
    fn next(&mut self, wait: Duration) -> Duration {
        self.looks = if wait == self.wait { self.looks + 1 } else { 0 };
        self.wait = wait;
        wait.mul_f64(1.25f64.powi(self.looks)).min(wait.max(Duration::from_secs(600)))
    }
}

/// A place in both clouds' logs.
#[derive(Clone, Copy)]
pub struct Mark {
    google: u64,
    kubernetes: u64,
}

fn worker(config: &Config, clock: &Clock) -> Converger {
    let cloud = Arc::new(Cloud::connect(config));
    let clock = clock.clone();
    Converger {
        state: State::new(cloud.objects.clone(), config.state_bucket.clone()),
        cloud,
        spec_bucket: config.spec_bucket.clone(),
        now: Arc::new(move || -> Timestamp { clock.now() }),
        max_rounds: 50,
    }
}
