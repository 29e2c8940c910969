//! The web front end.

use k8s_openapi::api::core::v1::{Container, ContainerPort};

use crate::resources::Declared;
use crate::slice::Slice;

use super::credentials::SecretMap;
use super::images::{self, Image};
use super::pod::{self, Pod};
use super::probes::{self, pace};
use super::scope::Scope;
use super::service::{self, WEB_PORT};
use super::sizes::{resources, size};
use super::waits::Waits;
use super::workload::{self, Replacement};
use super::{Kind, api, config, enabled, environment, security};

/// The component's name.
pub const COMPONENT: &str = "web";

/// A static file: `/` is rendered on the server and calls the API, so that one would take the other down.
pub const HEALTH: &str = "/favicon.ico";

/// The web front end, what it reads, and its Service. It rolls after the API: new pages call new
/// endpoints.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    let wanted = &scope.spec().web;
    if !enabled(wanted, true) {
        return Vec::new();
    }
    let (slice, mut waits) = (Slice::Workload, Waits::default());
    let plain = environment::web::web(scope, &mut waits);
    let config_map = config::name(scope, COMPONENT);
    let configured = config::declare(scope, &config_map, COMPONENT, slice, &plain, &waits);
    let main = Container {
        name: COMPONENT.into(),
        image: Some(waits.take(images::pinned(scope.context, Image::Web))),
        env_from: pod::environment(&config_map, None),
        ports: Some(vec![ContainerPort {
            name: Some("http".into()),
            container_port: WEB_PORT.into(),
            ..Default::default()
        }]),
        startup_probe: Some(probes::tcp(WEB_PORT, pace(5, 5, 60))),
        readiness_probe: Some(probes::http(HEALTH, WEB_PORT, probes::READINESS)),
        liveness_probe: Some(probes::tcp(WEB_PORT, pace(30, 5, 5))),
        lifecycle: Some(api::drain()),
        resources: Some(resources(wanted.resources.as_ref(), size("500m", "1Gi", "1Gi"))),
        // The start script writes into its own directory.
        security_context: Some(security::unprivileged(security::DIFY_UID, false)),
        ..Default::default()
    };
    let grace = i64::from(scope.spec().termination_grace_period_seconds).max(api::DRAIN_SECS + 15);
    let pod = Pod::new(main, environment::checksum(&plain, &SecretMap::new())).with_grace(grace);
    let name = scope.names().component(COMPONENT);
    let replicas = Some(workload::pods(wanted.replicas.unwrap_or(1)));
    let template = pod.template(scope, COMPONENT);
    let body = workload::deployment(scope, &name, COMPONENT, replicas, Replacement::Rolling, template);
    let needs = vec![scope.id(Kind::ConfigMap, &config_map), api::id(scope)];
    vec![
        configured,
        scope.declare(Kind::Deployment, &name, slice, needs, &waits, &body),
        service::simple(scope, COMPONENT, WEB_PORT),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::fixture::World;
    use crate::spec::Spec;

    #[test]
    fn it_has_no_secret_and_no_identity() {
        let pod = World::default_set().body(Kind::Deployment, "-web")["spec"]["template"]["spec"].clone();
        assert!(!pod.to_string().contains("secretRef"));
        assert!(pod["serviceAccountName"].is_null());
    }

    #[test]
    fn it_rolls_after_the_api() {
        let world = World::of(Spec { stateful_pvc_enabled: Some(true), ..Spec::default() });
        let web = world.declared().into_iter().find(|one| {
            one.id.short_name().ends_with("-web")
                && one.id.kind == crate::resources::Kind::Kubernetes(Kind::Deployment)
        });
        let needs = web.unwrap().needs;
        assert!(needs.iter().any(|need| need.to_string().starts_with("StatefulSet ")), "{needs:?}");
    }
}
