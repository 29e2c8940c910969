//! How the server behaves, through `kube`.

mod apply;
mod crud;
mod faults;
mod gateway;
mod persistence;
mod validation;
mod watch;
mod workloads;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Client, Config, Error};
use serde_json::{Value, json};

use super::{Delays, Options, Server, kinds};
use crate::embedded::clock::Clock;

/// A server whose clock stands still, and a namespace in it.
struct World {
    server: Server,
    clock: Clock,
    client: Client,
}

const NS: &str = "default";

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a time"));
        let mut options = Options::new(clock.clone(), Delays::default());
        change(&mut options);
        let server = Server::start(options).expect("a server");
        let mut config = Config::new(server.url().parse().expect("a URL"));
        config.default_retry = false;
        config.auth_info.token = Some("token".to_owned().into());
        let client = Client::try_from(config).expect("a client");
        Self { server, clock, client }
    }

    fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), NS)
    }

    fn api(&self, kind: &str) -> Api<DynamicObject> {
        let kind = kinds::by_name(kind).expect("served");
        let of = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
        Api::namespaced_with(self.client.clone(), NS, &ApiResource::from_gvk_with_plural(&of, kind.plural))
    }

    /// Applies a document as `manager`.
    async fn apply(&self, manager: &str, document: Value) -> Result<Value, Error> {
        self.apply_with(PatchParams::apply(manager), document).await
    }

    async fn apply_with(&self, params: PatchParams, document: Value) -> Result<Value, Error> {
        let kind = document["kind"].as_str().expect("a kind").to_owned();
        let name = document["metadata"]["name"].as_str().expect("a name").to_owned();
        let stored = self.api(&kind).patch(&name, &params, &Patch::Apply(document)).await?;
        Ok(serde_json::to_value(stored).expect("JSON"))
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn deployment(containers: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": {
        "selector": {"matchLabels": {"app": "api"}},
        "template": {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": containers}}}})
}

fn job(name: &str) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "main", "image": "dify-api:1.0"}]}}}})
}

/// The status of a refusal: its code, reason and message.
fn refusal(error: &Error) -> (u16, String, String) {
    match error {
        Error::Api(status) => (status.code, status.reason.clone(), status.message.clone()),
        other => panic!("no refusal, but {other}"),
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().expect("conditions");
    conditions.iter().find(|one| one["type"] == kind).unwrap_or(&Value::Null)
}
