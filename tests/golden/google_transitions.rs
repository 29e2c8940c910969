//! What each variable that drives Google's side changes there: the kinds of resources that become others, and
//! whether objects of the cluster follow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fixture::World;
use super::library::inventory::Sighting;
use super::library::resources::google::Kind;
use super::library::resources::{self, Desired, Kind as AnyKind, Names, ResourceId};
use super::library::spec::variable::Convergence;
use super::library::spec::{Spec, VARIABLES};
use super::transitions;

/// A variable, another value for it, what else has to be so for it to matter, and the kinds that change.
type Transition = (&'static str, Value, Vec<(&'static str, Value)>, &'static [&'static str]);

/// Converged variables that change no resource by what they are, and why.
const NO_RESOURCE: &[(&str, &str)] = &[
    ("acknowledge", "it lets a guarded change pass (tests/spec), and is nothing of its own"),
    ("secret_rotation_period", "it says when a rotation is due (tests/scenarios/rotation_due)"),
    (
        "enable_auto_password_rotation",
        "it says whether a rotation is ever due (tests/scenarios/rotation_due)",
    ),
    ("rotation_propagation_delay_sec", "it says how long a rotation drains (tests/scenarios/rotation_due)"),
    ("enable_cloud_deploy", "it says who decides about the image (tests/scenarios/rollout_promoted)"),
    ("cloud_deploy_stages", "they say whose rollouts count (tests/scenarios/rollout_promoted)"),
    ("gateway_backend_stage", "it says whose rollouts count (tests/scenarios/rollout_promoted)"),
    ("backup_schedule", "it says when a backup is due (tests/scenarios/backup_due)"),
    ("backup_retention_days", "it says which backups go (tests/scenarios/backup_due)"),
    ("enable_backup_import", "it asks for an import, once (tests/crash/backup)"),
    ("backup_source", "it says where an import comes from (tests/database/backup)"),
    ("backup_uri", "it says what is imported (tests/database/backup)"),
    ("backup_format", "it says how an import is read (tests/database/backup)"),
    ("image_policy", "it says when an image changes (tests/scenarios/image_pushed)"),
    ("delivery_pipeline", "it says where promotions are read (tests/scenarios/rollout_promoted)"),
    ("deletion_policy", "it decides what becomes of everything once the spec is gone (tests/scenarios)"),
    ("container_image_source", "it says where container_image comes from; only the spec's rules read it yet"),
];

fn transitions() -> Vec<Transition> {
    let alone = Vec::new;
    vec![
        (
            "project_id",
            json!("p-2"),
            alone(),
            &[
                "Bucket",
                "BucketPolicy",
                "Disk",
                "EnabledApi",
                "Firewall",
                "GlobalAddress",
                "Instance",
                "InternalAddress",
                "Kubernetes",
                "ProjectPolicy",
                "Repository",
                "RepositoryPolicy",
                "Secret(GCP)",
                "SecretPolicy",
                "SecretVersion",
                "ServiceAccount(GCP)",
                "ServiceAccountPolicy",
                "SqlDatabase",
                "SqlInstance",
                "SqlUser",
            ],
        ),
        (
            "deployment_id",
            json!("99999999"),
            alone(),
            &[
                "Bucket",
                "BucketPolicy",
                "Disk",
                "Firewall",
                "GlobalAddress",
                "Instance",
                "InternalAddress",
                "Kubernetes",
                "ProjectPolicy",
                "Repository",
                "RepositoryPolicy",
                "Secret(GCP)",
                "SecretPolicy",
                "SecretVersion",
                "ServiceAccount(GCP)",
                "ServiceAccountPolicy",
                "SqlDatabase",
                "SqlInstance",
                "SqlUser",
            ],
        ),
        (
            "enable_binary_authorization",
            json!(true),
            vec![("binauthz_evaluation_mode", json!("REQUIRE_ATTESTATION"))],
            &["AdmissionPolicy", "Attestor", "EnabledApi"],
        ),
        (
            "binauthz_evaluation_mode",
            json!("REQUIRE_ATTESTATION"),
            vec![("enable_binary_authorization", json!(true))],
            &["AdmissionPolicy", "Attestor"],
        ),
        (
            "tenant_deployment_id",
            json!("other"),
            alone(),
            &[
                "Bucket",
                "BucketPolicy",
                "Disk",
                "Firewall",
                "GlobalAddress",
                "InternalAddress",
                "Kubernetes",
                "Repository",
                "RepositoryPolicy",
                "Secret(GCP)",
                "SecretPolicy",
                "SecretVersion",
                "ServiceAccountPolicy",
                "SqlDatabase",
                "SqlInstance",
                "SqlUser",
            ],
        ),
        (
            "application_name",
            json!("assistant"),
            alone(),
            &[
                "Bucket",
                "BucketPolicy",
                "Disk",
                "Firewall",
                "GlobalAddress",
                "InternalAddress",
                "Kubernetes",
                "Repository",
                "RepositoryPolicy",
                "Secret(GCP)",
                "SecretPolicy",
                "SecretVersion",
                "ServiceAccountPolicy",
                "SqlInstance",
                "SqlUser",
            ],
        ),
        (
            "resource_labels",
            json!({"team": "x"}),
            alone(),
            &[
                "Bucket",
                "Disk",
                "GlobalAddress",
                "InternalAddress",
                "Repository",
                "Secret(GCP)",
                "SqlInstance",
            ],
        ),
        (
            "gke_service_account",
            json!("mine@p-1.iam.gserviceaccount.com"),
            alone(),
            &["BucketPolicy", "Kubernetes", "ProjectPolicy", "ServiceAccount(GCP)", "ServiceAccountPolicy"],
        ),
        (
            "require_services_gcp_module",
            json!(false),
            vec![("network_name", json!("?unmarked"))],
            &[
                "Bucket",
                "Cluster",
                "Disk",
                "Firewall",
                "InternalAddress",
                "Kubernetes",
                "Repository",
                "RepositoryPolicy",
                "ServiceAccountPolicy",
                "SqlInstance",
                "Subnetwork",
            ],
        ),
        (
            "region",
            json!("europe-west1"),
            alone(),
            &[
                "Bucket",
                "InternalAddress",
                "Kubernetes",
                "Repository",
                "RepositoryPolicy",
                "SqlInstance",
                "Subnetwork",
            ],
        ),
        (
            "network_name",
            json!("plain"),
            alone(),
            &[
                "Cluster",
                "Disk",
                "Firewall",
                "Instance",
                "InternalAddress",
                "Kubernetes",
                "RepositoryPolicy",
                "ServiceAccountPolicy",
                "SqlInstance",
                "Subnetwork",
            ],
        ),
        (
            "gke_cluster_name",
            json!("second"),
            alone(),
            &["Cluster", "Disk", "Firewall", "Instance", "Kubernetes"],
        ),
        ("gke_cluster_selection_mode", json!("round-robin"), alone(), &["Cluster", "Firewall", "Kubernetes"]),
        ("application_version", json!("1.17.0"), alone(), &["Kubernetes"]),
        ("container_image", json!("example.com/dify/api"), alone(), &["Kubernetes"]),
        ("enable_image_mirroring", json!(false), alone(), &["Kubernetes"]),
        ("max_images_to_retain", json!(3), alone(), &["Repository"]),
        ("delete_untagged_images", json!(false), alone(), &["Repository"]),
        ("image_retention_days", json!(90), alone(), &["Repository"]),
        ("database_password_length", json!(48), alone(), &["SecretVersion"]),
        ("redis_auth", json!("TOP-SECRET-redis"), vec![("redis_host", json!("10.9.9.9"))], &["Kubernetes"]),
        (
            "redis_host",
            json!("10.9.9.9"),
            alone(),
            &["Firewall", "Kubernetes", "Secret(GCP)", "SecretPolicy", "SecretVersion"],
        ),
        (
            "enable_redis",
            json!(false),
            alone(),
            &["Firewall", "Kubernetes", "Secret(GCP)", "SecretPolicy", "SecretVersion"],
        ),
        (
            "enable_nfs",
            json!(false),
            alone(),
            &[
                "Disk",
                "Firewall",
                "Instance",
                "InternalAddress",
                "Kubernetes",
                "Secret(GCP)",
                "SecretPolicy",
                "SecretVersion",
                "ServiceAccount(GCP)",
            ],
        ),
        (
            "nfs_instance_name",
            json!("shared"),
            alone(),
            &[
                "Disk",
                "Firewall",
                "Instance",
                "InternalAddress",
                "Kubernetes",
                "Secret(GCP)",
                "SecretPolicy",
                "SecretVersion",
                "ServiceAccount(GCP)",
            ],
        ),
        ("nfs_instance_base_name", json!("files"), alone(), &["Disk", "Instance", "InternalAddress"]),
        ("create_cloud_storage", json!(false), alone(), &["Bucket", "BucketPolicy"]),
        ("storage_buckets", json!([{"name_suffix": "media"}]), alone(), &["Bucket", "BucketPolicy"]),
        ("db_name", json!("other"), alone(), &["Kubernetes", "SqlDatabase"]),
        ("db_user", json!("other"), alone(), &["Kubernetes", "SqlUser"]),
        ("database_type", json!("POSTGRES_16"), alone(), &["SqlInstance"]),
        (
            "sql_instance_name",
            json!("shared"),
            alone(),
            &[
                "EnabledApi",
                "Kubernetes",
                "Secret(GCP)",
                "SecretVersion",
                "SqlDatabase",
                "SqlInstance",
                "SqlUser",
            ],
        ),
        (
            "sql_instance_base_name",
            json!("database"),
            alone(),
            &["Kubernetes", "SqlDatabase", "SqlInstance", "SqlUser"],
        ),
        (
            "enable_postgres_extensions",
            json!(false),
            vec![("postgres_extensions", json!(["hstore"]))],
            &["Kubernetes"],
        ),
        ("postgres_extensions", json!(["hstore"]), alone(), &["Kubernetes"]),
        ("enable_cloudsql_volume", json!(false), alone(), &["Kubernetes", "ProjectPolicy"]),
        (
            "secret_environment_variables",
            json!({"MAIL_KEY": "mail-key"}),
            alone(),
            &["Kubernetes", "SecretVersion"],
        ),
        (
            "initialization_jobs",
            json!([{"name": "first", "command": ["true"], "secret_env_vars": {"K": "job-key"}}]),
            alone(),
            &["Kubernetes", "SecretVersion"],
        ),
        (
            "cron_jobs",
            json!([{"name": "tidy", "schedule": "0 3 * * *", "args": ["x"], "secret_env_vars": {"K": "cron-key"}}]),
            alone(),
            &["Kubernetes", "SecretVersion"],
        ),
        ("max_instance_count", json!(5), alone(), &["Kubernetes", "SqlInstance"]),
        ("worker", json!({"replicas": 5}), alone(), &["Kubernetes", "SqlInstance"]),
        ("plugin_daemon", json!({"replicas": 5}), alone(), &["Kubernetes", "SqlInstance"]),
        ("api_websocket", json!({"enabled": true, "replicas": 5}), alone(), &["Kubernetes", "SqlInstance"]),
        ("agent_backend", json!({"enabled": true}), alone(), &["Kubernetes", "Secret(GCP)", "SecretVersion"]),
        ("service_type", json!("ClusterIP"), alone(), &["GlobalAddress", "Kubernetes"]),
        (
            "enable_custom_domain",
            json!(true),
            vec![("application_domains", json!(["dify.example.com"]))],
            &["Certificate", "CertificateMap", "CertificateMapEntry", "EnabledApi", "Kubernetes"],
        ),
        (
            "application_domains",
            json!(["a.example.com"]),
            vec![("enable_custom_domain", json!(true)), ("application_domains", json!(["b.example.com"]))],
            &["Certificate", "CertificateMapEntry", "Kubernetes"],
        ),
        ("reserve_static_ip", json!(false), alone(), &["GlobalAddress", "Kubernetes"]),
        ("static_ip_name", json!("mine"), alone(), &["GlobalAddress", "Kubernetes"]),
        ("namespace_name", json!("other"), alone(), &["Kubernetes", "ServiceAccountPolicy"]),
    ]
}

fn set(spec: &mut Spec, name: &str, value: Value) {
    match spec.set(name, value) {
        Some(Ok(())) => {}
        Some(Err(why)) => panic!("{name}: {why}"),
        None => panic!("{name} is no variable"),
    }
}

/// Every resource's document, by address; what waits counts as what it waits on.
fn rendered(spec: &Spec) -> BTreeMap<ResourceId, Value> {
    let mut world = World::of(spec.clone());
    more_platform(&mut world, spec.network_name != UNMARKED);
    if spec.network_name == UNMARKED {
        world.spec.network_name.clear();
    }
    if !spec.project_id.is_empty() {
        world.spec.project_id = spec.project_id.clone();
        world.names = Names::new("demo", &world.spec, "0a1b2c3d");
    }
    let declared = resources::declare(&world.context()).into_iter();
    let shown = |desired: Desired| match desired {
        Desired::Ready(document) => document.wire().clone(),
        other => json!(format!("{other:?}")),
    };
    declared.map(|declared| (declared.id, shown(declared.desired))).collect()
}

/// Stands for a project whose network does not carry the platform's mark.
const UNMARKED: &str = "?unmarked";

/// Beside the platform: a subnet in another region, a network without the mark, and two more clusters.
fn more_platform(world: &mut World, marked: bool) {
    let mark = if marked { "managed-by=services-gcp" } else { "" };
    for (region, name, network, mark) in [
        ("us-central1", "gke", "vpc", mark),
        ("europe-west1", "gke-eu", "vpc", mark),
        ("us-central1", "plain", "plain", ""),
    ] {
        let id = format!("projects/p-1/regions/{region}/subnetworks/{name}");
        let network = format!("https://www.googleapis.com/compute/v1/projects/p-1/global/networks/{network}");
        let body = json!({"network": network, "ipCidrRange": "10.1.0.0/24", "description": mark});
        world.seen.note(ResourceId::google(Kind::Subnetwork, id), Sighting::Present(body));
    }
    for (name, pods) in [("second", "10.8.0.0/14"), ("third", "10.12.0.0/14")] {
        let id = format!("projects/p-1/locations/us-central1/clusters/{name}");
        let body = json!({"name": name, "location": "us-central1", "network": "vpc", "status": "RUNNING",
                          "ipAllocationPolicy": {"clusterIpv4CidrBlock": pods}});
        world.seen.note(ResourceId::google(Kind::Cluster, id), Sighting::Present(body));
    }
}

/// The kinds of Google resources that differ, and `Kubernetes` when any object of the cluster does. A secret's history
/// is only looked at, and copies of images follow what runs.
fn changed(before: &Spec, after: &Spec) -> BTreeSet<String> {
    let (before, after) = (rendered(before), rendered(after));
    let ids = before.keys().chain(after.keys());
    let follows = [Kind::SecretHistory, Kind::DockerImage].map(AnyKind::Google);
    let written = |id: &&ResourceId| !follows.contains(&id.kind);
    let differing = ids.filter(written).filter(|id| before.get(id) != after.get(id));
    differing
        .map(|id| match id.kind {
            AnyKind::Google(_) => id.kind.to_string(),
            AnyKind::Kubernetes(_) => "Kubernetes".to_owned(),
        })
        .collect()
}

#[test]
fn each_variable_changes_the_resources_that_it_drives_and_no_others() {
    let mut faults = Vec::new();
    for (name, value, also, expected) in transitions() {
        let mut before = Spec::default();
        also.into_iter().for_each(|(name, value)| set(&mut before, name, value));
        let mut after = before.clone();
        set(&mut after, name, value);
        let changed = changed(&before, &after);
        if changed != expected.iter().map(|kind| (*kind).to_owned()).collect() {
            faults.push(format!("{name}: {changed:?}"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_converged_variable_has_a_transition_or_a_reason() {
    let here: BTreeSet<&str> = transitions().into_iter().map(|(name, ..)| name).collect();
    let mut faults = Vec::new();
    for variable in VARIABLES.iter().filter(|variable| variable.convergence == Convergence::Converged) {
        let name = variable.name;
        let elsewhere = transitions::change(name).is_some();
        let excused = NO_RESOURCE.iter().any(|(excused, _)| *excused == name);
        if !here.contains(name) && !elsewhere && !excused {
            faults.push(format!("{name}: no other value is given in a transition"));
        }
        if excused && (elsewhere || here.contains(name)) {
            faults.push(format!("{name}: it has a transition and an excuse"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_variable_drives_googles_side_unnoticed() {
    let here: BTreeSet<&str> = transitions().into_iter().map(|(name, ..)| name).collect();
    let mut faults = Vec::new();
    for variable in VARIABLES.iter().filter(|variable| !here.contains(variable.name)) {
        let Some((value, also)) = transitions::change(variable.name) else { continue };
        let mut before = transitions::everything();
        also.into_iter().for_each(|(name, value)| set(&mut before, name, value));
        let mut after = before.clone();
        set(&mut after, variable.name, value);
        let mut kinds = changed(&before, &after);
        kinds.remove("Kubernetes");
        if !kinds.is_empty() {
            faults.push(format!("{} changes {kinds:?} and has no transition here", variable.name));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
