//! Who is talked to: the only place from which calls go out.
//!
//! [`Cloud`] holds them all. Nothing is opened before it is used.

pub mod answer;
pub mod draw;
pub mod google;
pub mod kubernetes;
pub mod notices;
pub mod objects;
pub mod operation;
pub mod otlp;
pub mod pull;
pub mod registry;
pub mod retry;
pub mod scrub;
pub mod tasks;
#[cfg(test)]
mod testing;
pub mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

pub use google::{Google, Listing};
pub use kubernetes::{ClusterAddress, Kubernetes};
pub use notices::{Notices, Receiver};
pub use objects::{Object, ObjectInfo, Objects, Precondition, WriteError};
pub use operation::{OperationRef, operation_of, operation_state};
pub use pull::Subscriptions;
pub use registry::Registry;
pub use retry::Patience;
pub use tasks::{Queued, Task, Tasks};
pub use wire::{Endpoints, Wire};

use crate::config::Config;
use crate::error::CloudError;

/// A cluster's client, made by whoever needs it first.
type Cluster = Arc<OnceCell<Kubernetes>>;

/// Everything outside.
#[derive(Clone, Debug)]
pub struct Cloud {
    /// Google's REST APIs.
    pub google: Google,
    /// Objects in buckets.
    pub objects: Objects,
    /// The queue of continuations.
    pub tasks: Tasks,
    /// Who is told what is new.
    pub notices: Notices,
    /// Subscriptions that events are fetched from.
    pub subscriptions: Subscriptions,
    /// Image registries.
    pub registry: Registry,
    /// Full name of the topic that secrets which rotate ring on; empty for none.
    pub rotation_topic: String,
    wire: Arc<Wire>,
    kubeconfig: Option<PathBuf>,
    clusters: Arc<Mutex<BTreeMap<ClusterAddress, Cluster>>>,
}

impl Cloud {
    /// Everything that the configuration tells of. Nothing is opened or sent yet, so nothing can fail.
    pub fn connect(config: &Config) -> Self {
        let wire = Arc::new(Wire::new(Endpoints { base: config.endpoint_base.clone() }));
        let google = Google::new(wire.clone());
        Self {
            objects: Objects::new(wire.clone(), google.clone()),
            tasks: Tasks::new(google.clone(), &config.queue, &config.tasks_service_account),
            notices: Notices::new(google.clone(), wire.clone(), config.notify.clone()),
            subscriptions: Subscriptions::new(wire.clone(), &config.pubsub_emulator),
            registry: Registry::new(wire.clone()),
            rotation_topic: config.rotation_topic.clone(),
            google,
            wire,
            kubeconfig: config.kubeconfig.clone(),
            clusters: Arc::default(),
        }
    }

    /// The cluster at an address; the configured kubeconfig's when there is one. Made once for each.
    pub async fn kubernetes(&self, address: &ClusterAddress) -> Result<Kubernetes, CloudError> {
        let cell = self.clusters.lock().await.entry(address.clone()).or_default().clone();
        let connect = || async {
            match &self.kubeconfig {
                Some(path) => Kubernetes::from_kubeconfig(path).await,
                None => Kubernetes::at(address, self.wire.clone()),
            }
        };
        cell.get_or_try_init(connect).await.cloned()
    }

    /// The HTTP client and identity that all share.
    pub fn wire(&self) -> &Arc<Wire> {
        &self.wire
    }
}
