//! The namespace's quota, against what will run in it.

use super::quantity::has_binary_suffix;
use super::{Quantity, error, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;
use crate::spec::types::{Component, ContainerResources};

/// Least that a component without resources of its own takes: CPU and memory. Lower bounds of what is
/// deployed, so that a quota refused here is certainly too small.
const LEAST: (&str, &str) = ("100m", "128Mi");

/// P-08: memory quotas carry a binary suffix. Kubernetes takes a bare number for bytes, and then not a
/// single pod of the namespace is scheduled.
pub(super) fn memory_suffix(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !spec.enable_resource_quota {
        return vec![];
    }
    let quotas = [
        ("quota_memory_requests", &spec.quota_memory_requests),
        ("quota_memory_limits", &spec.quota_memory_limits),
    ];
    quotas
        .into_iter()
        .filter(|(_, text)| !text.is_empty() && !has_binary_suffix(text))
        .map(|(path, text)| {
            error(path)
                .message(format!(
                    "`{path}` is \"{text}\": without Ki, Mi, Gi or Ti it counts bytes and blocks every pod"
                ))
                .help("Write a number with a binary suffix, such as \"16Gi\".")
        })
        .collect()
}

/// V-25: limits are not below requests.
pub(super) fn limits_below_requests(spec: &Spec, _: &Given) -> Vec<Finding> {
    let pairs = [
        ("quota_cpu_limits", &spec.quota_cpu_limits, "quota_cpu_requests", &spec.quota_cpu_requests),
        (
            "quota_memory_limits",
            &spec.quota_memory_limits,
            "quota_memory_requests",
            &spec.quota_memory_requests,
        ),
    ];
    pairs
        .into_iter()
        .filter(|(_, limits, _, requests)| match (Quantity::parse(limits), Quantity::parse(requests)) {
            (Some(limits), Some(requests)) => limits < requests,
            _ => false,
        })
        .map(|(path, limits, other, requests)| {
            error(path)
                .with(&[other])
                .message(format!("`{path}` ({limits}) is below `{other}` ({requests})"))
                .help(format!("Raise `{path}` to at least `{other}`."))
        })
        .collect()
}

/// P-34: the quota holds what will run at the most, with one pod more during a rollout.
pub(super) fn too_small(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !spec.enable_resource_quota {
        return vec![];
    }
    let (cpu, memory, pods) = needed(spec);
    let sums = [
        ("quota_cpu_requests", &spec.quota_cpu_requests, cpu),
        ("quota_cpu_limits", &spec.quota_cpu_limits, cpu),
        ("quota_memory_requests", &spec.quota_memory_requests, memory),
        ("quota_memory_limits", &spec.quota_memory_limits, memory),
    ];
    let mut found: Vec<_> = sums
        .into_iter()
        .filter(|(_, quota, need)| Quantity::parse(quota).is_some_and(|quota| quota < *need))
        .map(|(path, quota, need)| {
            error(path)
                .with(&["max_instance_count", "cpu_limit", "memory_limit"])
                .message(format!("`{path}` is {quota}; at the most pods need {} or more", need.words()))
                .help("Raise the quota, or lower `max_instance_count` or the containers' limits.")
        })
        .collect();
    let quota = spec.quota_max_pods.parse::<u32>().ok();
    found.extend(when(quota.is_some_and(|quota| quota < pods), || {
        error("quota_max_pods")
            .with(&["max_instance_count"])
            .message(format!(
                "`quota_max_pods` is {}; at the most there are {pods} pods",
                spec.quota_max_pods
            ))
            .help(format!("Write {pods} or more."))
    }));
    found
}

/// D-15: counts of the quota are counts.
pub(super) fn counts(spec: &Spec, _: &Given) -> Vec<Finding> {
    let counts = [
        ("quota_max_pods", &spec.quota_max_pods),
        ("quota_max_services", &spec.quota_max_services),
        ("quota_max_pvcs", &spec.quota_max_pvcs),
    ];
    counts
        .into_iter()
        .filter(|(_, text)| !text.is_empty() && text.parse::<u32>().is_err())
        .map(|(path, text)| {
            error(path)
                .message(format!("`{path}` is \"{text}\", which is no count"))
                .help("Write a whole number.")
        })
        .collect()
}

/// Adds every quantity inside objects to a list.
pub(super) fn resources<'a>(spec: &'a Spec, texts: &mut Vec<(String, Option<&'a String>)>) {
    if let Some(resources) = &spec.container_resources {
        of_container("container_resources", resources, texts);
    }
    for (name, component) in components(spec) {
        if let Some(resources) = &component.resources {
            of_container(&format!("{name}.resources"), resources, texts);
        }
    }
    for (index, job) in spec.initialization_jobs.iter().enumerate() {
        texts.push((format!("initialization_jobs[{index}].cpu_limit"), job.cpu_limit.as_ref()));
        texts.push((format!("initialization_jobs[{index}].memory_limit"), job.memory_limit.as_ref()));
    }
    for (index, job) in spec.cron_jobs.iter().enumerate() {
        texts.push((format!("cron_jobs[{index}].cpu_limit"), job.cpu_limit.as_ref()));
        texts.push((format!("cron_jobs[{index}].memory_limit"), job.memory_limit.as_ref()));
    }
    for (index, service) in spec.additional_services.iter().enumerate() {
        let path = format!("additional_services[{index}]");
        texts.push((format!("{path}.cpu_limit"), service.cpu_limit.as_ref()));
        texts.push((format!("{path}.memory_limit"), service.memory_limit.as_ref()));
        let size = service.persistent_volume.as_ref().map(|volume| &volume.size);
        texts.push((format!("{path}.persistent_volume.size"), size));
    }
}

fn of_container<'a>(
    path: &str,
    resources: &'a ContainerResources,
    texts: &mut Vec<(String, Option<&'a String>)>,
) {
    let fields = [
        ("cpu_limit", &resources.cpu_limit),
        ("memory_limit", &resources.memory_limit),
        ("cpu_request", &resources.cpu_request),
        ("mem_request", &resources.mem_request),
        ("ephemeral_storage_limit", &resources.ephemeral_storage_limit),
        ("ephemeral_storage_request", &resources.ephemeral_storage_request),
    ];
    texts.extend(fields.map(|(field, text)| (format!("{path}.{field}"), text.as_ref())));
}

/// Components with the default of whether they run.
fn components(spec: &Spec) -> [(&'static str, &Component); 8] {
    [
        ("worker", &spec.worker),
        ("beat", &spec.beat),
        ("web", &spec.web),
        ("plugin_daemon", &spec.plugin_daemon),
        ("sandbox", &spec.sandbox),
        ("ssrf_proxy", &spec.ssrf_proxy),
        ("api_websocket", &spec.api_websocket),
        ("agent_backend", &spec.agent_backend),
    ]
}

/// CPU, memory and pods at the most: the API's with one more during a rollout, the components', and
/// the additional services'.
fn needed(spec: &Spec) -> (Quantity, Quantity, u32) {
    let own = spec.container_resources.clone().unwrap_or_default();
    let api_cpu = own.cpu_request.or(own.cpu_limit).unwrap_or_else(|| spec.cpu_limit.clone());
    let api_memory = own.mem_request.or(own.memory_limit).unwrap_or_else(|| spec.memory_limit.clone());
    let api_pods = spec.max_instance_count.max(1).saturating_add(1);
    let quantity = |text: &str| Quantity::parse(text).unwrap_or_default();
    let mut cpu = Quantity::default().plus(api_pods, quantity(&api_cpu));
    let mut memory = Quantity::default().plus(api_pods, quantity(&api_memory));
    let mut pods = api_pods;
    for (name, component) in components(spec) {
        let optional = name == "api_websocket" || name == "agent_backend";
        let count = component.replicas.unwrap_or(1);
        if !component.enabled.unwrap_or(!optional) || count == 0 {
            continue;
        }
        let resources = component.resources.clone().unwrap_or_default();
        let each_cpu = resources.cpu_request.or(resources.cpu_limit).unwrap_or_else(|| LEAST.0.into());
        let each_memory = resources.mem_request.or(resources.memory_limit).unwrap_or_else(|| LEAST.1.into());
        cpu = cpu.plus(count, quantity(&each_cpu));
        memory = memory.plus(count, quantity(&each_memory));
        pods = pods.saturating_add(count);
    }
    for service in &spec.additional_services {
        let count = service.max_instance_count.unwrap_or(1);
        cpu = cpu.plus(count, quantity(service.cpu_limit.as_deref().unwrap_or("1000m")));
        memory = memory.plus(count, quantity(service.memory_limit.as_deref().unwrap_or("512Mi")));
        pods = pods.saturating_add(count);
    }
    (cpu, memory, pods)
}
