//! What every request shares.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::cloud::Cloud;
use crate::config::{Config, ConfigError};
use crate::converge::Converger;
use crate::handlers::queue::Address;

use super::authenticate::Gate;
use super::limits::Gates;
use super::metrics::Metrics;

/// What every request shares. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// The parts of an [`App`].
pub struct Inner {
    /// The clouds.
    pub cloud: Arc<Cloud>,
    /// Who does the work.
    pub converger: Converger,
    /// Name of the spec bucket.
    pub spec_bucket: String,
    /// Name of the state bucket.
    pub state_bucket: String,
    /// Where the queue delivers.
    pub address: Address,
    /// Who may come in.
    pub gate: Gate,
    /// How much goes on side by side.
    pub gates: Gates,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether events are only pulled, and `/events` is no way in.
    pub pull_only: AtomicBool,
    stopping: watch::Sender<bool>,
    runtime: OnceLock<Handle>,
}

impl App {
    /// A door for this configuration, with this worker behind it.
    ///
    /// # Errors
    /// When the configuration does not say what our own address is: no token and no task could be told then.
    pub fn new(config: Config, converger: Converger) -> Result<Self, ConfigError> {
        let Some(url) = &config.service_url else {
            return Err(ConfigError { faults: vec!["SERVICE_URL is not set".into()] });
        };
        let service_url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Inner {
            gate: Gate::new(&config, &service_url, converger.cloud.wire().clone()),
            spec_bucket: config.spec_bucket,
            state_bucket: config.state_bucket,
            address: Address { service_url },
            gates: Gates::default(),
            metrics: Metrics::default(),
            pull_only: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
            runtime: OnceLock::new(),
            cloud: converger.cloud.clone(),
            converger,
        })))
    }

    /// Lets work run on the runtime that calls this, and not on the threads that speak HTTP.
    pub fn run_work_here(&self) {
        // When it is set already, work has a home.
        let _ = self.0.runtime.set(Handle::current());
    }

    /// Takes nothing new from now on.
    pub fn drain(&self) {
        self.0.stopping.send_replace(true);
    }
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    /// Whether the process is about to end.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Is over when the process is about to end.
    pub async fn stopping(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as we do.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Where work runs.
    pub fn runtime(&self) -> Handle {
        self.runtime.get().cloned().unwrap_or_else(Handle::current)
    }
}
