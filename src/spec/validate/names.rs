//! Names: what fits where, and what must be there once only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::single::patterns;
use super::{error, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::names::nearest_variable;
use crate::spec::parse::Given;
use crate::spec::variable::Mutability;
use crate::spec::{VARIABLES, names};

/// A name that Kubernetes takes as part of a DNS name, beginning with a letter (Services demand that).
static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[a-z]([a-z0-9-]*[a-z0-9])?$").ok());

/// The name of an environment variable.
static ENVIRONMENT_NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("^[A-Za-z_][A-Za-z0-9_]*$").ok());

/// Longest DNS label. What a prefix makes too long is shortened when names are built, not refused here.
const LONGEST_LABEL: usize = 63;

/// What Dify's parts are called, and what begins the names of what comes and goes with them. Deployments and Services
/// of both would be the same objects.
const PARTS: [&str; 20] = [
    "api",
    "worker",
    "beat",
    "websocket",
    "web",
    "plugin-daemon",
    "plugin-daemon-b",
    "sandbox",
    "sandbox-b",
    "ssrf-proxy",
    "agent-backend",
    "agent-backend-b",
    "agent-sandbox",
    "agent-sandbox-b",
    "agent-proxy",
    "inner-api",
    "gateway",
    "routes",
    "redirect",
    "headless",
];

/// D-44: a further service has a name of its own.
pub(super) fn parts(spec: &Spec, _: &Given) -> Vec<Finding> {
    let services = spec.additional_services.iter().enumerate();
    let taken = services.filter(|(_, service)| {
        PARTS.contains(&service.name.as_str()) || service.name.starts_with("inner-api-v")
    });
    taken
        .map(|(index, service)| {
            error(format!("additional_services[{index}].name"))
                .message(format!("`{}` is the name of one of Dify's own parts", service.name))
                .help("Give the service another name: its Deployment and Service would be that part's.")
        })
        .collect()
}

/// V-47: names that Kubernetes and Compute Engine take.
pub(super) fn dns_names(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut found = patterns("V-47", spec);
    for (path, name) in named(spec) {
        let fits = LABEL.as_ref().is_some_and(|label| label.is_match(name)) && name.len() <= LONGEST_LABEL;
        found.extend(when(!fits, || {
            error(path.clone())
                .message(format!("`{path}` is \"{name}\", which cannot be part of a DNS name"))
                .help(format!("Use at most {LONGEST_LABEL} lower-case letters, digits and hyphens, beginning with a letter."))
        }));
    }
    found
}

/// V-37: what is told apart by its name is there once.
pub(super) fn unique_names(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut seen = BTreeMap::new();
    let mut found = vec![];
    for (path, name) in named(spec).into_iter().chain(otherwise_named(spec)) {
        let list = path.split('[').next().unwrap_or_default().to_owned();
        if let Some(first) = seen.insert((list, name), path.clone()) {
            found.push(
                error(path.clone())
                    .message(format!("the name \"{name}\" is taken: `{path}` and `{first}` are the same"))
                    .help("Give one of them another name."),
            );
        }
    }
    found
}

/// D-22: the tenant leaves room for the longest service-account name. A service account's id has 30
/// characters; the longest prefix takes 15 and the suffix 8.
pub(super) fn short_tenant(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.tenant_deployment_id.len() > 7, || {
        warning("tenant_deployment_id")
            .message("`tenant_deployment_id` has more than 7 characters")
            .help("Names that would get too long are shortened and end in a hash; 7 characters or fewer keep them readable.")
    })
}

/// V-34: an explicit cluster has a name.
pub(super) fn explicit_cluster(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.gke_cluster_selection_mode == "explicit" && spec.gke_cluster_name.is_empty(), || {
        error("gke_cluster_name")
            .with(&["gke_cluster_selection_mode"])
            .message("`gke_cluster_selection_mode` is explicit and `gke_cluster_name` is empty")
            .help("Write the cluster's name, or take `gke_cluster_selection_mode` out.")
    })
}

/// D-21: environment variables have names that a shell and Kubernetes take.
pub(super) fn environment_names(spec: &Spec, _: &Given) -> Vec<Finding> {
    let plain =
        super::environments(spec).into_iter().map(|(path, _, map)| (path, map.keys().collect::<Vec<_>>()));
    let secret =
        ("secret_environment_variables".to_owned(), spec.secret_environment_variables.keys().collect());
    let explicit = ("explicit_secret_values".to_owned(), spec.explicit_secret_values.keys().collect());
    let all = plain.chain([secret, explicit]);
    all.flat_map(|(path, names)| names.into_iter().map(move |name| (path.clone(), name)))
        .filter(|(_, name)| !ENVIRONMENT_NAME.as_ref().is_some_and(|pattern| pattern.is_match(name)))
        .map(|(path, name)| {
            error(format!("{path}.{name}"))
                .message(format!("\"{name}\" cannot be the name of an environment variable"))
                .help("Use letters, digits and underscores, beginning with no digit.")
        })
        .collect()
}

/// D-28: what is acknowledged is a variable whose change needs it.
pub(super) fn acknowledgements(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut found = vec![];
    for (index, name) in spec.acknowledge.iter().enumerate() {
        let path = format!("acknowledge[{index}]");
        let row = VARIABLES.iter().find(|variable| Some(variable.name) == names::canonical(name));
        match row.map(|variable| variable.mutability) {
            Some(Mutability::Guarded(_)) => {}
            // Settings that are guarded inside a map are acknowledged by their own name.
            None if ["VECTOR_STORE", "SECRET_KEY"].contains(&name.as_str()) => {}
            None => found.push(
                error(path)
                    .message(format!("`{name}` is no variable, so its change cannot be acknowledged"))
                    .help(
                        nearest_variable(name)
                            .map_or_else(String::new, |near| format!("Did you mean `{near}`?")),
                    ),
            ),
            Some(_) => found.push(
                warning(path)
                    .message(format!("`{name}` is not guarded; acknowledging it has no effect"))
                    .help("Take it out. An immutable variable cannot change at all."),
            ),
        }
    }
    found
}

/// Everything whose name becomes part of a DNS name.
fn named(spec: &Spec) -> Vec<(String, &str)> {
    let jobs = spec.initialization_jobs.iter().map(|job| job.name.as_str());
    let cron_jobs = spec.cron_jobs.iter().map(|job| job.name.as_str());
    let services = spec.additional_services.iter().map(|service| service.name.as_str());
    let stages = spec.cloud_deploy_stages.iter().map(|stage| stage.name.as_str());
    let volumes = spec.gcs_volumes.iter().map(|volume| volume.name.as_str());
    let ports = spec.extra_service_ports.iter().map(|port| port.name.as_str());
    let mut names = vec![];
    names.extend(jobs.enumerate().map(|(index, name)| (format!("initialization_jobs[{index}].name"), name)));
    names.extend(cron_jobs.enumerate().map(|(index, name)| (format!("cron_jobs[{index}].name"), name)));
    names.extend(
        services.enumerate().map(|(index, name)| (format!("additional_services[{index}].name"), name)),
    );
    names
        .extend(stages.enumerate().map(|(index, name)| (format!("cloud_deploy_stages[{index}].name"), name)));
    names.extend(volumes.enumerate().map(|(index, name)| (format!("gcs_volumes[{index}].name"), name)));
    names.extend(ports.enumerate().map(|(index, name)| (format!("extra_service_ports[{index}].name"), name)));
    names
}

/// Everything else that is told apart by its name.
fn otherwise_named(spec: &Spec) -> Vec<(String, &str)> {
    let buckets = spec.storage_buckets.iter().map(|bucket| bucket.name_suffix.as_str());
    let alerts = spec.alert_policies.iter().map(|policy| policy.name.as_str());
    let mut names = vec![];
    names.extend(
        buckets.enumerate().map(|(index, name)| (format!("storage_buckets[{index}].name_suffix"), name)),
    );
    names.extend(alerts.enumerate().map(|(index, name)| (format!("alert_policies[{index}].name"), name)));
    names
}
