//! How many database connections Dify may open at the most.
//!
//! Dify's pools are per process, so the sum grows with pods, and PostgreSQL refuses the one too many
//! with "too many clients" in the middle of somebody's work.

use super::{setting, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;
use crate::spec::types::Component;

/// `max_connections` of an instance made here; the one upstream's compose file sets too.
const MAX_CONNECTIONS: u32 = 200;

/// Connections kept for administrators, Cloud SQL's agents and backups.
const RESERVE: u32 = 10;

/// The plugin daemon's own pool.
const PLUGIN_DAEMON: u32 = 20;

/// P-31: the pools of all processes fit into the instance.
pub(super) fn too_many(spec: &Spec, _: &Given) -> Vec<Finding> {
    let most = at_most(spec);
    when(most > MAX_CONNECTIONS, || {
        warning("max_instance_count")
            .with(&["worker", "environment_variables"])
            .message(format!("at the most Dify opens about {most} database connections; an instance made here takes {MAX_CONNECTIONS}"))
            .help("Lower `max_instance_count` or SQLALCHEMY_POOL_SIZE and SQLALCHEMY_MAX_OVERFLOW, or raise max_connections on the instance.")
    })
}

/// The most connections the spec can lead to: API pods with one more during a rollout, worker, beat and
/// websocket pods, each with its pool; the vector store's pools; the plugin daemon; and the reserve.
pub(super) fn at_most(spec: &Spec) -> u32 {
    let number =
        |name: &str, default: u32| setting(spec, name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let pool = number("SQLALCHEMY_POOL_SIZE", 10).saturating_add(number("SQLALCHEMY_MAX_OVERFLOW", 10));
    let replicas = |component: &Component, runs: bool| {
        if component.enabled.unwrap_or(runs) { component.replicas.unwrap_or(1) } else { 0 }
    };
    let api_pods = spec.max_instance_count.saturating_add(1);
    let api = api_pods.saturating_mul(number("SERVER_WORKER_AMOUNT", 1));
    let workers = replicas(&spec.worker, true);
    let others = replicas(&spec.beat, true).saturating_add(replicas(&spec.api_websocket, false));
    let processes = api.saturating_add(workers).saturating_add(others);
    // One knowledge base in use per process; each opens a pool of its own.
    let vectors = api.saturating_add(workers).saturating_mul(number("PGVECTOR_MAX_CONNECTION", 5));
    let daemon = replicas(&spec.plugin_daemon, true).saturating_mul(PLUGIN_DAEMON);
    [processes.saturating_mul(pool), vectors, daemon, RESERVE].into_iter().fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_deployment_fits() {
        // 4 API pods, 1 worker and 1 beat with 20 each, 5 vector pools of 5, 20 and 10.
        assert_eq!(at_most(&Spec::default()), 120 + 25 + 20 + 10);
        assert!(at_most(&Spec::default()) <= MAX_CONNECTIONS);
    }
}
