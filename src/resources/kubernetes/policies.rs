//! What the load balancer should know of each Service behind it: how long answers may take, and which
//! path tells whether a pod is well.

use crate::resources::Declared;
use crate::slice::Slice;

use super::environment::api::GUNICORN_TIMEOUT_SECS;
use super::front::{
    Affinity, Backend, Draining, HealthCheck, HealthConfig, HttpHealthCheck, Object, PolicySpec, TargetRef,
};
use super::scope::Scope;
use super::waits::Waits;
use super::{Kind, api, gateway, plugin_daemon, probes, service, web};

/// GKE's group and version.
const API: &str = "networking.gke.io/v1";

/// Seconds between two health checks and for an answer: busy pods take their time.
const CHECK_INTERVAL_SECS: u32 = 15;
const CHECK_TIMEOUT_SECS: u32 = 10;

/// Both policies of every Service that the front door reaches.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    if !gateway::is_wanted(scope) {
        return Vec::new();
    }
    let backends = gateway::backends(scope);
    backends
        .iter()
        .flat_map(|(service, component)| {
            [backend(scope, service, component), health(scope, service, component)]
        })
        .collect()
}

/// Google's default of 30 s ends every streamed answer. A limit below gunicorn's own would only hide
/// which of the two it was.
fn backend(scope: &Scope<'_>, service: &str, component: &str) -> Declared {
    let spec = scope.spec();
    let affinity = if spec.session_affinity == "ClientIP" { "CLIENT_IP" } else { "NONE" };
    let draining = u32::try_from(api::DRAIN_SECS).unwrap_or_default() + 45;
    let default = Backend {
        timeout_sec: spec.timeout_seconds.max(GUNICORN_TIMEOUT_SECS),
        connection_draining: Draining { draining_timeout_sec: draining },
        session_affinity: Affinity { kind: affinity },
    };
    policy(scope, Kind::GcpBackendPolicy, service, component, default)
}

/// Without it the load balancer asks for `/`, which the API answers with 404.
fn health(scope: &Scope<'_>, service: &str, component: &str) -> Declared {
    let default = HealthCheck {
        check_interval_sec: CHECK_INTERVAL_SECS,
        timeout_sec: CHECK_TIMEOUT_SECS,
        healthy_threshold: 1,
        unhealthy_threshold: 3,
        config: HealthConfig {
            kind: "HTTP",
            http_health_check: HttpHealthCheck {
                port_specification: "USE_SERVING_PORT",
                request_path: health_path(scope, component),
            },
        },
    };
    policy(scope, Kind::HealthCheckPolicy, service, component, default)
}

/// The path that the pods' own probes ask for.
fn health_path(scope: &Scope<'_>, component: &str) -> String {
    let spec = scope.spec();
    match component {
        "web" => web::HEALTH.into(),
        "plugin-daemon" | "plugin-daemon-b" => plugin_daemon::HEALTH.into(),
        "api" => {
            let liveness = probes::merged(&spec.health_check_config, &spec.liveness_probe);
            liveness.path.unwrap_or_else(|| api::HEALTH.into())
        }
        _ => api::HEALTH.into(),
    }
}

fn policy<D: serde::Serialize>(
    scope: &Scope<'_>,
    kind: Kind,
    service: &str,
    component: &str,
    default: D,
) -> Declared {
    let target = TargetRef { group: "", kind: "Service", name: service.to_owned() };
    let body = Object {
        api_version: API,
        kind: kind.name(),
        metadata: scope.metadata(service, component),
        spec: PolicySpec { default, target_ref: target },
    };
    let needs = vec![service::id(scope, service)];
    scope.declare(kind, service, Slice::Exposure, needs, &Waits::default(), &body)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn an_answer_may_take_what_the_spec_says_but_not_less_than_gunicorn_takes() {
        let secs = |timeout_seconds: u32| {
            let world = World::of(Spec { timeout_seconds, ..Spec::default() });
            world.body(Kind::GcpBackendPolicy, "")["spec"]["default"]["timeoutSec"].as_u64()
        };
        assert_eq!([secs(3600), secs(30), secs(0)], [Some(3600), Some(360), Some(360)]);
    }

    #[test]
    fn each_backend_is_asked_for_a_path_it_answers() {
        let world = World::default_set();
        let path = |suffix: &str| {
            let body = world.body(Kind::HealthCheckPolicy, suffix);
            body["spec"]["default"]["config"]["httpHealthCheck"]["requestPath"].as_str().unwrap().to_owned()
        };
        assert_eq!(
            [path(""), path("-web"), path("-plugin-daemon")],
            ["/health", "/favicon.ico", "/health/check"]
        );
    }
}
