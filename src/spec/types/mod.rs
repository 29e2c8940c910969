//! The object shapes that spec variables may take.
//!
//! Field names and defaults are the Terraform module's own; a field that is `None` is one the user
//! left out, so that a later default (a probe's, a component's) can still be chosen.

mod bucket;
mod container;
mod delivery;
mod job;
mod monitoring;
mod service;
mod value;

pub use bucket::{GcsVolume, LifecycleAction, LifecycleCondition, LifecycleRule, StorageBucket};
pub use container::{Component, ContainerBuildConfig, ContainerResources, ImagePolicy, Probe};
pub use delivery::{CicdTriggerConfig, CloudDeployStage, RequiresServices};
pub use job::{CronJob, InitializationJob};
pub use monitoring::{AlertPolicy, UptimeCheck};
pub use service::{AdditionalService, PersistentVolume, ServicePort, VolumeMount};
pub use value::{IntOrPercent, Sensitive, StringMap};
