//! Shapes of a container: probes, resources, Dify's own components, how an image is built.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StringMap;

/// An HTTP or TCP probe of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Whether the probe is rendered; left out means yes.
    pub enabled: Option<bool>,
    /// `HTTP` or `TCP`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Path of an HTTP probe.
    pub path: Option<String>,
    /// Seconds before the first probe.
    pub initial_delay_seconds: Option<u32>,
    /// Seconds after which one probe counts as failed.
    pub timeout_seconds: Option<u32>,
    /// Seconds between two probes.
    pub period_seconds: Option<u32>,
    /// Failures in a row before the probe has an effect.
    pub failure_threshold: Option<u32>,
}

/// Requests and limits of a container, as Kubernetes quantities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerResources {
    /// CPU limit, e.g. `1000m`.
    pub cpu_limit: Option<String>,
    /// Memory limit, e.g. `2Gi`.
    pub memory_limit: Option<String>,
    /// CPU request; the limit when left out.
    pub cpu_request: Option<String>,
    /// Memory request; the limit when left out.
    pub mem_request: Option<String>,
    /// Limit on scratch disk.
    pub ephemeral_storage_limit: Option<String>,
    /// Request of scratch disk; the limit when left out.
    pub ephemeral_storage_request: Option<String>,
}

/// One of Dify's own components beside the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Whether the component runs; each component has its own default.
    pub enabled: Option<bool>,
    /// Fixed number of pods.
    pub replicas: Option<u32>,
    /// Image reference instead of the one that belongs to `application_version`. The web's without a tag has the
    /// version as its tag.
    pub image: Option<String>,
    /// Requests and limits; each component has its own default.
    pub resources: Option<ContainerResources>,
    /// Extra environment of this component alone.
    pub env_vars: Option<StringMap>,
}

/// When the image that runs may become another one although the spec names the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagePolicy {
    /// `pin` keeps the digest that was found when the spec first named the image; `follow` goes with the tag.
    pub mode: Option<String>,
    /// `auto` rolls a new digest out by itself; `approve` waits for `dify-reconciler approve NAME HASH`.
    pub approval: Option<String>,
    /// Seconds that a new digest has to have been there before it is rolled out; 0 when left out.
    pub soak_secs: Option<u32>,
    /// Releases to follow instead of one tag, such as `~1.17.1` or `>=1.17.1, <1.18`: the newest release in it that
    /// both images have runs, beginning with `application_version`. Pre-releases count only when they are named.
    pub range: Option<String>,
    /// Name of a Cloud Build trigger: only digests that a successful build of it pushed are rolled out.
    pub build_trigger: Option<String>,
    /// Full names of attestors (`projects/P/attestors/A`): a new digest is rolled out only when each of them has
    /// attested it. They are also whom Binary Authorization asks under `enable_binary_authorization`.
    pub require_attestations: Option<Vec<String>>,
}

/// How a custom image is built.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainerBuildConfig {
    /// Whether a build takes place.
    pub enabled: Option<bool>,
    /// Path of the Dockerfile in the context; `Dockerfile` when left out.
    pub dockerfile_path: Option<String>,
    /// The Dockerfile's text instead of a path.
    pub dockerfile_content: Option<String>,
    /// Directory of the build context; `.` when left out.
    pub context_path: Option<String>,
    /// Build arguments.
    pub build_args: Option<StringMap>,
    /// Repository to push to instead of the deployment's own.
    pub artifact_repo_name: Option<String>,
    /// Base image.
    pub base_image: Option<String>,
}
