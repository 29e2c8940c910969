//! Agent v2 (Dify 1.16 and later, off by default): its server, its sandbox, and the sandbox's proxy.

use k8s_openapi::api::core::v1::Container;

use crate::resources::Declared;
use crate::rotation::server::{Server, Twin};
use crate::rotation::twin;
use crate::spec::Spec;

use super::environment::{self, Application};
use super::images::Image;
use super::probes::{self, pace};
use super::scope::Scope;
use super::service::{AGENT_BACKEND_PORT, AGENT_SANDBOX_PORT};
use super::sizes::size;
use super::standalone::{self, Standalone};
use super::workload::Replacement;
use super::{enabled, inner_api, security, ssrf_proxy, turn};

/// The name of the sandbox's proxy.
pub const PROXY: &str = "agent-proxy";

/// The name of the sandbox that belongs to one of the two servers.
pub fn sandbox_name(twin: Twin) -> &'static str {
    Server::Agent.beside(twin).unwrap_or_default()
}

/// Names of the sandboxes that are there or are to be.
pub fn sandboxes(scope: &Scope<'_>) -> Vec<&'static str> {
    let mut all: Vec<&str> =
        twin::standing(scope.context, Server::Agent).into_iter().map(sandbox_name).collect();
    all.sort_unstable();
    all
}

/// All three.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    if !enabled(&scope.spec().agent_backend, false) {
        return Vec::new();
    }
    let mut all = turn::declare(scope, Server::Agent, |twin| pair(scope, application, twin));
    all.extend(ssrf_proxy::squid(scope, PROXY, 1, &[], &[], &rules(scope)));
    all
}

fn pair(scope: &Scope<'_>, application: &Application, twin: Twin) -> Vec<Declared> {
    let mut waits = application.waits();
    let platform = application.platform();
    let secrets = environment::secrets::agent_backend(scope, &application.secrets, platform, &mut waits);
    let sandbox_secrets = environment::secrets::agent_sandbox(&secrets);
    let backend = Standalone {
        secrets,
        waits: waits.clone(),
        needs: inner_api::needs(scope, Server::Agent, twin),
        ..backend(scope, twin)
    };
    let sandbox = Standalone { secrets: sandbox_secrets, waits, ..sandbox(scope, twin) };
    let mut all = standalone::declare(scope, backend, |pod, _| pod.with_scratch("tmp", "/tmp"));
    all.extend(standalone::declare(scope, sandbox, |pod, _| pod));
    all
}

/// The server. Runs live in its process, so one pod is replaced by the next as late as possible.
fn backend<'a>(scope: &Scope<'a>, twin: Twin) -> Standalone<'a> {
    let spec: &'a Spec = scope.spec();
    let main = Container {
        security_context: Some(security::unprivileged(security::DIFY_UID, false)),
        ..reachable(AGENT_BACKEND_PORT)
    };
    Standalone {
        component: Server::Agent.component(twin),
        image: Image::AgentBackend,
        port: AGENT_BACKEND_PORT,
        plain: environment::agent::backend(scope, twin),
        main,
        resources: spec.agent_backend.resources.as_ref(),
        replicas: spec.agent_backend.replicas.unwrap_or(1),
        ..blank()
    }
}

/// The sandbox: its own user, and files that live as long as the pod.
fn sandbox<'a>(scope: &Scope<'a>, twin: Twin) -> Standalone<'a> {
    let health = |pace| Some(probes::http("/healthz", AGENT_SANDBOX_PORT, pace));
    let main = Container {
        startup_probe: health(pace(5, 5, 60)),
        readiness_probe: health(probes::READINESS),
        liveness_probe: health(pace(30, 10, 5)),
        security_context: Some(security::as_image()),
        ..Default::default()
    };
    Standalone {
        component: sandbox_name(twin),
        image: Image::AgentSandbox,
        port: AGENT_SANDBOX_PORT,
        plain: environment::agent::sandbox(scope),
        main,
        // Sessions are bound to their pod.
        replacement: Replacement::OneAtATime,
        ..blank()
    }
}

fn blank<'a>() -> Standalone<'a> {
    Standalone {
        component: "",
        image: Image::AgentBackend,
        port: AGENT_BACKEND_PORT,
        plain: Default::default(),
        secrets: Default::default(),
        waits: Default::default(),
        main: Default::default(),
        resources: None,
        size: size("500m", "1Gi", "2Gi"),
        replicas: 1,
        replacement: Replacement::Rolling,
        needs: vec![],
    }
}

/// It has no health route.
fn reachable(port: u16) -> Container {
    Container {
        startup_probe: Some(probes::tcp(port, pace(5, 5, 60))),
        readiness_probe: Some(probes::tcp(port, probes::READINESS)),
        liveness_probe: Some(probes::tcp(port, pace(30, 5, 5))),
        ..Default::default()
    }
}

/// The sandbox reaches two private things, and only below these paths: the server's stub and Dify's
/// files (upstream's rules).
fn rules(scope: &Scope<'_>) -> String {
    let api = scope.names().service();
    let backends = [Twin::A, Twin::B].map(|twin| scope.names().component(Server::Agent.component(twin)));
    let backends = backends.join(" ");
    format!(
        "acl to_backend dstdomain -n {backends}\nacl to_api dstdomain -n {api}\n\
         acl stub_path urlpath_regex -i ^/agent-stub/\nacl files_path urlpath_regex -i ^/files/\n\
         http_access allow to_backend stub_path\nhttp_access allow to_api files_path\n"
    )
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::fixture::World;
    use super::*;

    fn world() -> World {
        let mut spec = Spec::default();
        spec.agent_backend.enabled = Some(true);
        World::of(spec)
    }

    #[test]
    fn tokens_are_the_same_on_both_sides() {
        let world = world();
        let of = |suffix: &str| world.body(Kind::Secret, suffix)["data"].clone();
        let (api, backend, sandbox) = (of("-env"), of("-agent-backend-env"), of("-agent-sandbox-env"));
        assert_eq!(api["AGENT_BACKEND_API_TOKEN"], backend["DIFY_AGENT_API_TOKEN"]);
        assert_eq!(backend["DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN"], sandbox["SHELLCTL_AUTH_TOKEN"]);
        assert_eq!(backend["DIFY_AGENT_PLUGIN_DAEMON_API_KEY"], api["PLUGIN_DAEMON_KEY"]);
        assert_eq!(sandbox.as_object().unwrap().len(), 1);
    }

    #[test]
    fn the_pages_show_it_only_when_it_runs() {
        assert_eq!(world().variable("web", "NEXT_PUBLIC_ENABLE_AGENT_V2").as_deref(), Some("true"));
        let without = World::default_set();
        assert_eq!(without.variable("web", "NEXT_PUBLIC_ENABLE_AGENT_V2").as_deref(), Some("false"));
        assert_eq!(without.variable("api", "AGENT_BACKEND_BASE_URL"), None);
    }
}
