//! The project that every stage plays in: its spec, its worker's environment, its buckets.

use std::path::PathBuf;

use dify_reconciler::cloud::Cloud;
use dify_reconciler::config::{AuthMode, Config, LogFormat, NotifyConfig};
use dify_reconciler::plan::{Body, GoogleRequest, Method};
use dify_reconciler::resources::Document;

/// A spec that says as little as possible.
pub const MINIMAL: &str = "project_id: demo-project\n";

/// A worker's environment: the embedded Google Cloud at `base`, and a cluster by its kubeconfig or by discovery.
pub fn config(base: &str, kubeconfig: Option<PathBuf>) -> Config {
    Config {
        project_id: "demo-project".into(),
        spec_bucket: "specs".into(),
        state_bucket: "state".into(),
        queue: "projects/demo-project/locations/us-central1/queues/dify".into(),
        service_url: None,
        tasks_service_account: String::new(),
        event_service_accounts: Vec::new(),
        endpoint_base: Some(base.parse().expect("an address")),
        kubeconfig,
        auth_mode: AuthMode::Verify,
        jwks_url: None,
        port: 0,
        log: "warn".into(),
        log_format: LogFormat::Text,
        otlp_endpoint: None,
        notify: NotifyConfig::default(),
        rotation_topic: String::new(),
        pubsub_emulator: String::new(),
    }
}

/// Makes a bucket in the project.
pub async fn make_bucket(cloud: &Cloud, name: &str) {
    let request = GoogleRequest {
        method: Method::Post,
        host: "storage.googleapis.com",
        path: "storage/v1/b".into(),
        query: vec![("project", "demo-project".into())],
        body: Body::Document(Document::new(serde_json::json!({ "name": name }))),
        method_id: "storage.buckets.insert",
    };
    cloud.google.call(&request).await.expect("a bucket is made");
}
