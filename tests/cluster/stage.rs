//! A deployment on one of the clusters: the embedded Google Cloud under a clock moved by hand, a worker,
//! and controllers that play whenever the worker waits.

use std::sync::Arc;
use std::time::Duration;

use dify_reconciler::cloud::{Cloud, Precondition};
use dify_reconciler::converge::execute::Memory;
use dify_reconciler::converge::{Admission, Converger, Outcome, Scene, Work, scene};
use dify_reconciler::embedded::clock::Clock;
use dify_reconciler::embedded::google;
use dify_reconciler::inventory::Inventory;
use dify_reconciler::plan::Plan;
use dify_reconciler::resources::kubernetes::Kind;
use dify_reconciler::state::State;
use dify_reconciler::state::status::{self, Phase, Status};
use jiff::Timestamp;
use serde_json::Value;

use crate::clusters::Cluster;
use crate::controllers;
pub use crate::project::MINIMAL;
use crate::project::{config, make_bucket};

/// Works after which a deployment that has not settled never will.
const PATIENCE: usize = 100;

/// One deployment with the project it lives in.
pub struct Stage<'a> {
    pub cluster: &'a Cluster,
    pub converger: Converger,
    pub work: Work,
    clock: Clock,
    _google: google::Server,
}

impl<'a> Stage<'a> {
    /// An empty project, in which a deployment of this name will be. (Its label tells it from those of other
    /// tests in the same cluster.)
    pub async fn new(cluster: &'a Cluster, deployment: &str) -> Self {
        let clock = Clock::manual("2026-11-23T00:00:00Z".parse().expect("a time"));
        let google =
            google::Server::start(google::Options::new(clock.clone(), "demo-project", "123456789012"))
                .expect("the embedded project starts");
        google.seed_defaults();
        google.seed_cluster(google::Cluster::autopilot("http://127.0.0.1:1"));
        let config = config(google.url(), Some(cluster.kubeconfig.clone()));
        let cloud = Arc::new(Cloud::connect(&config));
        for bucket in ["specs", "state"] {
            make_bucket(&cloud, bucket).await;
        }
        let hand = clock.clone();
        let converger = Converger {
            state: State::new(cloud.objects.clone(), config.state_bucket.clone()),
            cloud,
            spec_bucket: config.spec_bucket.clone(),
            now: Arc::new(move || -> Timestamp { hand.now() }),
            max_rounds: 50,
        };
        let work = Work::on(&format!("{deployment}.yaml"), "test");
        Self { cluster, converger, work, clock, _google: google }
    }

    /// The same, with a deployment that has converged.
    pub async fn converged(cluster: &'a Cluster, deployment: &str, spec: &str) -> Self {
        let stage = Self::new(cluster, deployment).await;
        stage.save(spec).await;
        stage.settle().await;
        stage
    }

    /// Puts a spec into the bucket.
    pub async fn save(&self, spec: &str) {
        let objects = &self.converger.cloud.objects;
        let text = spec.to_owned().into();
        let written = objects.write("specs", &self.work.object, text, "application/yaml", Precondition::None);
        written.await.expect("the spec is written");
    }

    /// Works until everything is as the spec says; a panic if it never is, or if a call fails for good.
    pub async fn settle(&self) {
        for _ in 0..PATIENCE {
            let outcome = self.converger.work(&self.work).await.expect("the buckets can be read");
            let pause = match outcome {
                Outcome::Converged => return,
                Outcome::Pending(pause) => pause,
                other => panic!("{other:?}: {}", self.findings().await),
            };
            let phase = self.status().await.phase;
            assert_ne!(phase, Phase::Stalled, "{}", self.findings().await);
            controllers::play(&self.cluster.theirs, &self.namespace().await).await;
            self.clock.advance(pause.max(Duration::from_secs(1)));
        }
        panic!("not settled: {}", self.findings().await);
    }

    /// What there is and what would be done about it.
    pub async fn look(&self) -> (Scene, Inventory, Plan) {
        let scene = self.scene().await;
        let (seen, plan) = self.converger.look(&scene, &mut Memory::default()).await;
        (scene, seen, plan)
    }

    /// The spec as it was admitted.
    pub async fn scene(&self) -> Scene {
        match scene::admit(&self.converger, &self.work).await.expect("the buckets can be read") {
            Admission::Admitted(scene) => *scene,
            Admission::Refused(refusal) => panic!("refused: {:#?}", refusal.findings),
            Admission::Withdrawn => panic!("there is no spec"),
        }
    }

    /// The deployment's namespace.
    pub async fn namespace(&self) -> String {
        let scene = self.scene().await;
        scene.names.namespace(&scene.spec)
    }

    /// An object of the deployment, by the end of its name (`-web`; empty for the API's own).
    pub async fn object(&self, kind: Kind, suffix: &str) -> Option<Value> {
        let namespace = self.namespace().await;
        self.cluster.theirs.get(kind, &namespace, &format!("{namespace}{suffix}")).await
    }

    /// Somebody changes an object of the deployment.
    pub async fn edit(&self, kind: Kind, suffix: &str, patch: Value) -> Value {
        let namespace = self.namespace().await;
        self.cluster.theirs.edit(kind, &namespace, &format!("{namespace}{suffix}"), patch).await
    }

    async fn findings(&self) -> String {
        let status = self.status().await;
        format!("{:#?}\n{:#?}", status.findings, status.plan)
    }

    async fn status(&self) -> Status {
        status::read(&self.converger.state, &self.work.deployment).await.expect("a status").0
    }
}
