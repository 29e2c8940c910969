//! Specs that between them ask for everything.

use dify_reconciler::inventory::Inventory;
use dify_reconciler::resources::{Context, Names};
use dify_reconciler::spec::Spec;
use dify_reconciler::spec::types::{
    Component, ImagePolicy, IntOrPercent, LifecycleAction, LifecycleCondition, LifecycleRule, StorageBucket,
};
use serde_json::json;

/// A spec with its names.
pub struct Scene {
    /// What it is about.
    pub name: &'static str,
    /// The spec.
    pub spec: Spec,
    names: Names,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new("default", Spec::default())
    }
}

impl Scene {
    fn new(name: &'static str, spec: Spec) -> Self {
        let spec = Spec { project_id: "p-1234".into(), ..spec };
        let names = Names::new("Demo.West", &spec, "0a1b2c3d");
        Self { name, spec, names }
    }

    /// What documents are declared from.
    pub fn context<'a>(&'a self, seen: &'a Inventory) -> Context<'a> {
        Context { spec: &self.spec, names: &self.names, generation: 1_700_000_000_000_001, seen }
    }
}

/// Every scene.
pub fn all() -> Vec<Scene> {
    vec![Scene::default(), domain(), everything(), given(), inside(), elsewhere(), unmarked(), attested()]
}

fn domain() -> Scene {
    let domains =
        vec!["dify.example.com".to_owned(), "ai.example.com".to_owned(), "dify.example.com".to_owned()];
    Scene::new("domain", Spec { enable_custom_domain: true, application_domains: domains, ..Spec::default() })
}

fn everything() -> Scene {
    let mut spec = domain().spec;
    spec.resource_labels = [("team".to_owned(), "ai".to_owned())].into();
    spec.agent_backend = Component { enabled: Some(true), ..Default::default() };
    spec.api_websocket = Component { enabled: Some(true), replicas: Some(2), ..Default::default() };
    spec.secret_environment_variables = [("SMTP_PASSWORD".to_owned(), "smtp".to_owned())].into();
    spec.max_instance_count = 9;
    spec.enable_auto_password_rotation = true;
    spec.enable_cloud_deploy = true;
    spec.pdb_min_available = IntOrPercent::Int(1);
    spec.static_ip_name = "front".into();
    let condition = LifecycleCondition {
        age: Some(30),
        created_before: Some("2026-01-01".into()),
        with_state: Some("ARCHIVED".into()),
        matches_storage_class: Some(vec!["STANDARD".into()]),
        num_newer_versions: Some(3),
        days_since_custom_time: Some(1),
        days_since_noncurrent_time: Some(2),
    };
    let action = LifecycleAction { kind: "SetStorageClass".into(), storage_class: Some("NEARLINE".into()) };
    spec.storage_buckets = vec![
        StorageBucket {
            name_suffix: "archive".into(),
            name: Some("our-archive".into()),
            location: Some("eu".into()),
            storage_class: Some("NEARLINE".into()),
            versioning_enabled: Some(false),
            lifecycle_rules: Some(vec![LifecycleRule { action, condition }]),
            public_access_prevention: Some("inherited".into()),
            uniform_bucket_level_access: Some(false),
            soft_delete_retention_seconds: Some(0),
            cors: Some(vec![
                json!({"origin": ["*"], "method": ["GET"], "response_header": ["x"], "max_age_seconds": 60}),
            ]),
            ..Default::default()
        },
        // The name of one of Dify's own.
        StorageBucket { name_suffix: "storage".into(), ..Default::default() },
    ];
    Scene::new("everything", spec)
}

fn given() -> Scene {
    let spec = Spec {
        sql_instance_name: "shared-sql".into(),
        nfs_instance_name: "nfsserver-1".into(),
        gke_service_account: "dify@p-1234.iam.gserviceaccount.com".into(),
        gke_cluster_name: "main".into(),
        network_name: "vpc".into(),
        ..Spec::default()
    };
    Scene::new("given", spec)
}

fn inside() -> Scene {
    let spec = Spec {
        service_type: "ClusterIP".into(),
        enable_nfs: false,
        redis_host: "10.2.0.3".into(),
        enable_cloudsql_volume: false,
        create_cloud_storage: false,
        max_images_to_retain: 0,
        delete_untagged_images: false,
        image_retention_days: 0,
        ..Spec::default()
    };
    Scene::new("inside", spec)
}

fn elsewhere() -> Scene {
    let spec = Spec {
        gke_service_account: "dify@other-1.iam.gserviceaccount.com".into(),
        redis_host: "redis.internal".into(),
        reserve_static_ip: false,
        ..Spec::default()
    };
    Scene::new("elsewhere", spec)
}

fn attested() -> Scene {
    let image_policy = ImagePolicy {
        mode: Some("follow".into()),
        require_attestations: Some(vec!["projects/p-1234/attestors/built".into()]),
        ..ImagePolicy::default()
    };
    let spec = Spec {
        enable_binary_authorization: true,
        binauthz_evaluation_mode: "REQUIRE_ATTESTATION".into(),
        image_policy,
        ..Spec::default()
    };
    Scene::new("attested", spec)
}

fn unmarked() -> Scene {
    let spec = Spec {
        require_services_gcp_module: false,
        gke_cluster_selection_mode: "round-robin".into(),
        region: "europe-west1".into(),
        ..Spec::default()
    };
    Scene::new("unmarked", spec)
}
