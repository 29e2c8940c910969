//! The objects of a deployment, as documents that can be written anywhere.

use dify_reconciler::cloud::Kubernetes;
use dify_reconciler::resources::kubernetes::{self, Kind, driver};
use dify_reconciler::resources::{Desired, Document, Kind as AnyKind};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::stage::Stage;

/// Calls at once, as many as the reconciler itself has under way.
const SIDE_BY_SIDE: usize = 16;

/// Documents of one namespace, the namespace's own apart: it has to be there first.
pub struct Objects {
    namespace: String,
    documents: Vec<(Kind, Value)>,
}

impl Objects {
    /// Those of a converged deployment.
    pub async fn of(stage: &Stage<'_>) -> Self {
        let (scene, seen, _) = stage.look().await;
        let declared = kubernetes::declare(&scene.context(&seen)).into_iter();
        let documents = declared.filter_map(|declared| match (declared.desired, declared.id.kind) {
            (Desired::Ready(document), AnyKind::Kubernetes(kind)) => Some((kind, document.wire().clone())),
            _ => None,
        });
        Self { namespace: stage.namespace().await, documents: documents.collect() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// The same in another namespace.
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let renamed = |(kind, document): &(Kind, Value)| {
            let mut document = document.clone();
            match kind {
                Kind::Namespace => document["metadata"]["name"] = namespace.into(),
                _ => document["metadata"]["namespace"] = namespace.into(),
            }
            (*kind, document)
        };
        Self { namespace: namespace.to_owned(), documents: self.documents.iter().map(renamed).collect() }
    }

    /// Writes them all as the reconciler does: server-side apply, the namespace first, the rest side by side.
    pub async fn apply(&self, client: &Kubernetes) {
        for first in [true, false] {
            let turn = self.documents.iter().filter(|(kind, _)| (*kind == Kind::Namespace) == first);
            let calls = turn.map(|(kind, document)| async move {
                let name = document["metadata"]["name"].as_str().expect("a name");
                let namespace = if *kind == Kind::Namespace { "" } else { &self.namespace };
                let document = Document::new(document.clone());
                client.apply(*kind, namespace, name, &document, None).await.expect("the object is written");
            });
            stream::iter(calls.collect::<Vec<_>>()).buffered(SIDE_BY_SIDE).collect::<Vec<()>>().await;
        }
    }

    /// How many differ from what is there: listed and compared, as each look of the reconciler does.
    pub async fn differing(&self, client: &Kubernetes) -> usize {
        let listings = futures::future::join_all(Kind::ALL.into_iter().map(|kind| async move {
            (
                kind,
                client.list(kind, &self.namespace, "").await.expect("it can be listed").unwrap_or_default(),
            )
        }));
        let listings = listings.await;
        let differs = |(kind, document): &&(Kind, Value)| {
            let listed = listings.iter().find(|(other, _)| other == kind).map(|(_, listed)| listed);
            let name = document.pointer("/metadata/name");
            let seen = listed.into_iter().flatten().find(|seen| seen.pointer("/metadata/name") == name);
            seen.is_none_or(|seen| !driver::compare(*kind, &Document::new(document.clone()), seen).is_empty())
        };
        self.documents.iter().filter(differs).count()
    }

    /// A directory with one manifest each, and what kpt needs to take it as a package.
    pub fn package(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a directory");
        for (number, (kind, document)) in self.documents.iter().enumerate() {
            let mut manifest = document.clone();
            let api = kind.api();
            let group = if api.group.is_empty() { String::new() } else { format!("{}/", api.group) };
            manifest["apiVersion"] = format!("{group}{}", api.version).into();
            manifest["kind"] = api.kind.into();
            let text = serde_json::to_string_pretty(&manifest).expect("an object is JSON");
            // JSON is YAML. The namespace comes first.
            std::fs::write(folder.path().join(format!("{number:03}.yaml")), text).expect("a manifest");
        }
        let kptfile = json!({"apiVersion": "kpt.dev/v1", "kind": "Kptfile", "metadata": {"name": "bench"}});
        std::fs::write(folder.path().join("Kptfile"), kptfile.to_string()).expect("a Kptfile");
        folder
    }
}
