//! Shapes of Jobs and CronJobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StringMap;

/// A Job that prepares the deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InitializationJob {
    /// Unique job name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Image; the application image when left out.
    pub image: Option<String>,
    /// Entrypoint.
    pub command: Option<Vec<String>>,
    /// Arguments.
    pub args: Option<Vec<String>>,
    /// Plain environment.
    pub env_vars: Option<StringMap>,
    /// Environment from Secret Manager: variable name to secret id.
    pub secret_env_vars: Option<StringMap>,
    /// CPU limit; `1000m` when left out.
    pub cpu_limit: Option<String>,
    /// Memory limit; `512Mi` when left out.
    pub memory_limit: Option<String>,
    /// Deadline in seconds; 600 when left out.
    pub timeout_seconds: Option<u32>,
    /// Retries; 1 when left out.
    pub max_retries: Option<u32>,
    /// Completions; 1 when left out.
    pub task_count: Option<u32>,
    /// Accepted for the module's sake; it has a meaning on Cloud Run only.
    pub execution_mode: Option<String>,
    /// Whether the NFS share is mounted.
    pub mount_nfs: Option<bool>,
    /// Names of `gcs_volumes` to mount.
    pub mount_gcs_volumes: Option<Vec<String>>,
    /// Names of jobs that must have succeeded before.
    pub depends_on_jobs: Option<Vec<String>>,
    /// `true` (the default): run when its definition changes and hold the rollout until it succeeded.
    pub execute_on_apply: Option<bool>,
    /// Script to run with `/bin/sh -c`.
    pub script_path: Option<String>,
    /// Whether the database environment and the Auth Proxy are added; yes when left out.
    pub needs_db: Option<bool>,
    /// Whether the application's secrets are added.
    pub needs_secrets: Option<bool>,
}

/// A CronJob beside Dify.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CronJob {
    /// Unique job name.
    pub name: String,
    /// Five-field cron expression, UTC.
    pub schedule: String,
    /// Image; the application image when left out.
    pub image: Option<String>,
    /// Entrypoint.
    pub command: Option<Vec<String>>,
    /// Arguments.
    pub args: Option<Vec<String>>,
    /// Plain environment.
    pub env_vars: Option<StringMap>,
    /// Environment from Secret Manager: variable name to secret id.
    pub secret_env_vars: Option<StringMap>,
    /// CPU limit; `500m` when left out.
    pub cpu_limit: Option<String>,
    /// Memory limit; `256Mi` when left out.
    pub memory_limit: Option<String>,
    /// `OnFailure` (default) or `Never`.
    pub restart_policy: Option<String>,
    /// `Forbid` (default), `Allow` or `Replace`.
    pub concurrency_policy: Option<String>,
    /// Kept failed jobs; 1 when left out.
    pub failed_jobs_history_limit: Option<u32>,
    /// Kept successful jobs; 3 when left out.
    pub successful_jobs_history_limit: Option<u32>,
    /// Seconds a missed run may still start.
    pub starting_deadline_seconds: Option<u32>,
    /// Whether new runs are held back.
    pub suspend: Option<bool>,
    /// Whether the NFS share is mounted.
    pub mount_nfs: Option<bool>,
    /// Names of `gcs_volumes` to mount.
    pub mount_gcs_volumes: Option<Vec<String>>,
    /// Script to run with `/bin/sh -c`.
    pub script_path: Option<String>,
}
