//! One file or folder per API.

pub mod artifact_registry;
pub mod attestation;
pub mod certificate_manager;
pub mod compute;
pub mod container;
pub mod delivery;
pub mod iam;
pub mod metadata;
pub mod monitoring;
pub mod pubsub;
pub mod registry;
pub mod resource_manager;
pub mod scheduler;
pub mod secret_manager;
pub mod service_networking;
pub mod service_usage;
pub mod sql;
pub mod storage;
pub mod tasks;
