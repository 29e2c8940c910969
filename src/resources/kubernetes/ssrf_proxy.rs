//! The proxy that keeps user code off the private network: squid with a finished configuration.
//!
//! The rules are upstream's (`docker/ssrf_proxy`): public addresses only, metadata server and private
//! ranges denied, allow-lists before the denial.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, VolumeMount};

use crate::resources::{Declared, facts};
use crate::slice::Slice;

use super::credentials::SecretMap;
use super::environment::{self, Plain};
use super::images::{self, Image};
use super::pod::Pod;
use super::probes::{self, pace};
use super::scope::Scope;
use super::service::{self, SSRF_PROXY_PORT};
use super::sizes::{resources, size};
use super::waits::Waits;
use super::workload::{self, Replacement};
use super::{Kind, config, enabled, network, security, storage};

/// The component's name.
pub const COMPONENT: &str = "ssrf-proxy";

/// Squid starts as root, makes its directories and drops to its own user.
const RIGHTS: [&str; 6] = ["SETUID", "SETGID", "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL"];

/// Ports that may be asked for in plain: http, https and everything unregistered.
const SAFE_PORTS: &str = "80 443 1025-65535";

/// The proxy of Dify's own sandbox and HTTP nodes.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    let wanted = &scope.spec().ssrf_proxy;
    if !enabled(wanted, true) {
        return Vec::new();
    }
    squid(
        scope,
        COMPONENT,
        wanted.replicas.unwrap_or(1),
        &allowed(scope, "IPS"),
        &allowed(scope, "DOMAINS"),
        "",
    )
}

/// A proxy with these allow-lists and further rules before the denial of private networks.
pub fn squid(
    scope: &Scope<'_>,
    component: &'static str,
    replicas: u32,
    addresses: &[String],
    domains: &[String],
    rules: &str,
) -> Vec<Declared> {
    let (slice, mut waits) = (Slice::Workload, Waits::default());
    let clients = waits.take(facts::cluster(scope.context).map(|cluster| cluster.pod_ranges));
    let file = configuration(&clients, addresses, domains, rules);
    let data: Plain = BTreeMap::from([("squid.conf".to_owned(), file)]);
    let config_map = config::name(scope, component);
    let configured = config::declare(scope, &config_map, component, slice, &data, &waits);
    let main = Container {
        name: "squid".into(),
        image: Some(waits.take(images::pinned(scope.context, Image::SsrfProxy))),
        startup_probe: Some(probes::tcp(SSRF_PROXY_PORT, pace(5, 5, 30))),
        readiness_probe: Some(probes::tcp(SSRF_PROXY_PORT, probes::READINESS)),
        liveness_probe: Some(probes::tcp(SSRF_PROXY_PORT, pace(30, 5, 5))),
        resources: Some(resources(scope.spec().ssrf_proxy.resources.as_ref(), size("250m", "512Mi", "1Gi"))),
        security_context: Some(security::root_with(&RIGHTS)),
        ..Default::default()
    };
    let file = VolumeMount {
        sub_path: Some("squid.conf".into()),
        read_only: Some(true),
        ..storage::mount("configuration", "/etc/squid/squid.conf")
    };
    let pod = Pod::new(main, environment::checksum(&data, &SecretMap::new()))
        .with_grace(scope.spec().termination_grace_period_seconds.into())
        .with_volume(storage::files("configuration", &config_map), file)
        .with_scratch("logs", "/var/log/squid")
        .with_scratch("spool", "/var/spool/squid");
    let name = scope.names().component(component);
    let template = pod.template(scope, component);
    let replicas = Some(workload::pods(replicas));
    let body = workload::deployment(scope, &name, component, replicas, Replacement::Rolling, template);
    let needs = vec![scope.id(Kind::ConfigMap, &config_map)];
    vec![
        configured,
        scope.declare(Kind::Deployment, &name, slice, needs, &waits, &body),
        service::simple(scope, component, SSRF_PROXY_PORT),
    ]
}

/// What the user lets through though it is private: upstream's variables, lists by comma or space.
pub fn allowed(scope: &Scope<'_>, what: &str) -> Vec<String> {
    let variables = scope.spec().ssrf_proxy.env_vars.as_ref();
    let list = variables.and_then(|all| all.get(&format!("SSRF_PROXY_ALLOW_PRIVATE_{what}")));
    let split = list.map(|list| list.split([',', ' ']).filter(|item| !item.is_empty()).map(str::to_owned));
    split.map(Iterator::collect).unwrap_or_default()
}

fn configuration(clients: &[String], addresses: &[String], domains: &[String], rules: &str) -> String {
    let fallback = network::PRIVATE.map(str::to_owned);
    let clients = if clients.is_empty() { &fallback[..] } else { clients };
    let acl = |name: &str, kind: &str, values: &[String]| -> String {
        values.iter().map(|value| format!("acl {name} {kind} {value}\n")).collect()
    };
    let denied = network::DENIED.map(str::to_owned);
    let mut file = format!("http_port {SSRF_PROXY_PORT}\ncoredump_dir /var/spool/squid\n");
    file += &acl("clients", "src", clients);
    file += &acl("private", "dst", &denied);
    file += &acl("allowed_addresses", "dst", addresses);
    file += &acl("allowed_domains", "dstdomain", domains);
    file +=
        &format!("acl safe_ports port {SAFE_PORTS}\nacl ssl_ports port 443\nacl connect method CONNECT\n");
    file += "http_access deny !clients\nhttp_access deny !safe_ports\nhttp_access deny connect !ssl_ports\n";
    for (name, list) in [("allowed_addresses", addresses), ("allowed_domains", domains)] {
        if !list.is_empty() {
            file += &format!("http_access allow {name}\n");
        }
    }
    file += rules;
    file += "http_access deny private\nhttp_access allow all\n";
    // Nothing is kept, so that one user's answer is not another's.
    file + "cache deny all\nclient_request_buffer_max_size 100 MB\nshutdown_lifetime 10 seconds\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(file: &str, text: &str) -> usize {
        file.lines().position(|line| line == text).unwrap_or_else(|| panic!("{text} is not in\n{file}"))
    }

    #[test]
    fn private_networks_are_denied_after_what_is_allowed_and_before_the_rest() {
        let file = configuration(&["10.8.0.0/14".into()], &["10.1.2.3".into()], &["crm.corp".into()], "");
        let denied = line(&file, "http_access deny private");
        assert!(line(&file, "http_access allow allowed_addresses") < denied);
        assert!(line(&file, "http_access allow allowed_domains") < denied);
        assert!(denied < line(&file, "http_access allow all"));
        assert!(line(&file, "acl private dst 169.254.0.0/16") < denied);
        line(&file, "acl clients src 10.8.0.0/14");
    }

    #[test]
    fn an_empty_list_makes_no_rule() {
        assert!(!configuration(&[], &[], &[], "").contains("allowed_"));
    }
}
