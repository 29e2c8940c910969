//! Components with an image, a ConfigMap and perhaps a Secret of their own: plugin daemon, sandboxes,
//! proxies, Agent v2's server.

use k8s_openapi::api::core::v1::{Container, ContainerPort};

use crate::resources::{Declared, ResourceId};
use crate::slice::Slice;
use crate::spec::types::ContainerResources;

use super::credentials::{self, SecretMap};
use super::environment::{self, Plain};
use super::images::{self, Image};
use super::pod::{self, Pod};
use super::scope::Scope;
use super::sizes::{Size, resources};
use super::waits::Waits;
use super::workload::{self, Replacement};
use super::{Kind, config, service};

/// A component of its own.
pub struct Standalone<'a> {
    /// Its name: `sandbox`.
    pub component: &'static str,
    /// Its image.
    pub image: Image,
    /// Its port, which is its Service's too.
    pub port: u16,
    /// Its plain environment.
    pub plain: Plain,
    /// Its secret environment; no Secret is made when it is empty.
    pub secrets: SecretMap,
    /// What both wait on.
    pub waits: Waits,
    /// Its container: probes, command, security.
    pub main: Container,
    /// What the spec says it asks for.
    pub resources: Option<&'a ContainerResources>,
    /// What it asks for by default.
    pub size: Size,
    /// Number of pods.
    pub replicas: u32,
    /// How pods are replaced.
    pub replacement: Replacement,
    /// What it needs beyond its own configuration.
    pub needs: Vec<ResourceId>,
}

/// A component's ConfigMap, Secret, Deployment and Service. `finish` adds what is special to the pod.
pub fn declare(
    scope: &Scope<'_>,
    component: Standalone<'_>,
    finish: impl FnOnce(Pod, &mut Waits) -> Pod,
) -> Vec<Declared> {
    let Standalone { component: name, plain, secrets, mut waits, .. } = component;
    let (slice, own) = (Slice::Workload, config::name(scope, name));
    let mut all = vec![config::declare(scope, &own, name, slice, &plain, &waits)];
    let mut needs = component.needs;
    needs.push(scope.id(Kind::ConfigMap, &own));
    let secret = (!secrets.is_empty()).then_some(own.as_str());
    if let Some(secret) = secret {
        all.push(credentials::declare(scope, secret, name, slice, &secrets, &waits));
        needs.push(scope.id(Kind::Secret, secret));
    }
    let main = Container {
        name: name.into(),
        image: Some(waits.take(images::pinned(scope.context, component.image))),
        env_from: pod::environment(&own, secret),
        ports: Some(vec![ContainerPort { container_port: component.port.into(), ..Default::default() }]),
        resources: Some(resources(component.resources, component.size)),
        ..component.main
    };
    let pod = Pod::new(main, environment::checksum(&plain, &secrets))
        .with_grace(scope.spec().termination_grace_period_seconds.into());
    let template = finish(pod, &mut waits).template(scope, name);
    let object = scope.names().component(name);
    let replicas = Some(workload::pods(component.replicas));
    let body = workload::deployment(scope, &object, name, replicas, component.replacement, template);
    all.push(scope.declare(Kind::Deployment, &object, slice, needs, &waits, &body));
    all.push(service::simple(scope, name, component.port));
    all
}
