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

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn the_mesh_is_a_label_on_it() {
        let plain = World::default_set().body(Kind::Namespace, "");
        assert!(plain["metadata"]["labels"][MESH.0].is_null());
        let meshed = World::of(Spec { configure_service_mesh: true, ..Spec::default() });
        assert_eq!(meshed.body(Kind::Namespace, "")["metadata"]["labels"][MESH.0], MESH.1);
    }
}
