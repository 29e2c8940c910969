//! THE index of what a user may ask for: one row per variable.
//!
//! A row holds field, type, default, group of the Terraform module's page, the slice it drives, how it
//! may change, what a wrong value risks, whether this version converges it, and what it means. The
//! struct [`Spec`], its defaults, the table [`VARIABLES`] and everything generated from it (schema,
//! `explain`, the README's index) come from these rows alone.

use super::types::*;
use super::variable::{Convergence::*, Mutability::*, Risk::*, Variable};
use crate::slice::Slice::*;

super::variable::variables! {
    // --- 0: metadata and wiring ---
    module_description: String = String::new(); 0, Project, Mutable, Low, NoEffect, "Text for the catalogue the module was listed in.";
    module_documentation: String = String::new(); 0, Project, Mutable, Low, NoEffect, "Documentation address for the catalogue.";
    module_dependency: Vec<String> = vec!["Services_GCP".into()]; 0, Project, Mutable, Low, NoEffect, "Platform ordering only.";
    module_services: Vec<String> = vec![]; 0, Project, Mutable, Low, NoEffect, "Catalogue only.";
    credit_cost: f64 = 100.0; 0, Project, Mutable, Low, NoEffect, "Billing metadata of the module's portal.";
    require_credit_purchases: bool = false; 0, Project, Mutable, Low, NoEffect, "Billing metadata of the module's portal.";
    enable_purge: bool = true; 0, Project, Mutable, Low, NoEffect, "Whether the portal may forget the deployment's record.";
    public_access: bool = false; 0, Project, Mutable, Low, NoEffect, "Catalogue visibility.";
    shared_users: Vec<String> = vec![]; 0, Project, Mutable, Low, NoEffect, "Catalogue visibility.";
    technical_support_users: Vec<String> = vec![]; 0, Project, Mutable, Low, NoEffect, "Catalogue visibility.";
    deployment_id: String = String::new(); 0, Project, Immutable("it is part of every name"), Critical, Converged, "Suffix of resource names; drawn once and kept when empty.";
    resource_creator_identity: String = String::new(); 0, Project, Mutable, Medium, NotConverged, "Service account to act as; empty means the service's own identity.";
    impersonation_service_account: String = String::new(); 0, Project, Mutable, Medium, NoEffect, "Impersonation in the module's scripts; there are no scripts here.";
    agent_service_account: Option<String> = None; 0, Project, Mutable, Medium, NoEffect, "Preferred impersonation in the module's scripts; there are no scripts here.";
    explicit_secret_values: std::collections::BTreeMap<String, Sensitive> = Default::default(); 0, Workload, Mutable, Critical, Converged, "Secret values that go straight into the Kubernetes Secret; prefer secret_environment_variables.";
    scripts_dir: String = String::new(); 0, Workload, Mutable, Low, NoEffect, "Directory of the module's job scripts; jobs carry their script in the spec here.";
    require_services_gcp_module: bool = true; 0, Network, Mutable, High, Converged, "Stall when no network made by the shared-services module is found.";
    job_execution_wait_timeout: u32 = 900; 0, Migration, Mutable, Medium, Converged, "Seconds a database Job may take before the slice stalls.";
    requires_services: RequiresServices = Default::default(); 0, Project, Mutable, Low, NoEffect, "Shared services the portal provides first.";

    // --- 1: project ---
    project_id: String = String::new(); 1, Project, Immutable("every resource lives in it"), Critical, Converged, "Google Cloud project. Required.";
    region: String = "us-central1".into(); 1, Network, Immutable("a region cannot change under a database"), Critical, Converged, "Region used when the discovered network does not decide it. Aliases: fallback_region, deployment_region.";
    deployment_regions: Vec<String> = vec![]; 1, Network, Mutable, Low, NoEffect, "Multi-region Cloud Run only; nothing on GKE.";

    // --- 2: deployment environment ---
    tenant_deployment_id: String = "demo".into(); 2, Project, Immutable("it is part of every name"), Critical, Converged, "Tenant, part of every name. Alias: tenant_id.";
    support_users: Vec<String> = vec![]; 2, Observability, Mutable, Medium, NotConverged, "E-mail addresses that get alerts; no IAM.";
    resource_labels: StringMap = Default::default(); 2, Project, Mutable, Low, Converged, "Labels on every Google resource.";

    // --- 3: application identity ---
    application_name: String = "dify".into(); 3, Project, Immutable("it is part of every name"), Critical, Converged, "Application name, part of every name.";
    display_name: String = "Dify - LLM Application Platform".into(); 3, Workload, Mutable, Low, Converged, "Name for people. Alias: application_display_name.";
    description: String = "Dify LLM application platform on GKE Autopilot".into(); 3, Workload, Mutable, Low, Converged, "Annotation of the workload. Alias: application_description.";
    application_version: String = "1.17.1".into(); 3, Images, Guarded("a lower version than the running one would need a schema downgrade"), High, Converged, "Dify release: tag of the API and web images, and what picks the plugin daemon's and the sandbox's.";

    // --- 4: runtime and scaling ---
    deploy_application: bool = true; 4, Workload, Mutable, Medium, Converged, "false makes the infrastructure only.";
    cpu_limit: String = "2000m".into(); 4, Workload, Mutable, High, Converged, "CPU limit of the API container.";
    memory_limit: String = "4Gi".into(); 4, Workload, Mutable, High, Converged, "Memory limit of the API container.";
    container_resources: Option<ContainerResources> = None; 4, Workload, Mutable, High, Converged, "Requests and limits of the API container; wins over cpu_limit and memory_limit.";
    min_instance_count: u32 = 1; 4, Workload, Mutable, High, Converged, "Fewest API pods; 0 counts as 1.";
    max_instance_count: u32 = 3; 4, Workload, Mutable, High, Converged, "Most API pods.";
    container_port: u16 = 5001; 4, Workload, Mutable, High, Converged, "Port of the API container; DIFY_PORT follows it.";
    service_port: u16 = 80; 4, Exposure, Mutable, Medium, Converged, "Port of the API Service.";
    extra_service_ports: Vec<ServicePort> = vec![]; 4, Exposure, Mutable, Low, Converged, "Further ports of the API Service.";
    container_protocol: String = "http1".into(); 4, Exposure, Mutable, Low, Converged, "http1, or h2c for HTTP/2 without TLS.";
    timeout_seconds: u32 = 3600; 4, Exposure, Mutable, High, Converged, "Seconds the front door lets one request take; streams need minutes.";
    container_image_source: String = "prebuilt".into(); 4, Images, Mutable, Medium, Converged, "prebuilt runs the stock images; custom expects one that was built.";
    container_image: String = "langgenius/dify-api".into(); 4, Images, Mutable, High, Converged, "Repository of the API image.";
    container_build_config: ContainerBuildConfig = Default::default(); 4, Images, Mutable, Medium, NotConverged, "How a custom image is built.";
    enable_image_mirroring: bool = true; 4, Images, Mutable, High, Converged, "Copy the image set into Artifact Registry and run it from there.";
    enable_cloudsql_volume: bool = true; 4, Workload, Mutable, Critical, Converged, "Reach the database through the Cloud SQL Auth Proxy beside each container.";
    cloudsql_volume_mount_path: String = "/cloudsql".into(); 4, Workload, Mutable, Low, NoEffect, "Socket directory; the proxy listens on TCP here.";
    cloud_sql_proxy_version: String = "2.18.2".into(); 4, Workload, Mutable, Medium, Converged, "Tag of the Cloud SQL Auth Proxy image.";
    enable_vertical_pod_autoscaling: bool = false; 4, Workload, Mutable, Medium, Converged, "Right-size pods with a VerticalPodAutoscaler instead of scaling out.";
    enable_pod_disruption_budget: bool = false; 4, Workload, Mutable, Medium, Converged, "Keep pods during node maintenance.";
    pdb_min_available: IntOrPercent = IntOrPercent::Int(1); 4, Workload, Mutable, High, Converged, "Pods that stay up during disruptions, as a number or percentage.";
    service_annotations: StringMap = Default::default(); 4, Exposure, Mutable, Low, Converged, "Annotations of the API Service.";
    service_labels: StringMap = Default::default(); 4, Exposure, Mutable, Low, Converged, "Labels of the API Service.";

    // --- 5: environment and secrets ---
    environment_variables: StringMap = Default::default(); 5, Workload, Mutable, High, Converged, "Plain environment of the API image's containers; the platform's own database values win.";
    secret_environment_variables: StringMap = Default::default(); 5, Workload, Mutable, Critical, Converged, "Environment from Secret Manager: variable name to secret id.";
    secret_rotation_period: String = "2592000s".into(); 5, Secrets, Mutable, High, Converged, "Seconds after which a password in use is replaced, with the suffix s; half of it tells a repeated reminder from another rotation.";
    secret_propagation_delay: u32 = 30; 5, Secrets, Mutable, Low, NoEffect, "Seconds the module slept after creating a secret; the reconciler reads the secret back instead.";

    // --- 6: GKE backend ---
    workload_type: Option<String> = None; 6, Workload, Guarded("the other kind of controller replaces the pods"), High, Converged, "Deployment or StatefulSet; follows stateful_pvc_enabled when empty.";
    service_type: String = "LoadBalancer".into(); 6, Exposure, Mutable, High, Converged, "LoadBalancer and NodePort put Dify behind the one front door; ClusterIP keeps it inside.";
    session_affinity: String = "ClientIP".into(); 6, Exposure, Mutable, Medium, Converged, "None or ClientIP, on the front door's backends too.";
    gke_cluster_name: String = String::new(); 6, Network, Guarded("another cluster means another workload"), High, Converged, "Cluster; discovered when empty.";
    gke_cluster_selection_mode: String = "primary".into(); 6, Network, Guarded("another cluster means another workload"), High, Converged, "primary, explicit or round-robin.";
    namespace_name: String = String::new(); 6, Cluster, Immutable("a namespace cannot be renamed"), Critical, Converged, "Namespace; derived when empty.";
    termination_grace_period_seconds: u32 = 60; 6, Workload, Mutable, Medium, Converged, "Seconds a pod may take to stop; raised to what the component needs.";
    deployment_timeout: u32 = 1800; 6, Workload, Mutable, Medium, Converged, "Seconds a rollout may take before the slice stalls.";
    enable_network_segmentation: bool = true; 6, Cluster, Mutable, High, Converged, "Restrict traffic in and out of the namespace with NetworkPolicies.";
    configure_service_mesh: bool = false; 6, Cluster, Mutable, Medium, Converged, "Label the namespace for the managed service mesh.";
    enable_multi_cluster_service: bool = false; 6, Exposure, Mutable, Low, NoEffect, "Had no effect in the module either.";
    prereq_gke_subnet_cidr: String = "10.201.0.0/24".into(); 6, Network, Guarded("a subnet's range cannot change"), High, NotConverged, "Range of a cluster subnet the module created.";
    prereq_subnet_cidr_override: String = String::new(); 6, Network, Guarded("a subnet's range cannot change"), High, NotConverged, "Range of a network the module created.";
    prereq_gke_pod_cidr_override: String = String::new(); 6, Network, Guarded("a cluster's ranges cannot change"), High, NotConverged, "Pod range of a cluster the module created.";
    prereq_gke_service_cidr_override: String = String::new(); 6, Network, Guarded("a cluster's ranges cannot change"), High, NotConverged, "Service range of a cluster the module created.";
    prereq_gke_master_cidr_override: String = String::new(); 6, Network, Guarded("a cluster's ranges cannot change"), High, NotConverged, "Control-plane range of a cluster the module created.";
    gke_service_account: String = String::new(); 6, Project, Mutable, Medium, Converged, "E-mail of an existing workload service account instead of the created one.";

    // --- 7: StatefulSet ---
    stateful_pvc_enabled: Option<bool> = None; 7, Workload, Guarded("volumes stay behind when it is switched off"), High, Converged, "A volume per API pod; selects StatefulSet.";
    stateful_pvc_size: String = "10Gi".into(); 7, Workload, Guarded("a volume can only grow"), High, Converged, "Size of each volume.";
    stateful_pvc_mount_path: String = "/data".into(); 7, Workload, Mutable, High, Converged, "Path of the volume in the container.";
    stateful_pvc_storage_class: String = "standard-rwo".into(); 7, Workload, Immutable("a volume's class cannot change"), High, Converged, "StorageClass of the volumes.";
    stateful_headless_service: Option<bool> = None; 7, Workload, Mutable, Low, Converged, "A headless Service; yes for a StatefulSet when empty.";
    stateful_pod_management_policy: Option<String> = None; 7, Workload, Mutable, Low, Converged, "OrderedReady (default) or Parallel.";
    stateful_update_strategy: Option<String> = None; 7, Workload, Mutable, Low, Converged, "RollingUpdate (default) or OnDelete.";
    stateful_fs_group: i64 = 0; 7, Workload, Mutable, Low, Converged, "Group that owns the volumes; 0 leaves it unset.";

    // --- 8: resource quota ---
    enable_resource_quota: bool = false; 8, Cluster, Mutable, High, Converged, "Limit what the namespace may use.";
    quota_cpu_requests: String = String::new(); 8, Cluster, Mutable, High, Converged, "Sum of CPU requests; empty means no limit.";
    quota_cpu_limits: String = String::new(); 8, Cluster, Mutable, High, Converged, "Sum of CPU limits; empty means no limit.";
    quota_memory_requests: String = String::new(); 8, Cluster, Mutable, Critical, Converged, "Sum of memory requests, with a binary suffix.";
    quota_memory_limits: String = String::new(); 8, Cluster, Mutable, Critical, Converged, "Sum of memory limits, with a binary suffix.";
    quota_max_pods: String = String::new(); 8, Cluster, Mutable, Medium, Converged, "Most pods.";
    quota_max_services: String = String::new(); 8, Cluster, Mutable, Medium, Converged, "Most Services.";
    quota_max_pvcs: String = String::new(); 8, Cluster, Mutable, Medium, Converged, "Most volume claims.";

    // --- 9: reliability ---
    enable_topology_spread: bool = false; 9, Workload, Mutable, Medium, Converged, "Spread API pods over zones and nodes.";
    topology_spread_strict: bool = false; 9, Workload, Mutable, Medium, Converged, "Do not schedule rather than put two pods in one zone.";

    // --- 10: observability ---
    startup_probe_config: Probe = Probe { enabled: Some(true), ..Default::default() }; 10, Workload, Mutable, Medium, Converged, "Startup probe; wins for the fields it sets.";
    health_check_config: Probe = Probe { enabled: Some(true), ..Default::default() }; 10, Workload, Mutable, Medium, Converged, "Liveness and readiness probe; wins for the fields it sets.";
    uptime_check_config: UptimeCheck = UptimeCheck { enabled: false, path: Some("/health".into()), ..Default::default() }; 10, Observability, Mutable, Low, NotConverged, "Uptime check from outside.";
    alert_policies: Vec<AlertPolicy> = vec![]; 10, Observability, Mutable, Low, NotConverged, "Alert policies.";

    // --- 11: jobs and extra services ---
    initialization_jobs: Vec<InitializationJob> = vec![]; 11, Migration, Mutable, High, Converged, "Jobs that prepare the deployment; the built-in db-init always runs first.";
    cron_jobs: Vec<CronJob> = vec![]; 11, Workload, Mutable, Medium, Converged, "CronJobs beside Dify.";
    additional_services: Vec<AdditionalService> = vec![]; 11, Workload, Mutable, Medium, Converged, "Further services beside Dify.";

    // --- 12: CI/CD ---
    enable_cicd_trigger: bool = false; 12, Delivery, Mutable, Medium, NotConverged, "Build on a push to the repository.";
    github_repository_url: String = String::new(); 12, Delivery, Mutable, Medium, NotConverged, "Repository, https://github.com/ORG/REPO.";
    github_token: Sensitive = Default::default(); 12, Delivery, Mutable, Critical, NotConverged, "GitHub token for the connection.";
    github_app_installation_id: String = String::new(); 12, Delivery, Mutable, Medium, NotConverged, "Installation id of the GitHub App.";
    cicd_trigger_config: CicdTriggerConfig = CicdTriggerConfig { branch_pattern: Some("^main$".into()), ..Default::default() }; 12, Delivery, Mutable, Medium, NotConverged, "What starts a build.";
    enable_cloud_deploy: bool = false; 12, Delivery, Guarded("it moves the workload to another owner"), High, Converged, "Promote through a Cloud Deploy pipeline: the rollout that succeeded last for the stage decides the digest, and the reconciler writes it; the pipeline itself is not made.";
    cloud_deploy_stages: Vec<CloudDeployStage> = default_stages(); 12, Delivery, Mutable, High, Converged, "Stages of the pipeline, in order; the target of the own stage is read, `PREFIX-STAGE` when it names none.";
    gateway_backend_stage: String = "dev".into(); 12, Delivery, Mutable, Medium, Converged, "Stage that this deployment is, and that the front door serves.";
    enable_binary_authorization: bool = false; 12, Images, Mutable, High, Converged, "Admit only images that attestors vouch for: a rule for the deployment's own accounts in the project's policy. Turned off, the rule stays: it is never made weaker.";
    binauthz_evaluation_mode: String = "ALWAYS_ALLOW".into(); 12, Images, Guarded("a stricter mode can block every pod of the deployment"), Critical, Converged, "ALWAYS_ALLOW (no rule), REQUIRE_ATTESTATION (blocks once every image is attested, and logs until then) or ALWAYS_DENY (logs only).";

    // --- 13: NFS ---
    enable_nfs: bool = true; 13, Nfs, Mutable, High, Converged, "A small VM with an NFS share and Redis.";
    nfs_mount_path: String = "/mnt/nfs".into(); 13, Workload, Mutable, High, Converged, "Path of the share in the containers that mount it.";
    nfs_volume_name: String = "nfs-data-volume".into(); 13, Workload, Mutable, Low, Converged, "Volume name of the share.";
    nfs_instance_name: String = String::new(); 13, Nfs, Guarded("another server has other data"), High, Converged, "Name of an existing NFS VM; discovered or created when empty.";
    nfs_instance_base_name: String = "app-nfs".into(); 13, Nfs, Immutable("it is part of the VM's name"), Medium, Converged, "Name stem of a created VM.";

    // --- 14: storage and registry ---
    create_cloud_storage: bool = true; 14, Storage, Mutable, Medium, Converged, "Create the buckets of storage_buckets; Dify's own exist always.";
    storage_buckets: Vec<StorageBucket> = vec![StorageBucket { name_suffix: "data".into(), ..Default::default() }]; 14, Storage, Mutable, High, Converged, "Further buckets.";
    gcs_volumes: Vec<GcsVolume> = vec![]; 14, Workload, Mutable, Medium, Converged, "Buckets mounted as directories.";
    manage_storage_kms_iam: bool = false; 14, Storage, Guarded("objects become unreadable when the key goes"), High, NotConverged, "Encrypt buckets with an own key.";
    enable_artifact_registry_cmek: bool = false; 14, Images, Immutable("a repository's key is fixed at creation"), High, NotConverged, "Encrypt the image repository with an own key.";
    max_images_to_retain: u32 = 7; 14, Images, Mutable, Medium, Converged, "Newest images kept; 0 switches the rule off.";
    delete_untagged_images: bool = true; 14, Images, Mutable, Low, Converged, "Delete images without a tag.";
    image_retention_days: u32 = 30; 14, Images, Mutable, Medium, Converged, "Days after which images go; 0 switches the rule off.";
    startup_probe: Probe = startup_probe_default(); 14, Workload, Mutable, Medium, Converged, "Startup probe of the API.";
    liveness_probe: Probe = liveness_probe_default(); 14, Workload, Mutable, Medium, Converged, "Liveness probe of the API.";

    // --- 16: database ---
    db_name: String = "dify_db".into(); 16, Database, Immutable("another name means an empty database"), Critical, Converged, "Stem of the database's name.";
    db_user: String = "dify_user".into(); 16, Database, Immutable("another name means another owner"), Critical, Converged, "Stem of the owner role and the two login roles.";
    database_password_length: u32 = 32; 16, Secrets, Mutable, Low, Converged, "Length of generated database passwords, used at creation.";
    enable_auto_password_rotation: bool = false; 16, Secrets, Mutable, High, Converged, "Rotate the database password by its age, without downtime.";
    rotation_propagation_delay_sec: u32 = 90; 16, Secrets, Mutable, High, Converged, "Seconds between the rollout's end and the old credential's; never less than a pod may take to stop.";
    database_type: String = "POSTGRES_15".into(); 16, Database, Guarded("another engine means another instance"), Critical, Converged, "Engine of a created instance; PostgreSQL only.";
    sql_instance_name: String = String::new(); 16, Database, Guarded("another instance has other data"), Critical, Converged, "Name of an existing Cloud SQL instance; created when empty.";
    sql_instance_base_name: String = "app-sql".into(); 16, Database, Immutable("it is part of the instance's name"), Critical, Converged, "Name stem of a created instance.";
    enable_postgres_extensions: bool = true; 16, Database, Mutable, High, Converged, "Extensions are made by db-init; vector and uuid-ossp always.";
    postgres_extensions: Vec<String> = vec!["vector".into()]; 16, Database, Mutable, High, Converged, "Further extensions.";
    enable_mysql_plugins: bool = false; 16, Database, Mutable, Low, NoEffect, "PostgreSQL only.";
    mysql_plugins: Vec<String> = vec![]; 16, Database, Mutable, Low, NoEffect, "PostgreSQL only.";
    db_password_env_var_name: String = String::new(); 16, Workload, Mutable, Low, Converged, "Further variable that carries the database password.";
    db_host_env_var_name: String = String::new(); 16, Workload, Mutable, Low, Converged, "Further variable that carries the database host.";
    db_user_env_var_name: String = String::new(); 16, Workload, Mutable, Low, Converged, "Further variable that carries the database user.";
    db_name_env_var_name: String = String::new(); 16, Workload, Mutable, Low, Converged, "Further variable that carries the database name.";
    db_port_env_var_name: String = String::new(); 16, Workload, Mutable, Low, Converged, "Further variable that carries the database port.";

    // --- 17, 18: backup, custom SQL ---
    backup_schedule: String = "0 2 * * *".into(); 17, Backup, Mutable, High, Converged, "Five-field cron of backups, UTC; empty switches them off, also those before a migration.";
    backup_retention_days: u32 = 7; 17, Backup, Mutable, High, Converged, "Days a backup is kept.";
    enable_backup_import: bool = false; 17, Backup, Guarded("an import overwrites live data"), Critical, Converged, "Import a backup, once per request.";
    backup_source: String = "gcs".into(); 17, Backup, Mutable, Medium, Converged, "gcs or gdrive.";
    backup_uri: String = String::new(); 17, Backup, Mutable, High, Converged, "What to import: gs:// address, object of the backup bucket, or Drive file id. Alias: backup_file.";
    backup_format: String = "sql".into(); 17, Backup, Mutable, Medium, Converged, "sql, tar, gz, tgz, tar.gz, zip or auto.";
    enable_custom_sql_scripts: bool = false; 18, Migration, Mutable, Medium, NotConverged, "Run SQL scripts from a bucket.";
    custom_sql_scripts_bucket: String = String::new(); 18, Migration, Mutable, Medium, NotConverged, "Bucket of the scripts, without gs://.";
    custom_sql_scripts_path: String = String::new(); 18, Migration, Mutable, Medium, NotConverged, "Prefix of the scripts.";
    custom_sql_scripts_use_root: bool = false; 18, Migration, Mutable, High, NotConverged, "Run them as the instance's administrator.";

    // --- 19: domain and network ---
    enable_custom_domain: bool = false; 19, Exposure, Mutable, High, Converged, "Serve the domains of application_domains with a managed certificate.";
    application_domains: Vec<String> = vec![]; 19, Exposure, Mutable, High, Converged, "Domains, the first being the canonical one.";
    reserve_static_ip: bool = true; 19, Exposure, Mutable, Critical, Converged, "Reserve the front door's address.";
    static_ip_name: String = String::new(); 19, Exposure, Guarded("another address breaks DNS"), High, Converged, "Name of the reserved address; derived when empty.";
    network_tags: Vec<String> = vec!["nfsserver".into()]; 19, Network, Mutable, Low, NoEffect, "Node tags; Autopilot nodes of an existing cluster cannot be tagged.";
    network_name: String = String::new(); 19, Network, Guarded("another network means other addresses"), High, Converged, "Network; discovered when empty.";

    // --- 20: IAP; 21: Armor, CDN, Redis ---
    enable_iap: bool = false; 20, Perimeter, Mutable, Critical, NotConverged, "Ask for a Google sign-in before the front door.";
    iap_authorized_users: Vec<String> = vec![]; 20, Perimeter, Mutable, High, NotConverged, "Who may enter: e-mail addresses, with or without user: before them.";
    iap_authorized_groups: Vec<String> = vec![]; 20, Perimeter, Mutable, High, NotConverged, "Groups that may enter, with or without group: before them.";
    iap_oauth_client_id: Sensitive = Default::default(); 20, Perimeter, Mutable, Critical, NotConverged, "OAuth client id.";
    iap_oauth_client_secret: Sensitive = Default::default(); 20, Perimeter, Mutable, Critical, NotConverged, "OAuth client secret.";
    iap_support_email: String = String::new(); 20, Perimeter, Mutable, Medium, NotConverged, "Address on the consent screen.";
    enable_cloud_armor: bool = false; 21, Perimeter, Mutable, High, NotConverged, "Put a web application firewall before the front door.";
    admin_ip_ranges: Vec<String> = vec![]; 21, Perimeter, Mutable, Medium, NotConverged, "Ranges the firewall always lets in.";
    cloud_armor_policy_name: String = "default-waf-policy".into(); 21, Perimeter, Mutable, Medium, NotConverged, "An existing policy to attach.";
    enable_cdn: bool = false; 21, Exposure, Mutable, Medium, NotConverged, "Cache static content.";
    enable_redis: bool = true; 21, Nfs, Mutable, Critical, Converged, "Dify cannot run without Redis.";
    redis_host: String = String::new(); 21, Workload, Mutable, Critical, Converged, "Host or address of Redis; the NFS VM when empty.";
    redis_port: String = "6379".into(); 21, Workload, Mutable, Critical, Converged, "Port of Redis.";
    redis_auth: Sensitive = Default::default(); 21, Secrets, Mutable, Critical, Converged, "Password of a Redis given by redis_host; generated for the VM's own.";

    // --- 22: perimeter ---
    enable_vpc_sc: bool = false; 22, Perimeter, Mutable, Critical, NotConverged, "Put the project into a service perimeter.";
    vpc_cidr_ranges: Vec<String> = vec![]; 22, Perimeter, Mutable, Medium, NotConverged, "Ranges of the perimeter's network access level.";
    vpc_sc_dry_run: bool = true; 22, Perimeter, Guarded("enforcing blocks calls at once"), Critical, NotConverged, "Log what the perimeter would block instead of blocking it.";
    organization_id: String = String::new(); 22, Perimeter, Mutable, High, NotConverged, "Organisation of the access policy.";
    enable_audit_logging: bool = false; 22, Perimeter, Mutable, Low, NotConverged, "Detailed audit logs of the project.";

    // --- 30: what today's Dify needs and the module lacks ---
    worker: Component = Default::default(); 30, Workload, Mutable, High, Converged, "Celery worker: indexing, mail, asynchronous workflows. Enabled, 1 replica.";
    beat: Component = Default::default(); 30, Workload, Mutable, High, Converged, "Celery beat: schedules and timeouts. Enabled, exactly 1 replica.";
    web: Component = Default::default(); 30, Workload, Mutable, High, Converged, "The web front end. Enabled, 1 replica.";
    plugin_daemon: Component = Default::default(); 30, Workload, Mutable, Critical, Converged, "Plugin daemon: models and tools. Enabled, 1 replica.";
    sandbox: Component = Default::default(); 30, Workload, Mutable, High, Converged, "Code execution sandbox. Enabled, 1 replica.";
    ssrf_proxy: Component = Default::default(); 30, Workload, Mutable, High, Converged, "Proxy that keeps user code off the private network. Enabled, 1 replica.";
    api_websocket: Component = Default::default(); 30, Workload, Mutable, Low, Converged, "Websocket server of live collaboration. Disabled.";
    agent_backend: Component = Default::default(); 30, Workload, Mutable, Medium, Converged, "Agent v2 (1.16 and later). Disabled.";
    storage_mount_nfs: bool = false; 30, Workload, Mutable, Low, Converged, "Mount the NFS share into the API and worker pods too; Dify itself writes nothing there.";
    image_policy: ImagePolicy = Default::default(); 30, Images, Mutable, High, Converged, "Whether a moved tag of the API and web images is rolled out: pin (default) or follow, the tag or a range of releases, by itself or approved, after a soak time, built by a trigger. An unhealthy one goes back by itself.";
    delivery_pipeline: String = String::new(); 30, Delivery, Mutable, Medium, Converged, "Cloud Deploy pipeline that decides the image with enable_cloud_deploy: its name in the region, or its full name; named like the deployment when empty.";
    acknowledge: Vec<String> = vec![]; 30, Project, Mutable, Critical, Converged, "Names of guarded variables whose change is meant; take them out again afterwards.";
    deletion_policy: String = "retain".into(); 30, Project, Mutable, Critical, Converged, "What happens when the spec is withdrawn: retain, orphan or destroy.";
}

fn default_stages() -> Vec<CloudDeployStage> {
    ["dev", "staging", "prod"]
        .into_iter()
        .map(|name| CloudDeployStage {
            name: name.into(),
            require_approval: Some(name == "prod"),
            auto_promote: Some(false),
            ..Default::default()
        })
        .collect()
}

fn startup_probe_default() -> Probe {
    Probe { period_seconds: Some(10), failure_threshold: Some(30), ..health_probe() }
}

fn liveness_probe_default() -> Probe {
    Probe { period_seconds: Some(30), failure_threshold: Some(3), ..health_probe() }
}

fn health_probe() -> Probe {
    Probe {
        enabled: Some(true),
        kind: Some("HTTP".into()),
        path: Some("/health".into()),
        initial_delay_seconds: Some(30),
        timeout_seconds: Some(10),
        ..Default::default()
    }
}
