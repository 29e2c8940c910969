//! Shapes of Services: ports and further services beside Dify.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Probe, StringMap};

/// A further port of the Service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicePort {
    /// Unique port name.
    pub name: String,
    /// Port of the Service.
    pub port: u16,
    /// Port of the container; `port` when left out.
    pub target_port: Option<u16>,
    /// `TCP` or `UDP`; `TCP` when left out.
    pub protocol: Option<String>,
}

/// A volume mount of an additional service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeMount {
    /// Name of a volume of the deployment (`nfs_volume_name` or one of `gcs_volumes`).
    pub name: String,
    /// Path in the container.
    pub mount_path: String,
    /// Whether it is read-only.
    pub read_only: Option<bool>,
}

/// A persistent volume of an additional service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersistentVolume {
    /// Size, e.g. `10Gi`.
    pub size: String,
    /// Path in the container.
    pub mount_path: String,
    /// StorageClass; `standard-rwo` when left out.
    pub storage_class: Option<String>,
}

/// A further service beside Dify.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdditionalService {
    /// Unique service name.
    pub name: String,
    /// Image reference.
    pub image: String,
    /// Container port.
    pub port: Option<u16>,
    /// Entrypoint.
    pub command: Option<Vec<String>>,
    /// Arguments.
    pub args: Option<Vec<String>>,
    /// Plain environment.
    pub env_vars: Option<StringMap>,
    /// Environment from the application's Secret: variable name to key.
    pub secret_env_vars: Option<StringMap>,
    /// CPU limit; `1000m` when left out.
    pub cpu_limit: Option<String>,
    /// Memory limit; `512Mi` when left out.
    pub memory_limit: Option<String>,
    /// Limit on scratch disk.
    pub ephemeral_storage_limit: Option<String>,
    /// Request of scratch disk.
    pub ephemeral_storage_request: Option<String>,
    /// Fewest pods; 0 counts as 1.
    pub min_instance_count: Option<u32>,
    /// Most pods; 1 when left out.
    pub max_instance_count: Option<u32>,
    /// `INGRESS_TRAFFIC_INTERNAL_ONLY` (default) or `INGRESS_TRAFFIC_ALL`.
    pub ingress: Option<String>,
    /// Port of the Service; `port` when left out.
    pub service_port: Option<u16>,
    /// Address of its load balancer.
    pub loadbalancer_ip: Option<String>,
    /// Further ports of its Service.
    pub extra_ports: Option<Vec<ServicePort>>,
    /// Variable of the main container that receives the URL; `<NAME>_URL` when left out.
    pub output_env_var_name: Option<String>,
    /// Volume mounts.
    pub volume_mounts: Option<Vec<VolumeMount>>,
    /// A volume of its own.
    pub persistent_volume: Option<PersistentVolume>,
    /// Whether its rollout is waited for; yes when left out.
    pub wait_for_rollout: Option<bool>,
    /// Startup probe.
    pub startup_probe: Option<Probe>,
    /// Liveness probe.
    pub liveness_probe: Option<Probe>,
}
