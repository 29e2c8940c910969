//! Who may talk to whom: nothing, except what each component needs.
//!
//! One policy per component over a default of nothing in and nothing out. Endpoints outside the cluster
//! are their own addresses, not the ranges they might be in.

pub mod peers;

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::resources::Declared;
use crate::rotation::server::{Server, Twin};
use crate::rotation::twin;
use crate::slice::Slice;

use super::scope::Scope;
use super::service::{
    AGENT_BACKEND_PORT, AGENT_SANDBOX_PORT, PLUGIN_DAEMON_PORT, SANDBOX_PORT, SSRF_PROXY_PORT, WEB_PORT,
    WEBSOCKET_PORT,
};
use super::waits::Waits;
use super::{Kind, additional, agent, backup, enabled, gateway, inner_api, ssrf_proxy, stamp, turn};
use peers::Peers;

/// Everything that runs the API image and serves or works.
const DIFY: [&str; 5] = ["api", "worker", "websocket", "job", "cron"];

/// All of that, with the second API while it is there.
fn dify_and_second(scope: &Scope<'_>) -> Vec<&'static str> {
    let second = inner_api::stands(scope).then_some(inner_api::COMPONENT);
    DIFY.into_iter().chain(second).collect()
}

/// What answers for the API.
fn apis(scope: &Scope<'_>) -> Vec<&'static str> {
    let second = inner_api::stands(scope).then_some(inner_api::COMPONENT);
    std::iter::once("api").chain(second).collect()
}

/// Encrypted web and mail submission: Google's APIs, sign-in providers, mail servers. Models are called
/// by the plugin daemon.
const OUTWARD_PORTS: [u16; 3] = [443, 465, 587];

/// All policies, when the spec wants them.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    if !scope.spec().enable_network_segmentation {
        return Vec::new();
    }
    let mut all = vec![deny(scope)];
    all.extend(dify(scope));
    all.extend(jobs(scope));
    all.push(web(scope));
    all.extend(
        turn::components(scope, Server::PluginDaemon).into_iter().map(|name| plugin_daemon(scope, name)),
    );
    all.extend(code(scope));
    if enabled(&scope.spec().agent_backend, false) {
        all.extend(agents(scope));
    }
    all.extend(scope.spec().additional_services.iter().map(|wanted| further(scope, wanted)));
    all.into_iter().map(|policy| policy.declared(scope)).collect()
}

/// A component's policy under construction.
struct Policy {
    component: String,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
    waits: Waits,
}

impl Policy {
    fn of(component: &str) -> Self {
        Self { component: component.into(), ingress: vec![], egress: vec![], waits: Waits::default() }
    }

    fn from(mut self, rule: NetworkPolicyIngressRule) -> Self {
        self.ingress.push(rule);
        self
    }

    fn to(mut self, rules: impl IntoIterator<Item = NetworkPolicyEgressRule>) -> Self {
        self.egress.extend(rules);
        self
    }

    fn declared(self, scope: &Scope<'_>) -> Declared {
        let everything = self.component == peers::EVERYTHING;
        let mut labels = stamp::selector_labels(scope.names(), &self.component);
        if everything {
            labels.remove("component");
        }
        let body = NetworkPolicy {
            metadata: scope.metadata(&scope.names().component(&self.component), &self.component),
            spec: Some(NetworkPolicySpec {
                pod_selector: Some(LabelSelector { match_labels: Some(labels), ..Default::default() }),
                policy_types: Some(vec!["Ingress".into(), "Egress".into()]),
                ingress: Some(self.ingress).filter(|rules| !rules.is_empty()),
                egress: Some(self.egress).filter(|rules| !rules.is_empty()),
            }),
        };
        let name = scope.names().component(&self.component);
        scope.declare(Kind::NetworkPolicy, &name, Slice::Cluster, vec![], &self.waits, &body)
    }
}

fn deny(_scope: &Scope<'_>) -> Policy {
    Policy::of(peers::EVERYTHING)
}

/// What the API image calls: itself (signed file links), the components beside it, its data.
fn calls(scope: &Scope<'_>, policy: Policy) -> Policy {
    let peers = Peers::new(scope);
    let mut policy = data(scope, policy).to([
        peers.to(&["api"], &[scope.spec().container_port]),
        peers.to(&turn::components(scope, Server::PluginDaemon), &[PLUGIN_DAEMON_PORT]),
        peers.to(&turn::components(scope, Server::Sandbox), &[SANDBOX_PORT]),
        peers.to(&["ssrf-proxy"], &[SSRF_PROXY_PORT]),
    ]);
    if enabled(&scope.spec().agent_backend, false) {
        policy = policy.to([peers.to(&turn::components(scope, Server::Agent), &[AGENT_BACKEND_PORT])]);
    }
    let further = scope.spec().additional_services.iter();
    policy.to(further.filter_map(|wanted| Some(peers.to(&[&additional::component(wanted)], &[wanted.port?]))))
}

/// Database, Redis, identity, Google's APIs.
fn data(scope: &Scope<'_>, mut policy: Policy) -> Policy {
    let peers = Peers::new(scope);
    let sql = peers.to_sql(&mut policy.waits);
    let redis = peers.to_redis(&mut policy.waits);
    policy
        .to([peers.to_names(), sql, redis])
        .to(peers.to_metadata())
        .to([peers.to_public(Some(&OUTWARD_PORTS))])
}

fn dify(scope: &Scope<'_>) -> Vec<Policy> {
    let (spec, peers) = (scope.spec(), Peers::new(scope));
    let mut ports = vec![spec.container_port];
    ports.extend(spec.extra_service_ports.iter().map(|extra| extra.target_port.unwrap_or(extra.port)));
    let further: Vec<String> = spec.additional_services.iter().map(additional::component).collect();
    let mut callers: Vec<&str> = dify_and_second(scope);
    let servers = with_keys(scope);
    callers.push("web");
    callers.extend(servers.iter().chain([&agent::PROXY]));
    callers.extend(further.iter().map(String::as_str));
    let api = Policy::of("api").from(peers.from(&callers, &ports)).from(peers.outside(&ports));
    let mut all = vec![calls(scope, api), calls(scope, Policy::of("worker"))];
    if inner_api::stands(scope) {
        let second = Policy::of(inner_api::COMPONENT).from(peers.from(&servers, &[spec.container_port]));
        all.push(calls(scope, second));
    }
    if enabled(&spec.api_websocket, false) {
        let policy = Policy::of("websocket").from(peers.outside(&[WEBSOCKET_PORT]));
        all.push(calls(scope, policy));
    }
    let mut beat = Policy::of("beat");
    let redis = peers.to_redis(&mut beat.waits);
    let beat = beat.to([peers.to_names(), redis]).to(peers.to_metadata());
    all.push(beat.to([peers.to_public(Some(&OUTWARD_PORTS))]));
    all
}

fn jobs(scope: &Scope<'_>) -> Vec<Policy> {
    let peers = Peers::new(scope);
    ["migrate", "db-init", "job", "cron", backup::COMPONENT]
        .map(|component| {
            let policy = match component {
                "migrate" | "db-init" | backup::COMPONENT => data(scope, Policy::of(component)),
                _ => calls(scope, Policy::of(component)),
            };
            if matches!(component, "job" | "cron" | backup::COMPONENT) {
                with_nfs(policy, &peers)
            } else {
                policy
            }
        })
        .into()
}

fn with_nfs(mut policy: Policy, peers: &Peers<'_, '_>) -> Policy {
    let nfs = peers.to_nfs(&mut policy.waits);
    policy.to(nfs)
}

fn web(scope: &Scope<'_>) -> Policy {
    let peers = Peers::new(scope);
    Policy::of("web")
        .from(peers.outside(&[WEB_PORT]))
        .to([peers.to_names(), peers.to(&["api"], &[scope.spec().container_port])])
}

/// Servers that show the API a key.
fn with_keys(scope: &Scope<'_>) -> Vec<&'static str> {
    [Server::PluginDaemon, Server::Agent]
        .into_iter()
        .flat_map(|server| turn::components(scope, server))
        .collect()
}

/// It calls models, package indexes and the marketplace on whatever port they are; of the private
/// network it reaches what the spec lets through.
fn plugin_daemon(scope: &Scope<'_>, name: &str) -> Policy {
    let peers = Peers::new(scope);
    let mut callers = dify_and_second(scope);
    callers.extend(turn::components(scope, Server::Agent));
    let ports = [PLUGIN_DAEMON_PORT];
    let policy = Policy::of(name).from(peers.from(&callers, &ports));
    let policy = match gateway::is_wanted(scope) {
        true => policy.from(peers.outside(&ports)),
        false => policy,
    };
    data(scope, policy)
        .to([
            peers.to(&apis(scope), &[scope.spec().container_port]),
            peers.to(&["ssrf-proxy"], &[SSRF_PROXY_PORT]),
        ])
        .to([peers.to_public(None)])
        .to(peers.to_allowed(&ssrf_proxy::allowed(scope, "IPS")))
}

/// The sandbox and its proxy. The sandbox reaches nothing else, least of all the metadata server.
fn code(scope: &Scope<'_>) -> Vec<Policy> {
    let peers = Peers::new(scope);
    let sandboxes = turn::components(scope, Server::Sandbox);
    let mut callers = dify_and_second(scope);
    callers.extend(sandboxes.iter().copied().chain(turn::components(scope, Server::PluginDaemon)));
    let sandbox = |name: &&str| {
        Policy::of(name)
            .from(peers.from(&dify_and_second(scope), &[SANDBOX_PORT]))
            .to([peers.to_names(), peers.to(&["ssrf-proxy"], &[SSRF_PROXY_PORT])])
    };
    let mut all: Vec<Policy> = sandboxes.iter().map(sandbox).collect();
    let proxy = Policy::of("ssrf-proxy")
        .from(peers.from(&callers, &[SSRF_PROXY_PORT]))
        .to([peers.to_names(), peers.to_public(None)])
        .to(peers.to_allowed(&ssrf_proxy::allowed(scope, "IPS")));
    // Names stand for addresses that only squid finds out; it checks them itself.
    let named = !ssrf_proxy::allowed(scope, "DOMAINS").is_empty();
    all.push(if named { proxy.to([peers.to_anything_but_metadata()]) } else { proxy });
    all
}

fn agents(scope: &Scope<'_>) -> Vec<Policy> {
    let peers = Peers::new(scope);
    let api = scope.spec().container_port;
    let backends = turn::components(scope, Server::Agent);
    let callers = [dify_and_second(scope), vec![agent::PROXY]].concat();
    let backend = |twin: Twin| {
        let mut policy =
            Policy::of(Server::Agent.component(twin)).from(peers.from(&callers, &[AGENT_BACKEND_PORT]));
        let redis = peers.to_redis(&mut policy.waits);
        policy.to([
            peers.to_names(),
            redis,
            peers.to(&apis(scope), &[api]),
            peers.to(&turn::components(scope, Server::PluginDaemon), &[PLUGIN_DAEMON_PORT]),
            peers.to(&[agent::sandbox_name(twin)], &[AGENT_SANDBOX_PORT]),
        ])
    };
    let sandbox = |twin: Twin| {
        Policy::of(agent::sandbox_name(twin))
            .from(peers.from(&[Server::Agent.component(twin)], &[AGENT_SANDBOX_PORT]))
            .to([peers.to_names(), peers.to(&[agent::PROXY], &[SSRF_PROXY_PORT])])
    };
    let proxy = Policy::of(agent::PROXY).from(peers.from(&agent::sandboxes(scope), &[SSRF_PROXY_PORT])).to([
        peers.to_names(),
        peers.to(&["api"], &[api]),
        peers.to(&backends, &[AGENT_BACKEND_PORT]),
        peers.to_public(None),
    ]);
    let standing = twin::standing(scope.context, Server::Agent).into_iter();
    standing.flat_map(|twin| [backend(twin), sandbox(twin)]).chain([proxy]).collect()
}

/// What a service of the user's needs is not known; it gets what the user's jobs get, and the internet.
fn further(scope: &Scope<'_>, wanted: &crate::spec::types::AdditionalService) -> Policy {
    let peers = Peers::new(scope);
    let extra = wanted.extra_ports.iter().flatten().map(|extra| extra.target_port.unwrap_or(extra.port));
    let ports: Vec<u16> = wanted.port.into_iter().chain(extra).collect();
    let policy = Policy::of(&additional::component(wanted)).from(peers.any_pod(&ports));
    let policy = match wanted.ingress.as_deref() {
        Some("INGRESS_TRAFFIC_ALL") => policy.from(peers.anywhere(&ports)),
        _ => policy,
    };
    with_nfs(calls(scope, policy), &peers).to([peers.to_public(None)])
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    fn egress(world: &World, component: &str) -> String {
        world.body(Kind::NetworkPolicy, &format!("-{component}"))["spec"]["egress"].to_string()
    }

    #[test]
    fn the_sandbox_reaches_neither_data_nor_identity_nor_internet() {
        let rules = egress(&World::default_set(), "sandbox");
        for forbidden in ["0.0.0.0/0", "10.20.0.3", "10.1.0.9", "169.254.169.252"] {
            assert!(!rules.contains(forbidden), "{forbidden} in {rules}");
        }
        assert!(rules.contains(r#""component":"ssrf-proxy""#));
    }

    #[test]
    fn endpoints_are_named_by_their_own_address() {
        let rules = egress(&World::default_set(), "worker");
        assert!(rules.contains("10.20.0.3/32") && rules.contains("10.1.0.9/32"), "{rules}");
        let named = World::of(Spec { redis_host: "redis.corp".into(), ..Spec::default() });
        assert!(egress(&named, "beat").contains("6379"), "a host name has no address; the port is limited");
    }

    #[test]
    fn the_load_balancer_reaches_what_it_serves() {
        let world = World::default_set();
        for (component, port) in [("api", 5001), ("web", 3000), ("plugin-daemon", 5002)] {
            let rules =
                world.body(Kind::NetworkPolicy, &format!("-{component}"))["spec"]["ingress"].to_string();
            assert!(
                rules.contains("35.191.0.0/16") && rules.contains(&port.to_string()),
                "{component}: {rules}"
            );
        }
        assert!(world.body(Kind::NetworkPolicy, "-sandbox")["spec"]["ingress"].to_string().contains("8194"));
    }

    #[test]
    fn by_default_nothing_goes_in_or_out() {
        let body = World::default_set().body(Kind::NetworkPolicy, "-default-deny");
        assert!(body["spec"]["ingress"].is_null() && body["spec"]["egress"].is_null());
        assert!(body["spec"]["podSelector"]["matchLabels"]["component"].is_null());
    }
}
