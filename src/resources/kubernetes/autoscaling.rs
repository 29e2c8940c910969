//! How many API pods there are, how large, and how they are spread.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};
use k8s_openapi::api::core::v1::TopologySpreadConstraint;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;

use crate::resources::Declared;
use crate::slice::Slice;
use crate::spec::Spec;
use crate::spec::types::IntOrPercent;

use super::scope::Scope;
use super::waits::Waits;
use super::{Kind, api, stamp, workload};

/// Share of the requested CPU, in percent, above which pods are added; the module's value. Memory is no
/// measure here: a gunicorn process keeps what it once had, so that the number of pods would only rise.
const CPU_TARGET_PERCENT: i32 = 70;

/// The autoscalers and the disruption budget of the API.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    let spec = scope.spec();
    let target = target(scope);
    let name = scope.names().service();
    let mut all = Vec::new();
    if scales_out(spec) {
        all.push(horizontal(
            scope,
            name,
            api::COMPONENT,
            &target,
            spec.min_instance_count,
            spec.max_instance_count,
        ));
    }
    if spec.enable_vertical_pod_autoscaling {
        all.push(vertical(scope, name, api::COMPONENT, &target));
    }
    all.extend(budget(scope));
    all
}

/// Whether the number of API pods is an autoscaler's. Both autoscalers at once would fight.
pub fn scales_out(spec: &Spec) -> bool {
    spec.max_instance_count > spec.min_instance_count.max(1) && !spec.enable_vertical_pod_autoscaling
}

/// How API pods are spread over zones and nodes; nothing unless the spec wants it.
pub fn topology(scope: &Scope<'_>) -> Option<Vec<TopologySpreadConstraint>> {
    let spec = scope.spec();
    let strict = if spec.topology_spread_strict { "DoNotSchedule" } else { "ScheduleAnyway" };
    let constraint = |key: &str, unsatisfiable: &str| TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.into(),
        when_unsatisfiable: unsatisfiable.into(),
        label_selector: Some(stamp::selector(scope.names(), api::COMPONENT)),
        ..Default::default()
    };
    spec.enable_topology_spread.then(|| {
        vec![
            constraint("topology.kubernetes.io/zone", strict),
            constraint("kubernetes.io/hostname", "ScheduleAnyway"),
        ]
    })
}

/// An autoscaler that changes the number of pods.
pub fn horizontal(
    scope: &Scope<'_>,
    name: &str,
    component: &str,
    target: &CrossVersionObjectReference,
    least: u32,
    most: u32,
) -> Declared {
    let metric = MetricSpec {
        type_: "Resource".into(),
        resource: Some(ResourceMetricSource {
            name: "cpu".into(),
            target: MetricTarget {
                type_: "Utilization".into(),
                average_utilization: Some(CPU_TARGET_PERCENT),
                ..Default::default()
            },
        }),
        ..Default::default()
    };
    let body = HorizontalPodAutoscaler {
        metadata: scope.metadata(name, component),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: target.clone(),
            min_replicas: Some(workload::pods(least.max(1))),
            max_replicas: workload::pods(most),
            metrics: Some(vec![metric]),
            ..Default::default()
        }),
        ..Default::default()
    };
    let kind = Kind::HorizontalPodAutoscaler;
    scope.declare(kind, name, Slice::Workload, vec![], &Waits::default(), &body)
}

/// An autoscaler that changes the size of pods.
pub fn vertical(
    scope: &Scope<'_>,
    name: &str,
    component: &str,
    target: &CrossVersionObjectReference,
) -> Declared {
    let least = BTreeMap::from([("cpu", "10m"), ("memory", "32Mi")]);
    let body = VerticalPodAutoscaler {
        api_version: "autoscaling.k8s.io/v1",
        kind: "VerticalPodAutoscaler",
        metadata: scope.metadata(name, component),
        spec: VerticalSpec {
            target_ref: target.clone(),
            update_policy: UpdatePolicy { update_mode: "Auto" },
            resource_policy: ResourcePolicy {
                container_policies: vec![ContainerPolicy { container_name: "*", min_allowed: least }],
            },
        },
    };
    let kind = Kind::VerticalPodAutoscaler;
    scope.declare(kind, name, Slice::Workload, vec![], &Waits::default(), &body)
}

fn target(scope: &Scope<'_>) -> CrossVersionObjectReference {
    let api = api::kind(scope.spec()).api();
    CrossVersionObjectReference {
        api_version: Some(format!("{}/{}", api.group, api.version)),
        kind: api.kind.into(),
        name: scope.names().service().into(),
    }
}

/// With at most one pod a budget would keep every node from being emptied.
fn budget(scope: &Scope<'_>) -> Option<Declared> {
    let spec = scope.spec();
    if !spec.enable_pod_disruption_budget || spec.max_instance_count <= 1 {
        return None;
    }
    let least = match &spec.pdb_min_available {
        IntOrPercent::Int(count) => IntOrString::Int(workload::pods(*count)),
        IntOrPercent::Text(text) => match text.parse() {
            Ok(count) => IntOrString::Int(count),
            Err(_) => IntOrString::String(text.clone()),
        },
    };
    let name = scope.names().service();
    let body = PodDisruptionBudget {
        metadata: scope.metadata(name, api::COMPONENT),
        spec: Some(PodDisruptionBudgetSpec {
            min_available: Some(least),
            selector: Some(stamp::selector(scope.names(), api::COMPONENT)),
            ..Default::default()
        }),
        ..Default::default()
    };
    let kind = Kind::PodDisruptionBudget;
    Some(scope.declare(kind, name, Slice::Workload, vec![], &Waits::default(), &body))
}

/// A VerticalPodAutoscaler (`autoscaling.k8s.io/v1`), as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerticalPodAutoscaler {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: VerticalSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerticalSpec {
    target_ref: CrossVersionObjectReference,
    update_policy: UpdatePolicy,
    resource_policy: ResourcePolicy,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpdatePolicy {
    update_mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourcePolicy {
    container_policies: Vec<ContainerPolicy>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContainerPolicy {
    container_name: &'static str,
    min_allowed: BTreeMap<&'static str, &'static str>,
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;

    fn kinds(spec: Spec) -> Vec<Kind> {
        let declared = World::of(spec).declared();
        let all = declared.into_iter().filter_map(|one| match one.id.kind {
            crate::resources::Kind::Kubernetes(kind) => Some(kind),
            crate::resources::Kind::Google(_) => None,
        });
        all.collect()
    }

    #[test]
    fn only_one_autoscaler_decides_and_the_workload_leaves_it_to_it() {
        let world = World::default_set();
        assert!(world.body(Kind::Deployment, "")["spec"]["replicas"].is_null());
        assert_eq!(world.body(Kind::HorizontalPodAutoscaler, "")["spec"]["maxReplicas"], 3);
        let larger = kinds(Spec { enable_vertical_pod_autoscaling: true, ..Spec::default() });
        assert!(larger.contains(&Kind::VerticalPodAutoscaler));
        assert!(!larger.contains(&Kind::HorizontalPodAutoscaler));
    }

    #[test]
    fn a_fixed_number_of_pods_is_written() {
        let world = World::of(Spec { min_instance_count: 2, max_instance_count: 2, ..Spec::default() });
        assert_eq!(world.body(Kind::Deployment, "")["spec"]["replicas"], 2);
        let zero = World::of(Spec { min_instance_count: 0, ..Spec::default() });
        assert_eq!(zero.body(Kind::HorizontalPodAutoscaler, "")["spec"]["minReplicas"], 1);
    }

    #[test]
    fn a_single_pod_has_no_budget() {
        let wanted = Spec { enable_pod_disruption_budget: true, ..Spec::default() };
        assert!(kinds(wanted.clone()).contains(&Kind::PodDisruptionBudget));
        let single = Spec { max_instance_count: 1, ..wanted };
        assert!(!kinds(single).contains(&Kind::PodDisruptionBudget));
    }

    #[test]
    fn a_budget_is_a_number_or_a_share() {
        let least = |text: &str| {
            let value = IntOrPercent::Text(text.into());
            let spec =
                Spec { enable_pod_disruption_budget: true, pdb_min_available: value, ..Spec::default() };
            World::of(spec).body(Kind::PodDisruptionBudget, "")["spec"]["minAvailable"].clone()
        };
        assert_eq!([least("2"), least("50%")], [serde_json::json!(2), serde_json::json!("50%")]);
    }
}
