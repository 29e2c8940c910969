//! Every variable that is said to be converged changes some object when it changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fixture::World;
use super::library::resources::Desired;
use super::library::slice::Slice;
use super::library::spec::variable::Convergence;
use super::library::spec::{Spec, VARIABLES};

/// A spec with everything switched on, so that every variable has something to act on.
pub fn everything() -> Spec {
    let mut spec = Spec::default();
    for (name, value) in [
        ("environment_variables", json!({"OPENAPI_ENABLED": "true", "LOG_LEVEL": "DEBUG"})),
        ("secret_environment_variables", json!({"MAIL_KEY": "mail-key"})),
        ("explicit_secret_values", json!({"PIN": "TOP-SECRET-7"})),
        ("stateful_pvc_enabled", json!(true)),
        ("enable_resource_quota", json!(true)),
        ("quota_cpu_requests", json!("40")),
        ("enable_pod_disruption_budget", json!(true)),
        ("enable_topology_spread", json!(true)),
        ("storage_mount_nfs", json!(true)),
        ("gcs_volumes", json!([{"name": "data", "mount_path": "/mnt/data"}])),
        ("api_websocket", json!({"enabled": true})),
        ("agent_backend", json!({"enabled": true})),
        ("enable_custom_domain", json!(true)),
        ("application_domains", json!(["dify.example.com"])),
        ("configure_service_mesh", json!(true)),
        ("initialization_jobs", jobs()),
        ("cron_jobs", crons()),
        ("additional_services", services()),
    ] {
        set(&mut spec, name, value);
    }
    spec
}

fn jobs() -> Value {
    json!([
        {"name": "first", "script_path": "flask noop", "mount_nfs": true, "secret_env_vars": {"K": "job-key"}},
        {"name": "second", "command": ["true"], "depends_on_jobs": ["first"], "execute_on_apply": false,
         "mount_gcs_volumes": ["data"], "needs_db": false},
    ])
}

fn crons() -> Value {
    json!([{"name": "tidy", "schedule": "0 3 * * *", "args": ["clear-orphaned-file-records"],
            "secret_env_vars": {"K": "cron-key"}, "mount_nfs": true}])
}

fn services() -> Value {
    json!([{"name": "ollama", "image": "ollama/ollama:0.5", "port": 11434, "max_instance_count": 2,
            "env_vars": {"ORIGIN": "$(GKE_SERVICE_URL)"}, "secret_env_vars": {"KEY": "MAIL_KEY"},
            "volume_mounts": [{"name": "nfs-data-volume", "mount_path": "/models"}],
            "liveness_probe": {"path": "/", "type": "HTTP"}}])
}

fn set(spec: &mut Spec, name: &str, value: Value) {
    match spec.set(name, value) {
        Some(Ok(())) => {}
        Some(Err(why)) => panic!("{name}: {why}"),
        None => panic!("{name} is no variable"),
    }
}

/// Another value for a variable, and what else has to be so for it to matter.
pub fn change(name: &str) -> Option<(Value, Vec<(&'static str, Value)>)> {
    let alone = |value: Value| Some((value, vec![]));
    match name {
        "explicit_secret_values" => alone(json!({"PIN": "TOP-SECRET-8"})),
        "job_execution_wait_timeout" => alone(json!(1200)),
        "display_name" | "description" => alone(json!("Other words")),
        "deploy_application" => alone(json!(false)),
        "cpu_limit" => alone(json!("1500m")),
        "memory_limit" => alone(json!("3Gi")),
        "container_resources" => alone(json!({"cpu_request": "1"})),
        "min_instance_count" => alone(json!(2)),
        "max_instance_count" => alone(json!(5)),
        "container_port" | "service_port" => alone(json!(8080)),
        "extra_service_ports" => alone(json!([{"name": "debug", "port": 5678}])),
        "container_protocol" => alone(json!("h2c")),
        "timeout_seconds" => alone(json!(1800)),
        "enable_cloudsql_volume" => alone(json!(false)),
        "cloud_sql_proxy_version" => alone(json!("2.19.0")),
        "enable_vertical_pod_autoscaling" => alone(json!(true)),
        "enable_pod_disruption_budget" | "enable_topology_spread" | "enable_resource_quota" => {
            alone(json!(false))
        }
        "pdb_min_available" => alone(json!("50%")),
        "service_annotations" | "service_labels" => alone(json!({"team": "x"})),
        "environment_variables" => alone(json!({"LOG_LEVEL": "WARNING"})),
        "secret_environment_variables" => alone(json!({"MAIL_KEY": "mail-key-2"})),
        "workload_type" => Some((json!("StatefulSet"), vec![("stateful_pvc_enabled", json!(null))])),
        "service_type" => alone(json!("ClusterIP")),
        "session_affinity" => alone(json!("None")),
        "namespace_name" => alone(json!("other")),
        "termination_grace_period_seconds" => alone(json!(400)),
        "deployment_timeout" => alone(json!(3000)),
        "enable_network_segmentation" | "configure_service_mesh" => alone(toggled(name)),
        "stateful_pvc_enabled" => alone(json!(null)),
        "stateful_pvc_size" => alone(json!("20Gi")),
        "stateful_pvc_mount_path" => alone(json!("/other")),
        "stateful_pvc_storage_class" => alone(json!("premium-rwo")),
        "stateful_headless_service" => alone(json!(false)),
        "stateful_pod_management_policy" => alone(json!("Parallel")),
        "stateful_update_strategy" => alone(json!("OnDelete")),
        "stateful_fs_group" => alone(json!(1001)),
        "quota_cpu_requests" | "quota_cpu_limits" | "quota_max_pods" | "quota_max_services"
        | "quota_max_pvcs" => alone(json!("50")),
        "quota_memory_requests" | "quota_memory_limits" => alone(json!("64Gi")),
        "topology_spread_strict" => alone(json!(true)),
        "startup_probe_config" | "health_check_config" | "startup_probe" | "liveness_probe" => {
            alone(json!({"enabled": true, "failure_threshold": 77}))
        }
        "initialization_jobs" | "cron_jobs" | "additional_services" | "gcs_volumes" => alone(json!([])),
        "nfs_mount_path" => alone(json!("/mnt/other")),
        "nfs_volume_name" => Some((json!("share"), vec![("additional_services", json!([]))])),
        "db_password_env_var_name"
        | "db_host_env_var_name"
        | "db_user_env_var_name"
        | "db_name_env_var_name"
        | "db_port_env_var_name" => alone(json!("ALIAS")),
        "enable_custom_domain" => alone(json!(false)),
        "application_domains" => alone(json!(["other.example.com"])),
        "reserve_static_ip" => alone(json!(false)),
        "static_ip_name" => alone(json!("my-address")),
        "redis_host" => alone(json!("10.9.9.9")),
        "redis_port" => alone(json!("6380")),
        "worker" | "web" | "plugin_daemon" | "sandbox" | "ssrf_proxy" | "api_websocket" | "agent_backend" => {
            alone(json!({"enabled": true, "replicas": 2}))
        }
        "beat" => alone(json!({"enabled": false})),
        "storage_mount_nfs" => alone(json!(false)),
        _ => None,
    }
}

fn toggled(name: &str) -> Value {
    json!(name != "enable_network_segmentation" && name != "configure_service_mesh")
}

/// Every object's document, by address; what waits counts as what it waits on.
fn rendered(spec: Spec) -> BTreeMap<String, Value> {
    let world = World::of(spec);
    world
        .declared()
        .into_iter()
        .map(|declared| {
            let value = match declared.desired {
                Desired::Ready(document) => document.wire().clone(),
                other => json!(format!("{other:?}")),
            };
            (declared.id.to_string(), value)
        })
        .collect()
}

#[test]
fn every_converged_variable_changes_an_object() {
    let slices = [Slice::Workload, Slice::Exposure, Slice::Cluster, Slice::Migration];
    let (mut faults, base) = (Vec::new(), rendered(everything()));
    for variable in VARIABLES {
        let ours = slices.contains(&variable.slice) && variable.convergence == Convergence::Converged;
        if !ours {
            continue;
        }
        let Some((value, also)) = change(variable.name) else {
            faults.push(format!("{}: no other value is given here", variable.name));
            continue;
        };
        let mut spec = everything();
        let standing = also.is_empty().then(|| base.clone());
        also.into_iter().for_each(|(name, value)| set(&mut spec, name, value));
        let before = standing.unwrap_or_else(|| rendered(spec.clone()));
        set(&mut spec, variable.name, value);
        if before == rendered(spec) {
            faults.push(format!("{}: nothing changes", variable.name));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_variable_that_is_taken_back_changes_the_fingerprint() {
    let with =
        Spec { environment_variables: [("EXTRA".to_owned(), "1".to_owned())].into(), ..Spec::default() };
    let (before, after) = (rendered(with), rendered(Spec::default()));
    let applied = |all: &BTreeMap<String, Value>| {
        let (_, body) = all.iter().find(|(id, _)| id.ends_with("-api-env")).expect("the API has a ConfigMap");
        body["metadata"]["annotations"]["dify-reconciler/applied"].clone()
    };
    assert_ne!(applied(&before), applied(&after));
}
