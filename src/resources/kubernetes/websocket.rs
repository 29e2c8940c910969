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
