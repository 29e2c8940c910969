//! The one front door: a load balancer on one address with one host, and who answers which path.
//!
//! One origin is not a matter of taste: Dify's session cookies are not sent to another one.

use std::collections::BTreeMap;

use crate::resources::google::{address, certificate, certificate_map};
use crate::resources::{Declared, ResourceId};
use crate::rotation::server::Server;
use crate::rotation::twin;
use crate::slice::Slice;

use super::environment::api::openapi;
use super::front::{
    Address, AllowedRoutes, BackendRef, Filter, From, GatewaySpec, Listener, Match, Object, ParentRef,
    PathMatch, Redirect, RouteSpec, Rule,
};
use super::scope::Scope;
use super::service::{self, PLUGIN_DAEMON_PORT, WEB_PORT, WEBSOCKET_PORT};
use super::waits::Waits;
use super::{Kind, enabled, turn};

/// The Gateway API's group and version.
const API: &str = "gateway.networking.k8s.io/v1";
const GROUP: &str = "gateway.networking.k8s.io";

/// Google's global external application load balancer.
const CLASS: &str = "gke-l7-global-external-managed";

/// The annotation that names the certificate map. With it an HTTPS listener has no `tls` block: GKE
/// refuses both together.
const CERTIFICATES: &str = "networking.gke.io/certmap";

/// Paths that the API answers, from upstream's nginx and the API's own URL map. Everything else goes to
/// the web front end, so that `/inner/api`, `/health` and `/threads` stay inside.
const API_PATHS: [&str; 6] = ["/console/api", "/api", "/v1", "/files", "/mcp", "/triggers"];

/// Whether there is a front door.
pub fn is_wanted(scope: &Scope<'_>) -> bool {
    scope.spec().service_type != "ClusterIP"
}

/// The Gateway, its routes, and the way from http to https.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    if !is_wanted(scope) {
        return Vec::new();
    }
    let secure = !certificate::domains(scope.context).is_empty();
    let mut all = vec![gateway(scope, secure), routes(scope, secure)];
    if secure {
        all.push(redirect(scope));
    }
    all
}

/// The Gateway's name.
pub fn name(scope: &Scope<'_>) -> String {
    scope.names().component("gateway")
}

/// The Services that requests from outside reach, with the component behind each.
pub fn backends(scope: &Scope<'_>) -> Vec<(String, &'static str)> {
    let spec = scope.spec();
    let mut all = vec![(scope.names().service().to_owned(), "api")];
    let mut components = Vec::new();
    components.extend(enabled(&spec.web, true).then_some("web"));
    if enabled(&spec.plugin_daemon, true) {
        components.extend(turn::declared(scope, Server::PluginDaemon));
    }
    components.extend(enabled(&spec.api_websocket, false).then_some("websocket"));
    all.extend(components.into_iter().map(|component| (scope.names().component(component), component)));
    all
}

fn gateway(scope: &Scope<'_>, secure: bool) -> Declared {
    let spec = scope.spec();
    let listener = |name, port, protocol| Listener {
        name,
        port,
        protocol,
        allowed_routes: AllowedRoutes { namespaces: From { from: "Same" } },
    };
    let mut listeners = vec![listener("http", 80, "HTTP")];
    let mut needs: Vec<ResourceId> = Vec::new();
    let mut metadata = scope.metadata(&name(scope), "gateway");
    if secure {
        listeners.push(listener("https", 443, "HTTPS"));
        let map = certificate_map::id(scope.context);
        metadata.annotations = Some(BTreeMap::from([(CERTIFICATES.to_owned(), map.short_name().to_owned())]));
        needs.push(map);
    }
    let mut addresses = Vec::new();
    if spec.reserve_static_ip {
        let reserved = address::front(scope.context);
        addresses.push(Address { kind: "NamedAddress", value: reserved.short_name().to_owned() });
        needs.push(reserved);
    }
    let spec = GatewaySpec { gateway_class_name: CLASS, listeners, addresses };
    let body = Object { api_version: API, kind: "Gateway", metadata, spec };
    scope.declare(Kind::Gateway, &name(scope), Slice::Exposure, needs, &Waits::default(), &body)
}

fn routes(scope: &Scope<'_>, secure: bool) -> Declared {
    let spec = scope.spec();
    let names = scope.names();
    let api = || backend(names.service(), spec.service_port);
    let mut paths: Vec<&str> = API_PATHS.to_vec();
    if openapi(scope) {
        paths.push("/openapi");
    }
    let live = match enabled(&spec.api_websocket, false) {
        true => backend(&names.component("websocket"), WEBSOCKET_PORT),
        false => api(),
    };
    let mut rules = vec![rule(&paths, api()), rule(&["/socket.io"], live)];
    if enabled(&spec.plugin_daemon, true) {
        rules.push(Rule { backend_refs: daemons(scope), ..rule(&["/e"], api()) });
    }
    if enabled(&spec.web, true) {
        rules.push(rule(&["/"], backend(&names.component("web"), WEB_PORT)));
    }
    let hostnames = certificate::domains(scope.context).iter().map(|domain| domain.to_string()).collect();
    let listener = if secure { "https" } else { "http" };
    let needs = backends(scope).iter().map(|(name, _)| service::id(scope, name)).collect();
    route(scope, &names.component("routes"), listener, hostnames, rules, needs)
}

/// The plugin daemon that the callers inside have been told of. Another one that is coming up gets no requests yet, but
/// is made known to the load balancer, which takes minutes to find it healthy.
fn daemons(scope: &Scope<'_>) -> Vec<BackendRef> {
    let server = Server::PluginDaemon;
    let (front, target) = (twin::front(scope.context, server), twin::target(scope.context, server));
    let one = |twin| backend(&scope.names().component(server.component(twin)), PLUGIN_DAEMON_PORT);
    let next = (target != front).then(|| BackendRef { weight: 0, ..one(target) });
    std::iter::once(one(front)).chain(next).collect()
}

fn redirect(scope: &Scope<'_>) -> Declared {
    let filter =
        Filter { kind: "RequestRedirect", request_redirect: Redirect { scheme: "https", status_code: 301 } };
    let rules = vec![Rule { matches: vec![], filters: vec![filter], backend_refs: vec![] }];
    route(scope, &scope.names().component("redirect"), "http", vec![], rules, vec![])
}

fn route(
    scope: &Scope<'_>,
    name: &str,
    listener: &'static str,
    hostnames: Vec<String>,
    rules: Vec<Rule>,
    needs: Vec<ResourceId>,
) -> Declared {
    let parent = ParentRef { group: GROUP, kind: "Gateway", name: self::name(scope), section_name: listener };
    let body = Object {
        api_version: API,
        kind: "HTTPRoute",
        metadata: scope.metadata(name, "gateway"),
        spec: RouteSpec { parent_refs: vec![parent], hostnames, rules },
    };
    scope.declare(Kind::HttpRoute, name, Slice::Exposure, needs, &Waits::default(), &body)
}

fn rule(paths: &[&str], backend: BackendRef) -> Rule {
    let matches = paths
        .iter()
        .map(|path| Match { path: PathMatch { kind: "PathPrefix", value: (*path).to_owned() } })
        .collect();
    Rule { matches, filters: vec![], backend_refs: vec![backend] }
}

fn backend(name: &str, port: u16) -> BackendRef {
    BackendRef { group: "", kind: "Service", name: name.to_owned(), port, weight: 1 }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    fn paths(world: &World) -> Vec<(String, String)> {
        let rules = world.body(Kind::HttpRoute, "-routes")["spec"]["rules"].as_array().cloned().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        rules
            .iter()
            .flat_map(|rule| {
                let backend = text(&rule["backendRefs"][0]["name"]);
                let matches = rule["matches"].as_array().cloned().unwrap_or_default();
                matches.into_iter().map(move |one| (text(&one["path"]["value"]), backend.clone()))
            })
            .collect()
    }

    fn backend(world: &World, path: &str) -> Option<String> {
        paths(world).into_iter().find(|(one, _)| one == path).map(|(_, backend)| backend)
    }

    #[test]
    fn each_path_has_its_component_and_what_is_internal_has_none() {
        let world = World::default_set();
        assert_eq!(backend(&world, "/console/api").as_deref(), Some("appdifydemo0a1b2c3d"));
        assert_eq!(backend(&world, "/e").as_deref(), Some("appdifydemo0a1b2c3d-plugin-daemon"));
        assert_eq!(backend(&world, "/").as_deref(), Some("appdifydemo0a1b2c3d-web"));
        for inside in ["/inner/api", "/health", "/openapi"] {
            assert_eq!(backend(&world, inside), None);
        }
    }

    #[test]
    fn openapi_and_websocket_follow_what_is_switched_on() {
        let mut spec = Spec::default();
        spec.environment_variables.insert("OPENAPI_ENABLED".into(), "true".into());
        spec.api_websocket.enabled = Some(true);
        let world = World::of(spec);
        assert_eq!(backend(&world, "/openapi").as_deref(), Some("appdifydemo0a1b2c3d"));
        assert_eq!(backend(&world, "/socket.io").as_deref(), Some("appdifydemo0a1b2c3d-websocket"));
    }

    #[test]
    fn with_a_domain_it_is_https_and_http_leads_there() {
        let world = World::of(Spec {
            enable_custom_domain: true,
            application_domains: vec!["dify.example.com".into()],
            ..Spec::default()
        });
        let gateway = world.body(Kind::Gateway, "-gateway");
        assert!(gateway["spec"]["listeners"][1]["tls"].is_null());
        assert_eq!(gateway["metadata"]["annotations"][CERTIFICATES], "appdifydemo0a1b2c3d-map");
        let filters = world.body(Kind::HttpRoute, "-redirect")["spec"]["rules"][0]["filters"].clone();
        assert_eq!(filters[0]["requestRedirect"]["scheme"], "https");
        assert_eq!(world.body(Kind::HttpRoute, "-routes")["spec"]["parentRefs"][0]["sectionName"], "https");
        assert_eq!(world.variable("api", "CONSOLE_API_URL"), world.variable("web", "CONSOLE_API_URL"));
    }

    #[test]
    fn a_cluster_ip_has_no_front_door() {
        let world = World::of(Spec { service_type: "ClusterIP".into(), ..Spec::default() });
        assert!(!world.declared().iter().any(|one| one.id.to_string().starts_with("Gateway")));
    }
}
