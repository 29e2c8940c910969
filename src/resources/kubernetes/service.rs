//! Services: where components find each other, and what the front door sends requests to.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::resources::{Declared, ResourceId};
use crate::rotation::server::{Server, Twin};
use crate::slice::Slice;
use crate::spec::types::ServicePort as ExtraPort;

use super::scope::Scope;
use super::waits::Waits;
use super::{Kind, stamp, workload};

/// Port of the web front end.
pub const WEB_PORT: u16 = 3000;
/// Port of the websocket server.
pub const WEBSOCKET_PORT: u16 = 5001;
/// Port of the plugin daemon.
pub const PLUGIN_DAEMON_PORT: u16 = 5002;
/// Port of the code sandbox.
pub const SANDBOX_PORT: u16 = 8194;
/// Port of both proxies for user code.
pub const SSRF_PROXY_PORT: u16 = 3128;
/// Port of Agent v2's server.
pub const AGENT_BACKEND_PORT: u16 = 5050;
/// Port of Agent v2's sandbox.
pub const AGENT_SANDBOX_PORT: u16 = 5004;

/// The API inside the cluster.
pub fn api_url(scope: &Scope<'_>) -> String {
    scope.url(scope.names().service(), scope.spec().service_port)
}

/// A server of which two take turns, inside the cluster.
pub fn server_url(scope: &Scope<'_>, server: Server, twin: Twin) -> String {
    let port = match server {
        Server::Sandbox => SANDBOX_PORT,
        Server::PluginDaemon => PLUGIN_DAEMON_PORT,
        Server::Agent => AGENT_BACKEND_PORT,
    };
    scope.url(&scope.names().component(server.component(twin)), port)
}

/// The proxy for user code inside the cluster.
pub fn ssrf_proxy_url(scope: &Scope<'_>) -> String {
    scope.url(&scope.names().component("ssrf-proxy"), SSRF_PROXY_PORT)
}

/// Agent v2's sandbox inside the cluster.
pub fn agent_sandbox_url(scope: &Scope<'_>, component: &str) -> String {
    scope.url(&scope.names().component(component), AGENT_SANDBOX_PORT)
}

/// The proxy of Agent v2's sandbox inside the cluster.
pub fn agent_proxy_url(scope: &Scope<'_>) -> String {
    scope.url(&scope.names().component("agent-proxy"), SSRF_PROXY_PORT)
}

/// A Service under construction.
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// The component whose pods it leads to.
    pub component: &'a str,
    /// Its ports.
    pub ports: Vec<ServicePort>,
}

/// One port: number at the Service, number at the container.
pub fn port(name: &str, number: u16, target: u16) -> ServicePort {
    ServicePort {
        name: Some(name.into()),
        port: number.into(),
        target_port: Some(IntOrString::Int(target.into())),
        protocol: Some("TCP".into()),
        ..Default::default()
    }
}

/// Further ports, as the spec names them.
pub fn extra_ports(ports: &[ExtraPort]) -> Vec<ServicePort> {
    ports
        .iter()
        .map(|extra| ServicePort {
            protocol: Some(extra.protocol.clone().unwrap_or_else(|| "TCP".into())),
            ..port(&extra.name, extra.port, extra.target_port.unwrap_or(extra.port))
        })
        .collect()
}

/// A Service inside the cluster, before anything special.
pub fn inside(scope: &Scope<'_>, wanted: Wanted<'_>) -> Service {
    Service {
        metadata: scope.metadata(wanted.name, wanted.component),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".into()),
            selector: Some(stamp::selector_labels(scope.names(), wanted.component)),
            ports: Some(wanted.ports),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A Service of one port with its own name.
pub fn simple(scope: &Scope<'_>, component: &str, number: u16) -> Declared {
    let name = scope.names().component(component);
    let ports = vec![port("http", number, number)];
    let body = inside(scope, Wanted { name: &name, component, ports });
    scope.declare(Kind::Service, &name, Slice::Workload, vec![], &Waits::default(), &body)
}

/// The API's Services: the one in front, and a headless one for a StatefulSet's pods.
pub fn declare_api(scope: &Scope<'_>) -> Vec<Declared> {
    let mut services = vec![api(scope)];
    if workload::wants_headless(scope.spec()) {
        services.push(headless(scope));
    }
    services
}

/// The address of a component's Service.
pub fn id(scope: &Scope<'_>, name: &str) -> ResourceId {
    scope.id(Kind::Service, name)
}

fn api(scope: &Scope<'_>) -> Declared {
    let spec = scope.spec();
    let name = scope.names().service();
    let mut main = port("http", spec.service_port, spec.container_port);
    if spec.container_protocol == "h2c" {
        main.app_protocol = Some("kubernetes.io/h2c".into());
    }
    let mut ports = vec![main];
    ports.extend(extra_ports(&spec.extra_service_ports));
    let slice = Slice::Exposure;
    let mut body = inside(scope, Wanted { name, component: "api", ports });
    if let Some(inner) = &mut body.spec {
        inner.session_affinity = Some(spec.session_affinity.clone());
    }
    body.metadata.annotations = Some(spec.service_annotations.clone());
    let mut labels = spec.service_labels.clone();
    labels.extend(body.metadata.labels.take().unwrap_or_default());
    body.metadata.labels = Some(labels);
    scope.declare(Kind::Service, name, slice, vec![], &Waits::default(), &body)
}

/// Gives each pod of a StatefulSet a host name.
fn headless(scope: &Scope<'_>) -> Declared {
    let name = workload::headless_name(scope);
    let target = scope.spec().container_port;
    let ports = vec![port("http", target, target)];
    let slice = Slice::Workload;
    let mut body = inside(scope, Wanted { name: &name, component: "api", ports });
    if let Some(inner) = &mut body.spec {
        inner.cluster_ip = Some("None".into());
        inner.publish_not_ready_addresses = Some(true);
    }
    scope.declare(Kind::Service, &name, slice, vec![], &Waits::default(), &body)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn the_apis_service_has_the_users_ports_labels_and_protocol() {
        let mut spec = Spec { container_protocol: "h2c".into(), ..Spec::default() };
        spec.service_labels =
            [("team".to_owned(), "x".to_owned()), ("app".to_owned(), "mine".to_owned())].into();
        spec.extra_service_ports =
            vec![ExtraPort { name: "debug".into(), port: 5678, target_port: None, protocol: None }];
        let body = World::of(spec).body(Kind::Service, "");
        assert_eq!(body["spec"]["ports"][0]["appProtocol"], "kubernetes.io/h2c");
        assert_eq!(body["spec"]["ports"][1]["targetPort"], 5678);
        assert_eq!(body["metadata"]["labels"]["team"], "x");
        assert_eq!(body["metadata"]["labels"]["app"], "appdifydemo0a1b2c3d", "ours win");
        assert_eq!(body["spec"]["type"], "ClusterIP");
    }
}
