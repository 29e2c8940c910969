//! How many pods, how big, how fast they come and go.

use super::{Quantity, error, note, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;
use crate::spec::types::IntOrPercent;

/// Seconds that pulling an API image of 4 GB onto a fresh node takes at worst.
const PULL_SECS: u32 = 300;

/// V-05: instance counts are in range and the right way round.
pub(super) fn instance_counts(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut found = super::single::ranges("V-05", spec);
    let (min, max) = (spec.min_instance_count, spec.max_instance_count);
    found.extend(when(min > max, || {
        error("min_instance_count")
            .with(&["max_instance_count"])
            .message(format!("`min_instance_count` is {min}, more than `max_instance_count`, which is {max}"))
            .help("Raise `max_instance_count` or lower `min_instance_count`.")
    }));
    for (index, service) in spec.additional_services.iter().enumerate() {
        let (min, max) = (service.min_instance_count.unwrap_or(0), service.max_instance_count.unwrap_or(1));
        found.extend(when(min > max, || {
            error(format!("additional_services[{index}].min_instance_count"))
                .message(format!(
                    "`min_instance_count` of \"{}\" is {min}, more than its maximum {max}",
                    service.name
                ))
                .help("Raise its `max_instance_count`.")
        }));
    }
    found
}

/// V-26: a disruption budget that keeps all pods lets no node be drained, ever.
pub(super) fn disruption_budget(spec: &Spec, _: &Given) -> Vec<Finding> {
    let max = spec.max_instance_count;
    let Some(keep) = absolute_budget(spec).filter(|_| spec.enable_pod_disruption_budget && max > 1) else {
        return vec![];
    };
    when(keep >= max, || {
        error("pdb_min_available")
            .with(&["max_instance_count", "enable_pod_disruption_budget"])
            .message(format!(
                "`pdb_min_available` is {keep} and there are at most {max} pods: no node can be drained"
            ))
            .help(format!("Write {} or less, or a percentage such as \"50%\".", max - 1))
    })
}

/// P-30: the same for the pods there are most of the time.
pub(super) fn tight_disruption_budget(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !spec.enable_pod_disruption_budget {
        return vec![];
    }
    if spec.max_instance_count == 1 {
        return vec![
            warning("enable_pod_disruption_budget")
                .with(&["max_instance_count"])
                .message("a disruption budget for a single pod would block node drains, so none is made")
                .help("Raise `max_instance_count` to 2 or more."),
        ];
    }
    let pods = spec.min_instance_count.max(1);
    let keeps_all = match &spec.pdb_min_available {
        IntOrPercent::Text(text) => text == "100%",
        IntOrPercent::Int(keep) => *keep >= pods && *keep < spec.max_instance_count,
    };
    when(keeps_all, || {
        warning("pdb_min_available")
            .with(&["min_instance_count", "enable_pod_disruption_budget"])
            .message(format!("with {pods} pod(s) running, `pdb_min_available` lets none of them be moved"))
            .help("Raise `min_instance_count` above `pdb_min_available`.")
    })
}

/// P-11: no pods means no worker for what is under way; 0 counts as 1.
pub(super) fn scale_to_zero(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.min_instance_count < 1, || {
        warning("min_instance_count")
            .message("`min_instance_count` is 0, which counts as 1: Dify cannot scale to zero")
            .help("Write 1; a cold start would take a minute and abandon running tasks.")
    })
}

/// P-17: a VerticalPodAutoscaler switches the horizontal one off.
pub(super) fn both_autoscalers(spec: &Spec, _: &Given) -> Vec<Finding> {
    let range = spec.max_instance_count > spec.min_instance_count.max(1);
    when(spec.enable_vertical_pod_autoscaling && range, || {
        warning("enable_vertical_pod_autoscaling")
            .with(&["min_instance_count", "max_instance_count"])
            .message(
                "the vertical autoscaler switches the horizontal one off: the pod count stays at its minimum",
            )
            .help("Set both instance counts to the same number, or leave the vertical one off.")
    })
}

/// P-63: the vertical autoscaler evicts pods to resize them.
pub(super) fn vertical_single(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_vertical_pod_autoscaling && spec.min_instance_count < 2, || {
        warning("enable_vertical_pod_autoscaling")
            .with(&["min_instance_count"])
            .message("the vertical autoscaler resizes a pod by evicting it, and there is only one")
            .help("Set `min_instance_count` to 2 or more.")
    })
}

/// P-37: strict spreading needs enough pods to spread.
pub(super) fn strict_spread(spec: &Spec, _: &Given) -> Vec<Finding> {
    let strict = spec.enable_topology_spread && spec.topology_spread_strict;
    when(strict && spec.min_instance_count < 3, || {
        warning("topology_spread_strict")
            .with(&["min_instance_count"])
            .message("strict spreading with fewer than 3 pods can leave pods pending")
            .help(
                "Set `min_instance_count` to 3 in a region of 3 zones, or `topology_spread_strict` to false.",
            )
    })
}

/// P-50: without a budget all pods may be evicted at once.
pub(super) fn no_disruption_budget(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(!spec.enable_pod_disruption_budget && spec.min_instance_count >= 2, || {
        warning("enable_pod_disruption_budget")
            .with(&["min_instance_count"])
            .message("there is no disruption budget, so maintenance may evict all pods together")
            .help("Set `enable_pod_disruption_budget` to true.")
    })
}

/// P-47: too little memory shows as pods killed while documents are taken in.
pub(super) fn small_pods(spec: &Spec, _: &Given) -> Vec<Finding> {
    let resources = spec.container_resources.clone().unwrap_or_default();
    let (memory, cpu) = (
        resources.memory_limit.as_deref().unwrap_or(&spec.memory_limit),
        resources.cpu_limit.as_deref().unwrap_or(&spec.cpu_limit),
    );
    let below = |text: &str, least: &str| {
        Quantity::parse(text) < Quantity::parse(least) && Quantity::parse(text).is_some()
    };
    let mut found = when(below(memory, "4Gi"), || {
        warning("memory_limit")
            .with(&["container_resources"])
            .message(format!("the API container gets {memory} of memory; below 4Gi large documents kill it"))
            .help("Write \"4Gi\" or more.")
    });
    found.extend(when(below(cpu, "2"), || {
        warning("cpu_limit")
            .with(&["container_resources"])
            .message(format!("the API container gets {cpu} of CPU; below 2 cores requests queue up"))
            .help("Write \"2000m\" or more.")
    }));
    found
}

/// P-53: a rollout needs time to pull the image and to start.
pub(super) fn rollout_time(spec: &Spec, _: &Given) -> Vec<Finding> {
    let over = &spec.startup_probe_config;
    let base = &spec.startup_probe;
    let delay = over.initial_delay_seconds.or(base.initial_delay_seconds).unwrap_or(0);
    let period = over.period_seconds.or(base.period_seconds).unwrap_or(10);
    let failures = over.failure_threshold.or(base.failure_threshold).unwrap_or(3);
    let needed = period.saturating_mul(failures).saturating_add(delay).saturating_add(PULL_SECS);
    when(spec.deployment_timeout < needed, || {
        warning("deployment_timeout")
            .with(&["startup_probe", "startup_probe_config"])
            .message(format!(
                "`deployment_timeout` is {} s, but starting may take {needed} s (startup probe and image pull)",
                spec.deployment_timeout
            ))
            .help(format!("Write {needed} or more, or shorten the startup probe."))
    })
}

/// P-56: requests and tasks under way need time to end.
pub(super) fn short_grace(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.termination_grace_period_seconds < 60, || {
        warning("termination_grace_period_seconds")
            .message(format!(
                "`termination_grace_period_seconds` is {}; streams and tasks under way are cut off",
                spec.termination_grace_period_seconds
            ))
            .help("Write 60 or more; components that need longer get longer.")
    })
}

/// D-24: what should be a quantity is one.
pub(super) fn quantities(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut texts = vec![
        ("cpu_limit".to_owned(), Some(&spec.cpu_limit)),
        ("memory_limit".to_owned(), Some(&spec.memory_limit)),
        ("stateful_pvc_size".to_owned(), Some(&spec.stateful_pvc_size).filter(|size| !size.is_empty())),
        ("quota_cpu_requests".to_owned(), Some(&spec.quota_cpu_requests).filter(|text| !text.is_empty())),
        ("quota_cpu_limits".to_owned(), Some(&spec.quota_cpu_limits).filter(|text| !text.is_empty())),
    ];
    super::quota::resources(spec, &mut texts);
    texts
        .into_iter()
        .filter_map(|(path, text)| text.map(|text| (path, text)))
        .filter(|(_, text)| Quantity::parse(text).is_none())
        .map(|(path, text)| {
            error(path.clone())
                .message(format!("`{path}` is \"{text}\", which is no Kubernetes quantity"))
                .help("Write cores as \"2\" or \"500m\", memory as \"512Mi\" or \"4Gi\".")
        })
        .collect()
}

/// D-12: exactly one beat: none fires no schedule, two fire every schedule twice.
pub(super) fn one_beat(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.beat.replicas.is_some_and(|replicas| replicas != 1), || {
        error("beat.replicas")
            .message("there must be exactly one beat: two would fire every schedule twice")
            .help("Take `replicas` out of `beat`.")
    })
}

/// D-13: the community edition's plugin daemon keeps state in its process.
pub(super) fn one_plugin_daemon(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.plugin_daemon.replicas.is_some_and(|replicas| replicas > 1), || {
        warning("plugin_daemon.replicas")
            .message("the community edition's plugin daemon does not scale out smoothly")
            .help("Keep 1 replica and give it more memory instead.")
    })
}

/// D-14: components Dify works badly without.
pub(super) fn missing_components(spec: &Spec, _: &Given) -> Vec<Finding> {
    let lost = [
        ("worker", &spec.worker, "indexing, mail and asynchronous workflows queue for ever"),
        ("beat", &spec.beat, "scheduled and triggered workflows and timeouts never fire"),
        ("web", &spec.web, "there is no user interface"),
        ("sandbox", &spec.sandbox, "code nodes and templates fail"),
        ("ssrf_proxy", &spec.ssrf_proxy, "user code reaches the private network"),
    ];
    lost.into_iter()
        .filter(|(_, component, _)| component.enabled == Some(false) || component.replicas == Some(0))
        .map(|(name, _, effect)| {
            warning(format!("{name}.enabled"))
                .message(format!("without `{name}`, {effect}"))
                .help(format!("Leave `{name}` enabled unless something else does its work."))
        })
        .collect()
}

/// D-23: collaboration needs its websocket server.
pub(super) fn collaboration(spec: &Spec, _: &Given) -> Vec<Finding> {
    let wanted = super::setting(spec, "ENABLE_COLLABORATION_MODE")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    when(wanted && spec.api_websocket.enabled != Some(true), || {
        note("environment_variables.ENABLE_COLLABORATION_MODE")
            .with(&["api_websocket"])
            .message("live collaboration is on without its own websocket server; the API pods carry it")
            .help("Set `api_websocket: {enabled: true}` when many people edit together.")
    })
}

/// The budget as a number of pods.
fn absolute_budget(spec: &Spec) -> Option<u32> {
    match &spec.pdb_min_available {
        IntOrPercent::Int(keep) => Some(*keep),
        IntOrPercent::Text(text) => text.parse().ok(),
    }
}
