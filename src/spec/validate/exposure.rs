//! The front door: addresses, domains, time limits, who may call from where.

use std::sync::LazyLock;

use regex::Regex;

use super::{error, has_domain, has_front_door, setting, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;

/// Gunicorn's own limit on one request; a front door that gives up earlier cuts answers short.
const GUNICORN_TIMEOUT_SECS: u32 = 360;

static DOMAIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$").ok());

/// P-12: workflows stream for minutes.
pub(super) fn short_timeout(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.timeout_seconds < GUNICORN_TIMEOUT_SECS, || {
        warning("timeout_seconds")
            .message(format!(
                "`timeout_seconds` is {}: longer workflows and document questions are cut off",
                spec.timeout_seconds
            ))
            .help(format!("Write {GUNICORN_TIMEOUT_SECS} or more, up to 3600."))
    })
}

/// P-13: answers to any site that asks.
pub(super) fn open_cors(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !has_front_door(spec) {
        return vec![];
    }
    let names = ["CONSOLE_CORS_ALLOW_ORIGINS", "WEB_API_CORS_ALLOW_ORIGINS"];
    names
        .into_iter()
        .filter(|name| {
            setting(spec, name).is_some_and(|origins| origins.split(',').any(|origin| origin.trim() == "*"))
        })
        .map(|name| {
            warning(format!("environment_variables.{name}"))
                .message(format!("{name} is \"*\": any web site may call Dify from a visitor's browser"))
                .help("Take it out (Dify's own address is the default), or list the sites that embed it.")
        })
        .collect()
}

/// P-21: without a stable public address the browser is told one it cannot reach.
pub(super) fn unreachable_address(spec: &Spec, _: &Given) -> Vec<Finding> {
    if has_domain(spec) {
        return vec![];
    }
    let mut found = when(!has_front_door(spec), || {
        warning("service_type")
            .with(&["application_domains"])
            .message("with ClusterIP and no domain, browsers are told an address inside the cluster")
            .help("Use LoadBalancer (the front door), or reach Dify from inside the cluster only.")
    });
    found.extend(when(has_front_door(spec) && !spec.reserve_static_ip, || {
        warning("reserve_static_ip")
            .with(&["application_domains"])
            .message("without a reserved address and without a domain, the address in Dify's pages changes with the front door")
            .help("Take `reserve_static_ip` out, or serve a domain.")
    }));
    found
}

/// P-46: a session that jumps between pods loses what is kept in one.
pub(super) fn no_affinity(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.session_affinity == "None", || {
        warning("session_affinity")
            .message("`session_affinity` is None: requests of one user go to any pod")
            .help("Write ClientIP unless something before Dify keeps sessions together.")
    })
}

/// P-51: domains and their switch belong together.
pub(super) fn half_a_domain(spec: &Spec, _: &Given) -> Vec<Finding> {
    match (spec.enable_custom_domain, spec.application_domains.is_empty()) {
        (false, false) => vec![
            warning("application_domains")
                .with(&["enable_custom_domain"])
                .message("`application_domains` is ignored while `enable_custom_domain` is false")
                .help("Set `enable_custom_domain` to true."),
        ],
        (true, true) => vec![
            warning("enable_custom_domain")
                .with(&["application_domains"])
                .message("`enable_custom_domain` is on and no domain is given: there is no certificate")
                .help("Write application_domains: [dify.example.com]."),
        ],
        _ => vec![],
    }
}

/// P-66: passwords in the clear.
pub(super) fn plain_http(spec: &Spec, _: &Given) -> Vec<Finding> {
    let guarded = has_domain(spec) || spec.enable_iap || spec.enable_cloud_armor;
    when(has_front_door(spec) && !guarded, || {
        warning("enable_custom_domain")
            .with(&["service_type", "enable_iap", "enable_cloud_armor"])
            .message("the console is public over plain HTTP: passwords travel in the clear")
            .help("Serve a domain: enable_custom_domain: true, application_domains: [dify.example.com].")
    })
}

/// D-33: a domain is a domain name, without scheme, port or path.
pub(super) fn domain_form(spec: &Spec, _: &Given) -> Vec<Finding> {
    let domains = spec.application_domains.iter().enumerate();
    domains
        .filter(|(_, domain)| !DOMAIN.as_ref().is_some_and(|pattern| pattern.is_match(domain)))
        .map(|(index, domain)| {
            error(format!("application_domains[{index}]"))
                .message(format!("\"{domain}\" is no domain name that a certificate can be made for"))
                .help(
                    "Write it bare and in lower case, such as dify.example.com; wildcards are not possible.",
                )
        })
        .collect()
}

/// D-34: a domain with no front door is served by nobody.
pub(super) fn domain_without_door(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_custom_domain && !has_front_door(spec), || {
        warning("service_type")
            .with(&["enable_custom_domain"])
            .message("`service_type` is ClusterIP, so no front door serves the domain")
            .help("Write LoadBalancer, or set `enable_custom_domain` to false.")
    })
}

/// P-43: probes and Services go to the port that Dify listens on. `DIFY_PORT` follows `container_port`;
/// saying another one breaks both.
pub(super) fn two_ports(spec: &Spec, _: &Given) -> Vec<Finding> {
    let own = setting(spec, "DIFY_PORT");
    let differs = own.is_some_and(|port| port != spec.container_port.to_string());
    when(differs, || {
        error("environment_variables.DIFY_PORT")
            .with(&["container_port"])
            .message(format!(
                "DIFY_PORT is {}, but probes and Services go to `container_port` {}",
                own.unwrap_or_default(),
                spec.container_port
            ))
            .help("Take DIFY_PORT out; it follows `container_port`.")
    })
}
