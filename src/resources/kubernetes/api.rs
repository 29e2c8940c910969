//! The API: a Deployment, or a StatefulSet when the spec wants a volume for each pod.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, Lifecycle, LifecycleHandler, PodTemplateSpec, SleepAction,
};

use crate::resources::{Declared, ResourceId};
use crate::rotation::inner;
use crate::slice::Slice;
use crate::spec::Spec;
use crate::spec::types::ContainerResources;

use super::environment::{self, Application};
use super::pod::Pod;
use super::probes::{self, pace};
use super::scope::Scope;
use super::sizes::{resources, size};
use super::waits::Waits;
use super::workload::{self, Replacement};
use super::{Kind, application, autoscaling, config, gates, inner_api, security, storage};

/// The component's name.
pub const COMPONENT: &str = "api";

/// Seconds between the pod's leaving the load balancer and the end of its server, which closes its port
/// at once when told to stop (measured). The load balancer takes that long to notice.
pub const DRAIN_SECS: i64 = 15;

/// Least seconds to stop: draining, 60 s for open requests, a margin.
const GRACE_SECS: i64 = 90;

/// The health endpoint. It checks nothing but the process, so it says nothing of a broken database and
/// does not restart every pod for one either.
pub const HEALTH: &str = "/health";

/// The API's workload and what it reads.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let plain = environment::api::api(scope, application);
    let config_map = config::name(scope, COMPONENT);
    let mut waits = application.waits();
    let checksum = environment::checksum(&plain, &application.secrets);
    let mut pod = pod(scope, &config_map, &application::secret_name(scope), checksum, &mut waits);
    pod.spec.topology_spread_constraints = autoscaling::topology(scope);
    let needs = gates::serving(scope, &config_map);
    let slice = Slice::Workload;
    vec![
        config::declare(scope, &config_map, COMPONENT, slice, &plain, &application.plain_waits),
        controller(scope, pod, needs, &waits),
    ]
}

/// A pod that is the API, reading a ConfigMap and a Secret of this checksum.
pub fn pod(scope: &Scope<'_>, config_map: &str, secret: &str, checksum: String, waits: &mut Waits) -> Pod {
    let main = container(scope.spec());
    let pod = application::pod_of(scope, [config_map, secret], checksum, None, main, waits)
        .with_grace(grace_secs(scope.spec()))
        .with_proxy(scope, waits);
    let mut pod = application::with_mounts(scope, pod, waits);
    pod.spec.security_context = Some(security::pod(scope.spec().stateful_fs_group));
    pod
}

/// The address of the API's Deployment or StatefulSet.
pub fn id(scope: &Scope<'_>) -> ResourceId {
    scope.id(kind(scope.spec()), scope.names().service())
}

/// Which of the two it is.
pub fn kind(spec: &Spec) -> Kind {
    if workload::is_stateful(spec) { Kind::StatefulSet } else { Kind::Deployment }
}

fn controller(scope: &Scope<'_>, pod: Pod, needs: Vec<ResourceId>, waits: &Waits) -> Declared {
    let (spec, name, slice) = (scope.spec(), scope.names().service(), Slice::Workload);
    // Left out, the number of pods is the autoscaler's.
    let fixed = workload::pods(spec.min_instance_count.max(1));
    let replicas = (!autoscaling::scales_out(spec)).then_some(fixed);
    if kind(spec) == Kind::StatefulSet {
        let pod = match workload::has_volume(spec) {
            true => mounted(pod, &spec.stateful_pvc_mount_path),
            false => pod,
        };
        let mut body = workload::stateful_set(scope, name, COMPONENT, replicas, template(scope, pod));
        body.metadata.annotations = Some(workload::description(spec));
        return scope.declare(Kind::StatefulSet, name, slice, needs, waits, &body);
    }
    let template = template(scope, pod);
    let mut body = workload::deployment(scope, name, COMPONENT, replicas, Replacement::Rolling, template);
    body.metadata.annotations = Some(workload::description(spec));
    scope.declare(Kind::Deployment, name, slice, needs, waits, &body)
}

fn template(scope: &Scope<'_>, pod: Pod) -> PodTemplateSpec {
    let mut template = pod.template(scope, COMPONENT);
    inner_api::label(&mut template, inner::service(scope.context, inner::known(scope.context)));
    template
}

fn mounted(mut pod: Pod, path: &str) -> Pod {
    pod.main.volume_mounts.get_or_insert_default().push(storage::mount(workload::DATA, path));
    pod
}

fn container(spec: &Spec) -> Container {
    let port = spec.container_port;
    let startup = probes::merged(&spec.startup_probe_config, &spec.startup_probe);
    let liveness = probes::merged(&spec.health_check_config, &spec.liveness_probe);
    Container {
        name: COMPONENT.into(),
        ports: Some(ports(spec)),
        startup_probe: probes::wanted(&startup, port, HEALTH, pace(10, 10, 30)),
        liveness_probe: probes::wanted(&liveness, port, HEALTH, pace(30, 10, 3)),
        readiness_probe: Some(probes::readiness(&liveness, port, HEALTH)),
        lifecycle: Some(drain()),
        resources: Some(resources(Some(&users_resources(spec)), size("2000m", "4Gi", "2Gi"))),
        ..Default::default()
    }
}

fn ports(spec: &Spec) -> Vec<ContainerPort> {
    let main = ContainerPort {
        name: Some("http".into()),
        container_port: spec.container_port.into(),
        ..Default::default()
    };
    vec![main]
}

/// A pause before SIGTERM (Kubernetes 1.30 and later have it without a shell in the image).
pub fn drain() -> Lifecycle {
    let sleep = SleepAction { seconds: DRAIN_SECS };
    let handler = LifecycleHandler { sleep: Some(sleep), ..Default::default() };
    Lifecycle { pre_stop: Some(handler), ..Default::default() }
}

/// Seconds an API pod may take to stop.
pub fn grace_secs(spec: &Spec) -> i64 {
    i64::from(spec.termination_grace_period_seconds).max(GRACE_SECS)
}

fn users_resources(spec: &Spec) -> ContainerResources {
    let own = spec.container_resources.clone().unwrap_or_default();
    ContainerResources {
        cpu_limit: own.cpu_limit.clone().or_else(|| Some(spec.cpu_limit.clone())),
        memory_limit: own.memory_limit.clone().or_else(|| Some(spec.memory_limit.clone())),
        ..own
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::World;
    use super::*;

    #[test]
    fn it_leaves_the_load_balancer_before_it_stops() {
        let pod = World::default_set().body(Kind::Deployment, "")["spec"]["template"]["spec"].clone();
        assert_eq!(pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"], 15);
        assert_eq!(pod["terminationGracePeriodSeconds"], 90);
        let patient = World::of(Spec { termination_grace_period_seconds: 600, ..Spec::default() });
        let pod = patient.body(Kind::Deployment, "")["spec"]["template"]["spec"].clone();
        assert_eq!(pod["terminationGracePeriodSeconds"], 600);
    }

    #[test]
    fn readiness_asks_what_liveness_asks() {
        let mut spec = Spec::default();
        spec.liveness_probe.path = Some("/console/api/setup".into());
        let body = World::of(spec).body(Kind::Deployment, "");
        let container = &body["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/console/api/setup");
        assert_eq!(container["startupProbe"]["httpGet"]["path"], "/health");
    }

    #[test]
    fn resources_of_the_container_win_over_the_two_limits() {
        let own = ContainerResources { cpu_limit: Some("4".into()), ..Default::default() };
        let world = World::of(Spec { container_resources: Some(own), ..Spec::default() });
        let body = world.body(Kind::Deployment, "");
        let limits = &body["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"];
        assert_eq!(limits, &json!({"cpu": "4", "memory": "4Gi", "ephemeral-storage": "2Gi"}));
    }

    #[test]
    fn a_volume_for_each_pod_makes_it_a_stateful_set_under_the_same_name() {
        let world = World::of(Spec { stateful_pvc_enabled: Some(true), ..Spec::default() });
        let body = world.body(Kind::StatefulSet, "");
        assert_eq!(body["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"], "standard-rwo");
        assert_eq!(body["spec"]["serviceName"], "appdifydemo0a1b2c3d-headless");
        let mounts = body["spec"]["template"]["spec"]["containers"][0]["volumeMounts"].to_string();
        assert!(mounts.contains(r#""mountPath":"/data""#), "{mounts}");
    }
}
