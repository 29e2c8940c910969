//! The namespace.

use k8s_openapi::api::core::v1::Namespace;

use crate::resources::Declared;
use crate::slice::Slice;

use super::Kind;
use super::scope::Scope;
use super::stamp;
use super::waits::Waits;

/// The label by which the managed service mesh adds its sidecars (revision label of Anthos Service Mesh).
const MESH: (&str, &str) = ("istio.io/rev", "asm-managed");

/// The namespace that everything lives in.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    let name = &scope.namespace;
    let mut metadata = stamp::metadata(scope.names(), scope.spec(), "", name, "namespace");
    if scope.spec().configure_service_mesh {
        let labels = metadata.labels.get_or_insert_default();
        labels.insert(MESH.0.to_owned(), MESH.1.to_owned());
    }
    let body = Namespace { metadata, ..Default::default() };
    vec![scope.declare(Kind::Namespace, name, Slice::Cluster, vec![], &Waits::default(), &body)]
}
