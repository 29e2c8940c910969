//! The embedded cloud as the command line uses it: servers, directories and a service in front of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cloud::Cloud;
use crate::config::{AuthMode, Config, LogFormat, NotifyConfig};
use crate::converge::Converger;
use crate::embedded::clock::Clock;
use crate::embedded::{containers, google, kubernetes};
use crate::state::State;

use super::Failure;

/// Name of the embedded spec bucket.
pub const SPEC_BUCKET: &str = "specs";
/// Name of the embedded state bucket.
pub const STATE_BUCKET: &str = "state";
/// Topic on which embedded secrets ring when they are due.
const ROTATIONS: &str = "dify-rotations";
/// The topics that ring: ours, which secrets publish to, and those to which Artifact Registry, Cloud Build and Cloud
/// Deploy publish when somebody has made them. The names of the latter are Google's.
pub const TOPICS: [&str; 7] = [
    ROTATIONS,
    "gcr",
    "cloud-builds",
    "clouddeploy-resources",
    "clouddeploy-operations",
    "clouddeploy-approvals",
    "clouddeploy-advances",
];
/// The account whose tokens the embedded triggers and the embedded queue carry.
pub const CALLER: &str = "doorbell@embedded.iam.gserviceaccount.com";
/// Rounds of one work on the command line: enough for a whole first install with its waits in between.
const MAX_ROUNDS: usize = 50;

/// Where the embedded world is and how fast it goes.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Directory that holds state and the embedded cloud's own world
    #[arg(long, default_value = "./dev-state")]
    pub state_dir: PathBuf,
    /// How many times faster than the real cloud the embedded one is
    #[arg(long, default_value_t = 60.0)]
    pub speed: f64,
    /// Use the cluster of this kubeconfig instead of the embedded one
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
}

/// A running embedded cloud.
pub struct World {
    /// Google's half.
    pub google: Arc<google::Server>,
    /// Kubernetes' half, unless a kubeconfig stands for it.
    pub kubernetes: Option<kubernetes::Server>,
    project: String,
    kubeconfig: Option<PathBuf>,
}

impl World {
    /// Starts the embedded cloud with these directories as its buckets.
    ///
    /// # Errors
    /// When a directory cannot be made or a port cannot be had.
    pub fn start(options: &Options, bucket_dir: &Path, project: &str) -> Result<Self, Failure> {
        let hidden = options.state_dir.join(".world");
        std::fs::create_dir_all(&hidden)?;
        std::fs::create_dir_all(bucket_dir)?;
        let clock = Clock::running(1.0);
        let faster = |time: Duration| time.div_f64(options.speed.max(1.0));
        let google = Arc::new(google::Server::start(google::Options {
            delays: google::Delays::default().map(faster),
            specs_dir: Some(bucket_dir.to_path_buf()),
            state_dir: Some(options.state_dir.clone()),
            persist: Some(hidden.join("google.json")),
            ..google::Options::new(clock.clone(), project, "123456789012")
        })?);
        google.seed_defaults();
        let kubernetes = match options.kubeconfig {
            Some(_) => None,
            None => Some(kubernetes::Server::start(kubernetes::Options {
                persist: Some(hidden.join("kubernetes.json")),
                addresses: Some(addresses(&google, project)),
                containers: Some(containers::of(google.files())),
                ..kubernetes::Options::new(clock, kubernetes::Delays::default().map(faster))
            })?),
        };
        // With a kubeconfig the address is never used, and none is better than a wrong one.
        let cluster_url =
            kubernetes.as_ref().map_or("http://127.0.0.1:1".to_owned(), kubernetes::Server::url);
        google.seed_cluster(google::Cluster::autopilot(cluster_url));
        google.seed_queue(&queue(project), 10);
        TOPICS.iter().for_each(|name| google.seed_topic(&topic(project, name)));
        Ok(Self { google, kubernetes, project: project.into(), kubeconfig: options.kubeconfig.clone() })
    }

    /// The environment of a service in this world whose door is at `door`.
    ///
    /// # Errors
    /// When an address cannot be parsed.
    pub fn config(&self, door: Option<&str>) -> Result<Config, Failure> {
        let base = url::Url::parse(self.google.url())?;
        let keys = format!("{}/www.googleapis.com/oauth2/v3/certs", self.google.url());
        Ok(Config {
            project_id: self.project.clone(),
            spec_bucket: SPEC_BUCKET.into(),
            state_bucket: STATE_BUCKET.into(),
            queue: queue(&self.project),
            service_url: door.map(url::Url::parse).transpose()?,
            tasks_service_account: CALLER.into(),
            event_service_accounts: vec![CALLER.into()],
            endpoint_base: Some(base),
            kubeconfig: self.kubeconfig.clone(),
            auth_mode: AuthMode::Verify,
            jwks_url: Some(url::Url::parse(&keys)?),
            port: 0,
            log: "warn".into(),
            log_format: LogFormat::Text,
            otlp_endpoint: None,
            notify: NotifyConfig::default(),
            rotation_topic: topic(&self.project, ROTATIONS),
            pubsub_emulator: String::new(),
        })
    }

    /// The embedded project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Keeps both halves for the next run.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn shut_down(self) -> Result<(), Failure> {
        self.google.save();
        match self.kubernetes {
            Some(kubernetes) => Ok(kubernetes.shutdown()?),
            None => Ok(()),
        }
    }
}

/// Full name of the embedded queue.
fn queue(project: &str) -> String {
    format!("projects/{project}/locations/us-central1/queues/dify")
}

/// Full name of a topic.
pub fn topic(project: &str, name: &str) -> String {
    format!("projects/{project}/topics/{name}")
}

/// Where the embedded load balancers find reserved addresses: in the embedded project.
fn addresses(google: &Arc<google::Server>, project: &str) -> kubernetes::Addresses {
    let (google, project) = (google.clone(), project.to_owned());
    Arc::new(move |name| {
        let address = google.get(&format!("compute/projects/{project}/global/addresses/{name}"))?;
        Some(address.get("address")?.as_str()?.to_owned())
    })
}

/// A converger for this environment.
pub fn converger(config: &Config) -> Converger {
    let cloud = Arc::new(Cloud::connect(config));
    let state = State::new(cloud.objects.clone(), config.state_bucket.clone());
    Converger {
        cloud,
        state,
        spec_bucket: config.spec_bucket.clone(),
        now: Arc::new(jiff::Timestamp::now),
        max_rounds: MAX_ROUNDS,
    }
}

/// The project that the specs of a directory name first, for an embedded cloud to have.
pub fn project_of(bucket_dir: &Path) -> Option<String> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(bucket_dir).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.iter().find_map(|path| project_in(path))
}

/// The project that a spec names.
pub fn project_in(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    if !crate::converge::work::is_spec(name) {
        return None;
    }
    let reading = crate::spec::read(name, &std::fs::read_to_string(path).ok()?).ok()?;
    Some(reading.spec.project_id)
}
