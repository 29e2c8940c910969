//! Somebody else in the cluster: another client, under another name.

use std::collections::BTreeMap;
use std::path::Path;

use dify_reconciler::resources::kubernetes::Kind;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

/// Whose fields the edits become.
const MANAGER: &str = "somebody-else";

/// A client that is not ours.
#[derive(Clone)]
pub struct Foreign {
    client: kube::Client,
}

impl Foreign {
    /// The administrator of a kubeconfig.
    pub async fn new(kubeconfig: &Path) -> Self {
        let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await;
        Self { client: kube::Client::try_from(config.expect("a kubeconfig")).expect("a client") }
    }

    fn api(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        let about = kind.api();
        let gvk = GroupVersionKind::gvk(about.group, about.version, about.kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, about.plural);
        match about.namespaced {
            true => Api::namespaced_with(self.client.clone(), namespace, &resource),
            false => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// An object, if it is there.
    pub async fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        let found = self.api(kind, namespace).get_opt(name).await.expect("the cluster answers");
        found.map(|object| serde_json::to_value(object).expect("an object is JSON"))
    }

    /// All objects of a kind in a namespace.
    pub async fn list(&self, kind: Kind, namespace: &str) -> Vec<Value> {
        let found = self.api(kind, namespace).list(&ListParams::default()).await;
        let found = found.unwrap_or_else(|error| panic!("{} list: {error}", kind.name()));
        found.items.iter().map(|object| serde_json::to_value(object).expect("an object is JSON")).collect()
    }

    /// Makes an object.
    pub async fn create(&self, kind: Kind, namespace: &str, body: Value) -> Value {
        let object: DynamicObject = serde_json::from_value(body).expect("an object");
        let made = self.api(kind, namespace).create(&PostParams::default(), &object).await;
        serde_json::to_value(made.expect("the object is made")).expect("an object is JSON")
    }

    /// Changes an object.
    pub async fn edit(&self, kind: Kind, namespace: &str, name: &str, patch: Value) -> Value {
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..Default::default() };
        let edited = self.api(kind, namespace).patch(name, &params, &Patch::Merge(&patch)).await;
        let edited = edited.unwrap_or_else(|error| panic!("{} {name}: {error}", kind.name()));
        serde_json::to_value(edited).expect("an object is JSON")
    }

    /// Writes an object's status, as its controller does.
    pub async fn report(&self, kind: Kind, object: &Value, status: Value) {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let patch = serde_json::json!({ "status": status });
        let api = self.api(kind, text("namespace"));
        match api.patch_status(text("name"), &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(_) => {}
            // It has been removed meanwhile.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{} {}: {error}", kind.name(), text("name")),
        }
    }

    /// Version of every object of a namespace, and of the namespace, by kind and name.
    pub async fn versions(&self, namespace: &str) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        for kind in Kind::ALL {
            let objects = match kind {
                Kind::Namespace => self.get(kind, "", namespace).await.into_iter().collect(),
                _ => self.list(kind, namespace).await,
            };
            for object in objects {
                let text = |field: &str| object["metadata"][field].as_str().expect("it has one");
                let name = format!("{} {}", kind.name(), text("name"));
                versions.insert(name, text("resourceVersion").to_owned());
            }
        }
        versions
    }
}
