//! Shapes of buckets and of what is mounted from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A Cloud Storage bucket of the user's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageBucket {
    /// Suffix of the bucket's name, unique in the list.
    pub name_suffix: String,
    /// Full name instead of prefix and suffix.
    pub name: Option<String>,
    /// Location; the deployment's region when left out.
    pub location: Option<String>,
    /// Storage class; `STANDARD` when left out.
    pub storage_class: Option<String>,
    /// Whether a removal may delete objects too; no when left out.
    pub force_destroy: Option<bool>,
    /// Whether overwritten objects are kept; yes when left out.
    pub versioning_enabled: Option<bool>,
    /// Lifecycle rules: `{action: {type, storage_class?}, condition: {...}}`.
    pub lifecycle_rules: Option<Vec<LifecycleRule>>,
    /// `enforced` (default) or `inherited`.
    pub public_access_prevention: Option<String>,
    /// Whether object ACLs are off; yes when left out.
    pub uniform_bucket_level_access: Option<bool>,
    /// Seconds a deleted object can be restored; 604800 when left out.
    pub soft_delete_retention_seconds: Option<u64>,
    /// CORS rules as the Storage API takes them.
    pub cors: Option<Vec<Value>>,
}

/// One lifecycle rule of a bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifecycleRule {
    /// What happens.
    pub action: LifecycleAction,
    /// When it happens.
    pub condition: LifecycleCondition,
}

/// What a lifecycle rule does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifecycleAction {
    /// `Delete` or `SetStorageClass`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Target class of `SetStorageClass`.
    pub storage_class: Option<String>,
}

/// When a lifecycle rule applies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifecycleCondition {
    /// Age in days.
    pub age: Option<u32>,
    /// Created before this date.
    pub created_before: Option<String>,
    /// `LIVE`, `ARCHIVED` or `ANY`.
    pub with_state: Option<String>,
    /// Storage classes it applies to.
    pub matches_storage_class: Option<Vec<String>>,
    /// Number of newer versions.
    pub num_newer_versions: Option<u32>,
    /// Days since the custom time.
    pub days_since_custom_time: Option<u32>,
    /// Days since it became noncurrent.
    pub days_since_noncurrent_time: Option<u32>,
}

/// A Cloud Storage FUSE mount.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GcsVolume {
    /// Unique volume name.
    pub name: String,
    /// Bucket; the created bucket whose `name_suffix` equals `name` when left out.
    pub bucket_name: Option<String>,
    /// Path in the container.
    pub mount_path: String,
    /// Whether it is read-only.
    pub readonly: Option<bool>,
    /// Mount options.
    pub mount_options: Option<Vec<String>>,
}
