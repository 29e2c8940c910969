//! The websocket server of live collaboration, off by default. The API answers `/socket.io` too, but
//! with few connections.

use k8s_openapi::api::core::v1::{Container, ContainerPort};

use crate::resources::Declared;

use super::application::{self, Member};
use super::environment::{self, Application};
use super::probes::{self, pace};
use super::scope::Scope;
use super::service::{self, WEBSOCKET_PORT};
use super::sizes::size;
use super::workload::Replacement;
use super::{api, enabled};

/// The component's name.
pub const COMPONENT: &str = "websocket";

/// The websocket server and its Service.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let wanted = &scope.spec().api_websocket;
    if !enabled(wanted, false) {
        return Vec::new();
    }
    let port = WEBSOCKET_PORT;
    let main = Container {
        name: COMPONENT.into(),
        ports: Some(vec![ContainerPort {
            name: Some("http".into()),
            container_port: port.into(),
            ..Default::default()
        }]),
        startup_probe: Some(probes::http(api::HEALTH, port, pace(5, 5, 120))),
        liveness_probe: Some(probes::http(api::HEALTH, port, pace(30, 10, 5))),
        readiness_probe: Some(probes::http(api::HEALTH, port, probes::READINESS)),
        lifecycle: Some(api::drain()),
        ..Default::default()
    };
    let member = Member {
        component: COMPONENT,
        wanted,
        plain: environment::api::websocket(scope, application),
        main,
        size: size("500m", "1536Mi", "1Gi"),
        grace_secs: api::grace_secs(scope.spec()),
        needs_database: true,
        mounts: false,
        replicas: wanted.replicas.unwrap_or(1),
        replacement: Replacement::Rolling,
    };
    let mut all = application::declare(scope, application, member);
    all.push(service::simple(scope, COMPONENT, port));
    all
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::fixture::World;
    use crate::spec::Spec;

    #[test]
    fn it_runs_only_when_it_is_wanted_and_then_everybody_knows() {
        let plain = World::default_set();
        assert_eq!(plain.variable("api", "ENABLE_COLLABORATION_MODE").as_deref(), Some("false"));
        let mut spec = Spec::default();
        spec.api_websocket.enabled = Some(true);
        let world = World::of(spec);
        assert_eq!(world.variable("api", "ENABLE_COLLABORATION_MODE").as_deref(), Some("true"));
        assert_eq!(world.variable("websocket", "SERVER_WORKER_CONNECTIONS").as_deref(), Some("1000"));
        assert_eq!(world.body(Kind::Service, "-websocket")["spec"]["ports"][0]["port"], 5001);
    }
}
