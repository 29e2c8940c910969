//! Shapes of what builds and promotes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StringMap;

/// What starts a Cloud Build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CicdTriggerConfig {
    /// Regular expression of branches; `^main$` when left out.
    pub branch_pattern: Option<String>,
    /// Globs of files that count.
    pub included_files: Option<Vec<String>>,
    /// Globs of files that do not count.
    pub ignored_files: Option<Vec<String>>,
    /// Name of the trigger.
    pub trigger_name: Option<String>,
    /// Description of the trigger.
    pub description: Option<String>,
    /// Substitutions.
    pub substitutions: Option<StringMap>,
}

/// A stage of the delivery pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudDeployStage {
    /// Unique stage name.
    pub name: String,
    /// Name of the target.
    pub target_name: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Cluster.
    pub cluster: Option<String>,
    /// Project.
    pub project_id: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Service name.
    pub service_name: Option<String>,
    /// Whether a person approves.
    pub require_approval: Option<bool>,
    /// Whether a successful stage promotes by itself.
    pub auto_promote: Option<bool>,
}

/// Which shared services the platform provides first (the module's `requires_services`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RequiresServices {
    pub create_postgres: Option<bool>,
    pub create_mysql: Option<bool>,
    pub create_redis: Option<bool>,
    pub create_network_filesystem: Option<bool>,
    pub create_filestore_nfs: Option<bool>,
    pub create_google_kubernetes_engine: Option<bool>,
    pub create_firestore: Option<bool>,
    pub enable_alloydb: Option<bool>,
}
