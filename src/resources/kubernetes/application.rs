//! What everything that runs the API image has in common.

use k8s_openapi::api::core::v1::{Container, ResourceRequirements};

use crate::resources::{Declared, ResourceId};
use crate::slice::Slice;
use crate::spec::types::Component;

use super::environment::{self, Application, Plain};
use super::images::{self, Image};
use super::pod::{self, Pod};
use super::scope::Scope;
use super::sizes::{Size, resources};
use super::waits::Waits;
use super::workload::{self, Replacement};
use super::{Kind, account, config, gates, security, turn};

/// Name of the Secret that all of them read.
pub fn secret_name(scope: &Scope<'_>) -> String {
    config::name(scope, "")
}

/// The Secret that all of them read.
pub fn secret(scope: &Scope<'_>, application: &Application) -> Declared {
    let name = secret_name(scope);
    let mut secret = super::credentials::declare(
        scope,
        &name,
        "api",
        Slice::Workload,
        &application.secrets,
        &application.secret_waits,
    );
    secret.needs.extend(turn::policies(scope));
    secret
}

/// A pod of the API image: unprivileged, with nothing to write to but `/tmp` (it boots, serves and
/// migrates so), reading one ConfigMap and the shared Secret.
pub fn pod(
    scope: &Scope<'_>,
    application: &Application,
    config_map: &str,
    plain: &Plain,
    image: Option<&str>,
    main: Container,
    waits: &mut Waits,
) -> Pod {
    let checksum = environment::checksum(plain, &application.secrets);
    pod_of(scope, [config_map, &secret_name(scope)], checksum, image, main, waits)
}

/// The same, reading a ConfigMap and a Secret of this checksum.
pub fn pod_of(
    scope: &Scope<'_>,
    [config_map, secret]: [&str; 2],
    checksum: String,
    image: Option<&str>,
    main: Container,
    waits: &mut Waits,
) -> Pod {
    let reference = image.map_or_else(|| images::reference(scope.spec(), Image::Api), str::to_owned);
    let main = Container {
        image: Some(waits.take(images::pinned_reference(scope.context, &reference))),
        env_from: pod::environment(config_map, Some(secret)),
        security_context: Some(security::unprivileged(security::DIFY_UID, true)),
        ..main
    };
    Pod::new(main, checksum).with_identity(account::workload(scope.names())).with_scratch("tmp", "/tmp")
}

/// A component of the API image beside the API itself.
pub struct Member<'a> {
    /// Its name: `worker`.
    pub component: &'static str,
    /// What the spec says about it.
    pub wanted: &'a Component,
    /// Its plain environment.
    pub plain: Plain,
    /// Its container: name, command, ports, probes, lifecycle.
    pub main: Container,
    /// What it asks for by default.
    pub size: Size,
    /// Seconds it may take to stop.
    pub grace_secs: i64,
    /// Whether it talks to the database.
    pub needs_database: bool,
    /// Whether the share and the buckets are mounted, if the spec has them.
    pub mounts: bool,
    /// Fixed number of pods.
    pub replicas: u32,
    /// How pods are replaced.
    pub replacement: Replacement,
}

/// A member's ConfigMap and Deployment.
pub fn declare(scope: &Scope<'_>, application: &Application, member: Member<'_>) -> Vec<Declared> {
    let component = member.component;
    let config_map = config::name(scope, component);
    let mut waits = application.waits();
    let main = Container { resources: Some(size(&member)), ..member.main };
    let image = member.wanted.image.as_deref();
    let mut pod = pod(scope, application, &config_map, &member.plain, image, main, &mut waits)
        .with_grace(member.grace_secs);
    if member.needs_database {
        pod = pod.with_proxy(scope, &mut waits);
    }
    if member.mounts {
        pod = with_mounts(scope, pod, &mut waits);
    }
    let name = scope.names().component(component);
    let replicas = Some(workload::pods(member.replicas));
    let template = pod.template(scope, component);
    let body = workload::deployment(scope, &name, component, replicas, member.replacement, template);
    let needs: Vec<ResourceId> = gates::serving(scope, &config_map);
    let slice = Slice::Workload;
    vec![
        config::declare(scope, &config_map, component, slice, &member.plain, &application.plain_waits),
        scope.declare(Kind::Deployment, &name, slice, needs, &waits, &body),
    ]
}

/// Mounts the share if the spec wants it here, and the buckets.
pub fn with_mounts(scope: &Scope<'_>, pod: Pod, waits: &mut Waits) -> Pod {
    let pod = if scope.spec().storage_mount_nfs { pod.with_nfs(scope, waits) } else { pod };
    pod.with_buckets(scope, None, waits)
}

fn size(member: &Member<'_>) -> ResourceRequirements {
    resources(member.wanted.resources.as_ref(), member.size)
}
