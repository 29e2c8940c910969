//! Deployments and StatefulSets around pods.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment, StatefulSet, StatefulSetSpec,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::resources::ResourceId;
use crate::rotation::server::Server;
use crate::spec::Spec;

use super::scope::Scope;
use super::{Kind, enabled, inner_api, stamp, storage, turn};

/// Name of the volume that each pod of a StatefulSet has.
pub const DATA: &str = "data";

/// How a Deployment replaces its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// A new pod first, then the old one goes. NFS and buckets can be mounted by both.
    Rolling,
    /// The old pod first: there must not be two, or both would want the same disk.
    OneAtATime,
}

/// Components that write to the databases, the buckets or the share.
const WRITERS: [&str; 7] =
    ["api", "inner-api", "worker", "beat", "websocket", "plugin-daemon", "plugin-daemon-b"];

/// How many pods there are: none of what writes while data is being replaced.
fn standing(scope: &Scope<'_>, component: &str, replicas: Option<i32>) -> Option<i32> {
    let stands = WRITERS.contains(&component) && crate::backup::paused(scope.context);
    if stands { Some(0) } else { replicas }
}

/// What has to stand still while data is being replaced.
pub fn with_data(scope: &Scope<'_>) -> Vec<ResourceId> {
    let spec = scope.spec();
    let api = if is_stateful(spec) { Kind::StatefulSet } else { Kind::Deployment };
    let mut all = vec![scope.id(api, scope.names().service())];
    for (component, wanted, default) in [
        ("worker", &spec.worker, true),
        ("beat", &spec.beat, true),
        ("websocket", &spec.api_websocket, false),
    ] {
        if enabled(wanted, default) {
            all.push(scope.id(Kind::Deployment, &scope.names().component(component)));
        }
    }
    if enabled(&spec.plugin_daemon, true) {
        all.extend(turn::deployments(scope, Server::PluginDaemon));
    }
    if inner_api::stands(scope) {
        all.push(scope.id(Kind::Deployment, &scope.names().component(inner_api::COMPONENT)));
    }
    all
}

/// A Deployment. `replicas` is left out when an autoscaler decides.
pub fn deployment(
    scope: &Scope<'_>,
    name: &str,
    component: &str,
    replicas: Option<i32>,
    replacement: Replacement,
    template: PodTemplateSpec,
) -> Deployment {
    Deployment {
        metadata: scope.metadata(name, component),
        spec: Some(DeploymentSpec {
            replicas: standing(scope, component, replicas),
            selector: stamp::selector(scope.names(), component),
            strategy: Some(strategy(replacement)),
            progress_deadline_seconds: Some(deadline_secs(scope.spec())),
            template,
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The API as a StatefulSet, with a volume for each pod if the spec wants one.
pub fn stateful_set(
    scope: &Scope<'_>,
    name: &str,
    component: &str,
    replicas: Option<i32>,
    template: PodTemplateSpec,
) -> StatefulSet {
    let spec = scope.spec();
    let policy = spec.stateful_pod_management_policy.clone().unwrap_or_else(|| "OrderedReady".into());
    let update = spec.stateful_update_strategy.clone().unwrap_or_else(|| "RollingUpdate".into());
    StatefulSet {
        metadata: scope.metadata(name, component),
        spec: Some(StatefulSetSpec {
            replicas: standing(scope, component, replicas),
            selector: stamp::selector(scope.names(), component),
            service_name: wants_headless(spec).then(|| headless_name(scope)),
            pod_management_policy: Some(policy),
            update_strategy: Some(StatefulSetUpdateStrategy { type_: Some(update), ..Default::default() }),
            template,
            volume_claim_templates: has_volume(spec).then(|| vec![claim(spec)]),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Whether the API is a StatefulSet.
pub fn is_stateful(spec: &Spec) -> bool {
    match spec.workload_type.as_deref() {
        Some(kind) => kind == "StatefulSet",
        None => has_volume(spec),
    }
}

/// Whether each API pod has a volume.
pub fn has_volume(spec: &Spec) -> bool {
    spec.stateful_pvc_enabled == Some(true)
}

/// Whether the API's pods get host names of their own.
pub fn wants_headless(spec: &Spec) -> bool {
    spec.stateful_headless_service.unwrap_or_else(|| is_stateful(spec))
}

/// The headless Service's name.
pub fn headless_name(scope: &Scope<'_>) -> String {
    scope.names().component("headless")
}

/// Annotations that tell people what a workload is.
pub fn description(spec: &Spec) -> BTreeMap<String, String> {
    [("dify-reconciler/display-name", &spec.display_name), ("dify-reconciler/description", &spec.description)]
        .map(|(name, text)| (name.to_owned(), text.clone()))
        .into()
}

/// A number of pods as Kubernetes takes it.
pub fn pods(count: u32) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

fn strategy(replacement: Replacement) -> DeploymentStrategy {
    match replacement {
        Replacement::OneAtATime => {
            DeploymentStrategy { type_: Some("Recreate".into()), rolling_update: None }
        }
        Replacement::Rolling => DeploymentStrategy {
            type_: Some("RollingUpdate".into()),
            rolling_update: Some(RollingUpdateDeployment {
                max_surge: Some(IntOrString::Int(1)),
                max_unavailable: Some(IntOrString::Int(0)),
            }),
        },
    }
}

/// The rollout may take as long as the user says, and at least as long as one pod may: five and a half
/// minutes of startup probes after the image of 4 GB has come to a new node.
fn deadline_secs(spec: &Spec) -> i32 {
    spec.deployment_timeout.clamp(600, 86_400).try_into().unwrap_or(86_400)
}

fn claim(spec: &Spec) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta { name: Some(DATA.into()), ..Default::default() },
        spec: Some(storage::claim_spec(&spec.stateful_pvc_size, &spec.stateful_pvc_storage_class)),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_makes_it_a_stateful_set_unless_the_user_says() {
        let mut spec = Spec::default();
        assert!(!is_stateful(&spec) && !wants_headless(&spec));
        spec.stateful_pvc_enabled = Some(true);
        assert!(is_stateful(&spec) && wants_headless(&spec));
        spec = Spec { workload_type: Some("StatefulSet".into()), ..Spec::default() };
        assert!(is_stateful(&spec) && !has_volume(&spec));
        spec.stateful_headless_service = Some(false);
        assert!(!wants_headless(&spec));
    }
}
