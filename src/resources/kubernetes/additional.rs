//! The user's further services beside Dify.

use std::collections::BTreeMap;

use k8s_openapi::api::autoscaling::v2::CrossVersionObjectReference;
use k8s_openapi::api::core::v1::{Container, ContainerPort, Volume, VolumeMount};

use crate::resources::{Declared, Wait, WaitKind};
use crate::slice::Slice;
use crate::spec::types::{AdditionalService, ContainerResources, Probe, VolumeMount as Mount};

use super::credentials::SecretMap;
use super::environment::{Application, Plain, checksum};
use super::pod::{self, Pod};
use super::probes::{self, pace};
use super::scope::{Scope, dns};
use super::service::{self, Wanted};
use super::sizes::{resources, size};
use super::users::{self, Run};
use super::waits::Waits;
use super::workload::{self, Replacement};
use super::{Kind, application, autoscaling, config, stamp, storage};

/// Path of an HTTP probe that names none; the module's.
const HEALTH: &str = "/healthz";

/// Every further service.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let wanted = &scope.spec().additional_services;
    wanted.iter().flat_map(|wanted| declare_one(scope, application, wanted)).collect()
}

/// The variables by which Dify finds them.
pub fn urls(scope: &Scope<'_>) -> Plain {
    let services = scope.spec().additional_services.iter();
    services
        .filter_map(|wanted| {
            let port = wanted.service_port.or(wanted.port)?;
            let upper = wanted.name.to_ascii_uppercase().replace('-', "_");
            let variable = wanted.output_env_var_name.clone().unwrap_or_else(|| format!("{upper}_URL"));
            Some((variable, scope.url(&object(scope, wanted), port)))
        })
        .collect()
}

/// The component that a service counts as.
pub fn component(wanted: &AdditionalService) -> String {
    dns(&wanted.name)
}

fn object(scope: &Scope<'_>, wanted: &AdditionalService) -> String {
    scope.names().component(&component(wanted))
}

fn declare_one(scope: &Scope<'_>, application: &Application, wanted: &AdditionalService) -> Vec<Declared> {
    let (slice, mut plain_waits) = (Slice::Workload, Waits::default());
    let (name, component) = (object(scope, wanted), component(wanted));
    let own = config::name(scope, &component);
    let plain = users::with_address(scope, wanted.env_vars.as_ref(), &mut plain_waits);
    let mut all = vec![config::declare(scope, &own, &component, slice, &plain, &plain_waits)];
    let mut needs = vec![scope.id(Kind::ConfigMap, &own)];
    let mut waits = plain_waits;
    if wanted.secret_env_vars.is_some() {
        waits.extend(&application.secret_waits);
        needs.push(scope.id(Kind::Secret, &application::secret_name(scope)));
    }
    let main = container(scope, wanted, &own, &mut waits);
    let mut pod = Pod::new(main, checksum(&plain, &used_secrets(application, wanted)))
        .with_grace(scope.spec().termination_grace_period_seconds.into());
    for mount in wanted.volume_mounts.iter().flatten() {
        pod = with_mount(scope, pod, mount, &mut waits);
    }
    if let Some(volume) = &wanted.persistent_volume {
        let class = volume.storage_class.as_deref().unwrap_or(storage::STORAGE_CLASS);
        let (id, claim) = storage::claim(scope, &name, &component, &volume.size, class);
        needs.push(id);
        all.push(claim);
        let source = storage::claimed("data", &name);
        pod = pod.with_volume(source, storage::mount("data", &volume.mount_path));
    }
    let replacement = match wanted.persistent_volume {
        Some(_) => Replacement::OneAtATime,
        None => Replacement::Rolling,
    };
    let replicas = (!scales_out(scope, wanted)).then(|| workload::pods(least(wanted)));
    let template = pod.template(scope, &component);
    let mut body = workload::deployment(scope, &name, &component, replicas, replacement, template);
    if wanted.wait_for_rollout == Some(false) {
        body.metadata.annotations = Some(BTreeMap::from([(stamp::NO_WAIT.to_owned(), "true".to_owned())]));
    }
    all.push(scope.declare(Kind::Deployment, &name, slice, needs, &waits, &body));
    all.extend(exposed(scope, wanted, &name, &component));
    all.extend(autoscaled(scope, wanted, &name, &component));
    all
}

fn container(scope: &Scope<'_>, wanted: &AdditionalService, own: &str, waits: &mut Waits) -> Container {
    let run = Run {
        image: Some(&wanted.image),
        command: wanted.command.as_deref(),
        args: wanted.args.as_deref(),
        script: None,
    };
    let users = ContainerResources {
        cpu_limit: wanted.cpu_limit.clone(),
        memory_limit: wanted.memory_limit.clone(),
        ephemeral_storage_limit: wanted.ephemeral_storage_limit.clone(),
        ephemeral_storage_request: wanted.ephemeral_storage_request.clone(),
        ..Default::default()
    };
    let secret = application::secret_name(scope);
    let variables = wanted.secret_env_vars.as_ref();
    let port = wanted.port.unwrap_or_default();
    let probe = |probe: &Option<Probe>, pace| {
        probe.as_ref().and_then(|probe| probes::wanted(probe, port, HEALTH, pace))
    };
    Container {
        env_from: pod::environment(own, None),
        env: variables
            .map(|all| all.iter().map(|(name, key)| users::secret_variable(name, &secret, key)).collect()),
        ports: wanted
            .port
            .map(|port| vec![ContainerPort { container_port: port.into(), ..Default::default() }]),
        startup_probe: probe(&wanted.startup_probe, pace(10, 5, 30)),
        liveness_probe: probe(&wanted.liveness_probe, pace(30, 5, 3)),
        readiness_probe: wanted
            .liveness_probe
            .as_ref()
            .filter(|probe| probe.enabled != Some(false))
            .map(|probe| probes::readiness(probe, port, HEALTH)),
        resources: Some(resources(Some(&users), size("1000m", "512Mi", "1Gi"))),
        ..run.container(scope, &component(wanted), waits)
    }
}

/// The application's secrets that it reads, by their keys.
fn used_secrets(application: &Application, wanted: &AdditionalService) -> SecretMap {
    let keys = wanted.secret_env_vars.iter().flat_map(BTreeMap::values);
    keys.filter_map(|key| Some((key.clone(), application.secrets.get(key)?.clone()))).collect()
}

fn with_mount(scope: &Scope<'_>, pod: Pod, mount: &Mount, waits: &mut Waits) -> Pod {
    let volume = volume(scope, &mount.name, waits);
    let inside = VolumeMount { read_only: mount.read_only, ..storage::mount(&mount.name, &mount.mount_path) };
    pod.with_volume(volume, inside)
}

/// A volume of the deployment by its name.
fn volume(scope: &Scope<'_>, name: &str, waits: &mut Waits) -> Volume {
    let spec = scope.spec();
    if name == spec.nfs_volume_name {
        return storage::nfs(scope, waits);
    }
    match spec.gcs_volumes.iter().find(|volume| volume.name == name) {
        Some(volume) => storage::gcs(scope, volume, waits),
        None => {
            let why = format!("no volume is named {name}: nfs_volume_name and gcs_volumes name volumes");
            waits.take(Err(Wait::new(WaitKind::User, why)))
        }
    }
}

/// Its Service: inside the cluster, or with an address of its own when the spec opens it to everybody.
fn exposed(scope: &Scope<'_>, wanted: &AdditionalService, name: &str, component: &str) -> Option<Declared> {
    let target = wanted.port?;
    let mut ports = vec![service::port("http", wanted.service_port.unwrap_or(target), target)];
    ports.extend(service::extra_ports(wanted.extra_ports.as_deref().unwrap_or_default()));
    let mut body = service::inside(scope, Wanted { name, component, ports });
    if wanted.ingress.as_deref() == Some("INGRESS_TRAFFIC_ALL")
        && let Some(inner) = &mut body.spec
    {
        inner.type_ = Some("LoadBalancer".into());
        inner.load_balancer_ip = wanted.loadbalancer_ip.clone();
    }
    Some(scope.declare(Kind::Service, name, Slice::Workload, vec![], &Waits::default(), &body))
}

fn autoscaled(
    scope: &Scope<'_>,
    wanted: &AdditionalService,
    name: &str,
    component: &str,
) -> Option<Declared> {
    let target = CrossVersionObjectReference {
        api_version: Some("apps/v1".into()),
        kind: "Deployment".into(),
        name: name.into(),
    };
    if scope.spec().enable_vertical_pod_autoscaling {
        return Some(autoscaling::vertical(scope, name, component, &target));
    }
    let most = wanted.max_instance_count.unwrap_or(1);
    scales_out(scope, wanted)
        .then(|| autoscaling::horizontal(scope, name, component, &target, least(wanted), most))
}

/// A disk of its own can only be had by one pod.
fn scales_out(scope: &Scope<'_>, wanted: &AdditionalService) -> bool {
    wanted.max_instance_count.unwrap_or(1) > least(wanted)
        && wanted.persistent_volume.is_none()
        && !scope.spec().enable_vertical_pod_autoscaling
}

fn least(wanted: &AdditionalService) -> u32 {
    wanted.min_instance_count.unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    fn world(services: serde_json::Value) -> World {
        let mut spec = Spec::default();
        spec.set("additional_services", services).unwrap().unwrap();
        World::of(spec)
    }

    #[test]
    fn dify_is_told_where_it_is() {
        let world = world(json!([{"name": "my-search", "image": "x/y:1", "port": 8080, "service_port": 80}]));
        let url = world.variable("api", "MY_SEARCH_URL");
        assert_eq!(url.as_deref(), Some("http://appdifydemo0a1b2c3d-my-search:80"));
    }

    #[test]
    fn it_learns_the_public_address_and_the_secrets_it_names() {
        let world =
            world(json!([{"name": "s", "image": "x/y:1", "env_vars": {"URL": "$(GKE_SERVICE_URL)/x"},
                                  "secret_env_vars": {"KEY": "SECRET_KEY"}}]));
        assert_eq!(world.variable("s", "URL").as_deref(), Some("http://203.0.113.7/x"));
        let body = world.body(Kind::Deployment, "-s");
        let variable = &body["spec"]["template"]["spec"]["containers"][0]["env"][0];
        assert_eq!(variable["valueFrom"]["secretKeyRef"]["key"], "SECRET_KEY");
    }

    #[test]
    fn a_disk_of_its_own_keeps_it_at_one_pod() {
        let volume = json!({"size": "5Gi", "mount_path": "/data"});
        let world = world(json!([{"name": "s", "image": "x/y:1", "max_instance_count": 3,
                                  "persistent_volume": volume}]));
        let body = world.body(Kind::Deployment, "-s");
        assert_eq!(
            (&body["spec"]["replicas"], &body["spec"]["strategy"]["type"]),
            (&json!(1), &json!("Recreate"))
        );
        assert_eq!(world.body(Kind::PersistentVolumeClaim, "-s")["spec"]["storageClassName"], "standard-rwo");
    }

    #[test]
    fn a_volume_nobody_names_is_the_users_to_mend() {
        let world = world(json!([{"name": "s", "image": "x/y:1",
                                  "volume_mounts": [{"name": "nowhere", "mount_path": "/x"}]}]));
        let waits = world.declared().into_iter().find_map(|one| match one.desired {
            crate::resources::Desired::Waiting(waits) => Some(waits),
            _ => None,
        });
        assert_eq!(waits.unwrap()[0].kind, WaitKind::User);
    }
}
