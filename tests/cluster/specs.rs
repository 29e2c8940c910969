//! Specs whose objects between them are of every kind, with every field that is ever written.

use dify_reconciler::spec::Spec;
use serde_json::{Value, json};

/// Everything that can be switched on.
pub fn everything() -> Spec {
    with([
        ("environment_variables", json!({"LOG_LEVEL": "DEBUG"})),
        ("secret_environment_variables", json!({"MAIL_KEY": "mail-key"})),
        ("explicit_secret_values", json!({"PIN": "TOP-SECRET-7"})),
        ("enable_resource_quota", json!(true)),
        ("quota_cpu_requests", json!("40")),
        ("quota_cpu_limits", json!("80")),
        ("quota_memory_requests", json!("64Gi")),
        ("quota_memory_limits", json!("128Gi")),
        ("quota_max_pods", json!("50")),
        ("quota_max_services", json!("30")),
        ("quota_max_pvcs", json!("10")),
        ("enable_pod_disruption_budget", json!(true)),
        ("pdb_min_available", json!("50%")),
        ("enable_topology_spread", json!(true)),
        ("topology_spread_strict", json!(true)),
        ("storage_mount_nfs", json!(true)),
        ("gcs_volumes", json!([{"name": "data", "mount_path": "/mnt/data"}])),
        ("api_websocket", json!({"enabled": true, "replicas": 2})),
        ("agent_backend", json!({"enabled": true})),
        ("enable_custom_domain", json!(true)),
        ("application_domains", json!(["dify.example.com", "www.dify.example.com"])),
        ("configure_service_mesh", json!(true)),
        ("container_protocol", json!("h2c")),
        ("extra_service_ports", json!([{"name": "debug", "port": 5678}])),
        ("service_annotations", json!({"team": "x"})),
        ("service_labels", json!({"team": "x"})),
        ("initialization_jobs", jobs()),
        ("cron_jobs", crons()),
        ("additional_services", services()),
    ])
}

/// The API with a volume for each pod, sized by an autoscaler of the other kind, reached inside alone, and
/// without the Auth Proxy.
pub fn stateful() -> Spec {
    with([
        ("workload_type", json!("StatefulSet")),
        ("stateful_pvc_enabled", json!(true)),
        ("stateful_fs_group", json!(1001)),
        ("stateful_pod_management_policy", json!("Parallel")),
        ("stateful_update_strategy", json!("OnDelete")),
        ("enable_vertical_pod_autoscaling", json!(true)),
        ("enable_pod_disruption_budget", json!(true)),
        ("service_type", json!("ClusterIP")),
        ("enable_cloudsql_volume", json!(false)),
        ("enable_network_segmentation", json!(false)),
    ])
}

fn with<const N: usize>(values: [(&str, Value); N]) -> Spec {
    let mut spec = Spec::default();
    for (name, value) in values {
        let set = spec.set(name, value).unwrap_or_else(|| panic!("{name} is no variable"));
        set.unwrap_or_else(|why| panic!("{name}: {why}"));
    }
    spec
}

fn jobs() -> Value {
    json!([
        {"name": "first", "script_path": "flask noop", "mount_nfs": true, "secret_env_vars": {"K": "job-key"}},
        {"name": "second", "command": ["true"], "depends_on_jobs": ["first"], "execute_on_apply": false,
         "mount_gcs_volumes": ["data"], "needs_db": false, "task_count": 2, "description": "A second one"},
    ])
}

fn crons() -> Value {
    json!([{"name": "tidy", "schedule": "0 3 * * *", "args": ["clear-orphaned-file-records"],
            "secret_env_vars": {"K": "cron-key"}, "mount_nfs": true}])
}

fn services() -> Value {
    json!([
        {"name": "ollama", "image": "ollama/ollama:0.5", "port": 11434, "max_instance_count": 2,
         "env_vars": {"ORIGIN": "$(GKE_SERVICE_URL)"}, "secret_env_vars": {"KEY": "MAIL_KEY"},
         "volume_mounts": [{"name": "nfs-data-volume", "mount_path": "/models"}],
         "liveness_probe": {"path": "/", "type": "HTTP"}},
        {"name": "qdrant", "image": "qdrant/qdrant:v1.12.0", "port": 6333, "wait_for_rollout": false,
         "persistent_volume": {"size": "20Gi", "mount_path": "/qdrant/storage"}},
    ])
}
