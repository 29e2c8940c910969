//! The rules a spec must keep.
//!
//! One file per group of rules, one small function per rule, one table (`table.rs`) of all of them:
//! those decided here, and those that need a change or the running state and are decided elsewhere.

mod backup;
mod connections;
mod cron;
mod database;
mod delivery;
mod environment;
mod exposure;
mod following;
mod jobs;
mod monitoring;
mod names;
mod perimeter;
mod quantity;
mod quota;
mod redis;
mod release;
mod rule;
mod scaling;
mod secrets;
mod settings;
mod single;
mod storage;
mod table;
mod unused;

pub use quantity::Quantity;
pub use rule::{Check, Decided, Kind, Rule};
pub use table::RULES;

use super::Spec;
use super::finding::{Finding, Severity};
use super::parse::Given;
use super::types::StringMap;

/// Applies every rule that can be decided from the spec alone.
pub fn check(spec: &Spec, given: &Given) -> Vec<Finding> {
    RULES.iter().flat_map(|rule| apply(rule, spec, given)).collect()
}

/// Applies one rule.
pub fn apply(rule: &Rule, spec: &Spec, given: &Given) -> Vec<Finding> {
    let mut found = rule.check.map(|check| check(spec, given)).unwrap_or_default();
    for finding in &mut found {
        finding.rule = rule.id;
    }
    found
}

/// The rule with an id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Something that refuses the spec.
fn error(path: impl Into<String>) -> Finding {
    Finding::new("", Severity::Error, path)
}

/// Something somebody should look at.
fn warning(path: impl Into<String>) -> Finding {
    Finding::new("", Severity::Warning, path)
}

/// Something worth knowing.
fn note(path: impl Into<String>) -> Finding {
    Finding::new("", Severity::Info, path)
}

/// One finding if a condition holds.
fn when(condition: bool, finding: impl FnOnce() -> Finding) -> Vec<Finding> {
    if condition { vec![finding()] } else { vec![] }
}

/// Whether the user acknowledged a guarded variable.
fn acknowledged(spec: &Spec, variable: &str) -> bool {
    spec.acknowledge.iter().any(|name| name == variable)
}

/// Whether there is a front door: one gateway stands before Dify unless it stays inside the cluster.
fn has_front_door(spec: &Spec) -> bool {
    spec.service_type != "ClusterIP"
}

/// Whether the front door serves a domain, and with that HTTPS.
fn has_domain(spec: &Spec) -> bool {
    spec.enable_custom_domain && !spec.application_domains.is_empty()
}

/// A setting of the API image, from `environment_variables`.
fn setting<'a>(spec: &'a Spec, name: &str) -> Option<&'a str> {
    spec.environment_variables.get(name).map(String::as_str)
}

/// Whether a setting comes from anywhere: plain, from Secret Manager, or as an explicit secret.
fn is_set(spec: &Spec, name: &str) -> bool {
    spec.environment_variables.contains_key(name)
        || spec.secret_environment_variables.contains_key(name)
        || spec.explicit_secret_values.contains_key(name)
}

/// Whose environment a map is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Containers of the API image, which read Dify's settings.
    Dify,
    /// Other containers.
    Other,
}

/// Every map of plain environment variables in the spec, with its path.
fn environments(spec: &Spec) -> Vec<(String, Audience, &StringMap)> {
    let mut maps = vec![("environment_variables".to_owned(), Audience::Dify, &spec.environment_variables)];
    let components = [
        ("worker", Audience::Dify, &spec.worker),
        ("beat", Audience::Dify, &spec.beat),
        ("api_websocket", Audience::Dify, &spec.api_websocket),
        ("web", Audience::Other, &spec.web),
        ("plugin_daemon", Audience::Other, &spec.plugin_daemon),
        ("sandbox", Audience::Other, &spec.sandbox),
        ("ssrf_proxy", Audience::Other, &spec.ssrf_proxy),
        ("agent_backend", Audience::Other, &spec.agent_backend),
    ];
    for (name, audience, component) in components {
        maps.extend(component.env_vars.as_ref().map(|map| (format!("{name}.env_vars"), audience, map)));
    }
    let jobs = spec.initialization_jobs.iter().map(|job| job.env_vars.as_ref()).enumerate();
    let cron_jobs = spec.cron_jobs.iter().map(|job| job.env_vars.as_ref()).enumerate();
    let services = spec.additional_services.iter().map(|service| service.env_vars.as_ref()).enumerate();
    let mut add = |list: &str, index: usize, map| {
        maps.extend(Option::map(map, |map| (format!("{list}[{index}].env_vars"), Audience::Other, map)));
    };
    jobs.for_each(|(index, map)| add("initialization_jobs", index, map));
    cron_jobs.for_each(|(index, map)| add("cron_jobs", index, map));
    services.for_each(|(index, map)| add("additional_services", index, map));
    maps
}
