//! What a person or a test decides about the world: how long things take and what goes wrong.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long the controllers take, by the embedded clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delays {
    /// From a changed workload to available pods.
    pub rollout: Duration,
    /// From a Job to its end.
    pub job: Duration,
    /// From a changed Gateway, route or policy to the load balancer that does it.
    pub gateway: Duration,
    /// From a Service of type LoadBalancer to its address.
    pub service: Duration,
}

impl Default for Delays {
    /// About what GKE takes.
    fn default() -> Self {
        Self {
            rollout: Duration::from_secs(45),
            job: Duration::from_secs(30),
            gateway: Duration::from_secs(240),
            service: Duration::from_secs(60),
        }
    }
}

impl Delays {
    /// Everything at once.
    pub const NONE: Self = Self {
        rollout: Duration::ZERO,
        job: Duration::ZERO,
        gateway: Duration::ZERO,
        service: Duration::ZERO,
    };

    /// Each of them changed in the same way.
    pub fn map(self, change: impl Fn(Duration) -> Duration) -> Self {
        let Self { rollout, job, gateway, service } = self;
        Self {
            rollout: change(rollout),
            job: change(job),
            gateway: change(gateway),
            service: change(service),
        }
    }
}

/// Finds the IP address of a named address, as the load balancer's controller does.
pub type Addresses = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A container of a Job that would run: its name, and the environment that its manifest and its ConfigMaps give it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its plain environment; what comes from Secrets is not in it.
    pub environment: BTreeMap<String, String>,
}

/// Does what the containers of a Job do outside of the cluster, in the time they took. An error is the last thing that
/// they say, and fails the Job.
pub type Containers = Arc<dyn Fn(&[Container], Duration) -> Result<(), String> + Send + Sync>;

/// A Job that fails.
#[derive(Clone, Debug)]
pub struct JobFault {
    /// What its name begins with.
    pub prefix: String,
    /// The last lines its pod prints.
    pub log: String,
    /// What its container leaves as termination message.
    pub termination_message: String,
    /// How many Jobs it still meets.
    pub times: usize,
}

/// The decisions.
#[derive(Clone, Default)]
pub struct Settings {
    /// Whether nothing happens by itself.
    pub idle: bool,
    /// How long things take.
    pub delays: Delays,
    /// What the pods of Jobs print, by the beginning of the Job's name.
    pub logs: BTreeMap<String, String>,
    /// What successful Jobs leave as termination message, by the beginning of the Job's name.
    pub messages: BTreeMap<String, String>,
    /// The Jobs that fail.
    pub failing_jobs: Vec<JobFault>,
    /// The beginnings of the names of Jobs that never end.
    pub hanging_jobs: Vec<String>,
    /// The beginnings of the names of Deployments that never become available.
    pub stuck: Vec<String>,
    /// Images whose pods never become ready, by a part of their reference.
    pub broken_images: Vec<String>,
    /// Where named addresses are looked up.
    pub addresses: Option<Addresses>,
    /// What Jobs do outside of the cluster.
    pub containers: Option<Containers>,
}

impl Settings {
    /// How long this Job takes.
    pub fn job_takes(&self, name: &str) -> Duration {
        let hangs = self.hanging_jobs.iter().any(|prefix| name.starts_with(prefix));
        if hangs { Duration::MAX } else { self.delays.job }
    }

    /// Whether a workload never becomes available: by its name, or by an image it runs.
    pub fn is_stuck(&self, object: &serde_json::Value) -> bool {
        let name = object.pointer("/metadata/name").and_then(|name| name.as_str()).unwrap_or_default();
        let containers = object.pointer("/spec/template/spec/containers").and_then(|all| all.as_array());
        let mut images =
            containers.into_iter().flatten().filter_map(|container| container.get("image")?.as_str());
        self.stuck.iter().any(|prefix| name.starts_with(prefix))
            || images.any(|image| self.broken_images.iter().any(|broken| image.contains(broken)))
    }

    /// The entry whose key is the longest beginning of `name`.
    pub fn longest<'a>(map: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
        map.iter()
            .filter(|(prefix, _)| name.starts_with(*prefix))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, v)| v.as_str())
    }

    /// The address of `name`, or one that documentation is free to use.
    pub fn address(&self, name: &str) -> String {
        let found = self.addresses.as_ref().and_then(|addresses| addresses(name));
        found.unwrap_or_else(|| format!("203.0.113.{}", 1 + crc32c::crc32c(name.as_bytes()) % 254))
    }
}
