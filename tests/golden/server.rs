//! A real API server takes every document, keeps it as it is written, and sees no change in a second
//! writing. Without the server's binaries these tests are skipped (see `support`).

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use super::fixture::World;
use super::library::resources::kubernetes::{Kind, driver};
use super::library::resources::{Desired, Document, Kind as AnyKind, ResourceId};
use super::library::spec::Spec;
use super::support::{self, ApiServer};
use super::transitions::everything;

/// The server with the kinds that GKE adds to it.
fn server() -> Option<&'static ApiServer> {
    let server = support::apiserver_or_skip()?;
    let folders = ["gateway-api-standard-v1.3.0", "gke-gateway", "vpa"].map(support::crd_folder);
    let folders: Vec<_> = folders.into_iter().collect::<Result<_, _>>().ok()?;
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        support::apply_crds(server, &folders);
    });
    Some(server)
}

fn api(client: &kube::Client, kind: Kind, namespace: &str) -> Api<DynamicObject> {
    let about = kind.api();
    let gvk = GroupVersionKind::gvk(about.group, about.version, about.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, about.plural);
    match about.namespaced {
        true => Api::namespaced_with(client.clone(), namespace, &resource),
        false => Api::all_with(client.clone(), &resource),
    }
}

async fn write(client: &kube::Client, id: &ResourceId, kind: Kind, document: &Document) -> Value {
    let params = PatchParams::apply("dify-reconciler").force();
    let objects = api(client, kind, id.namespace());
    let written = objects.patch(id.short_name(), &params, &Patch::Apply(document.wire())).await;
    let written = written.unwrap_or_else(|error| panic!("{id}: {error}\n{document:?}"));
    serde_json::to_value(written).expect("an object is JSON")
}

fn documents(world: &World) -> Vec<(ResourceId, Kind, Document)> {
    world
        .declared()
        .into_iter()
        .map(|declared| match (declared.id.kind, declared.desired) {
            (AnyKind::Kubernetes(kind), Desired::Ready(document)) => (declared.id, kind, document),
            (_, other) => panic!("{} is {other:?}", declared.id),
        })
        .collect()
}

/// An object without what a writing counts up. (A default status, as claims and Gateways have one, is
/// stored with the second writing only, under a new version.)
fn content(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
        metadata.remove("managedFields");
    }
    object
}

fn holds(name: &str, spec: Spec) {
    let Some(server) = server() else { return };
    let world = World::of(Spec { namespace_name: name.into(), ..spec });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = server.client().await;
        for (id, kind, document) in documents(&world) {
            let first = write(&client, &id, kind, &document).await;
            let changes = driver::compare(kind, &document, &first);
            assert!(changes.is_empty(), "{id} was stored otherwise: {changes:?}");
            let second = write(&client, &id, kind, &document).await;
            assert_eq!(content(first), content(second), "{id}: a second writing changed something");
        }
    });
}

#[test]
fn the_default_deployment_is_taken() {
    holds("taken-default", Spec::default());
}

#[test]
fn a_deployment_with_everything_is_taken() {
    holds("taken-everything", everything());
}

#[test]
fn a_deployment_without_proxy_and_front_door_is_taken() {
    let spec = Spec {
        enable_cloudsql_volume: false,
        service_type: "ClusterIP".into(),
        enable_vertical_pod_autoscaling: true,
        ..Spec::default()
    };
    holds("taken-inside", spec);
}

#[test]
fn what_is_taken_back_goes_and_what_others_added_stays() {
    let Some(server) = server() else { return };
    let with = |variables: Value| {
        let mut spec = Spec { namespace_name: "taken-back".into(), ..Spec::default() };
        spec.set("environment_variables", variables).expect("a variable").expect("a map");
        World::of(spec)
    };
    let (before, after) = (with(json!({"EXTRA": "1", "KEPT": "1"})), with(json!({"KEPT": "2"})));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = server.client().await;
        let find = |world: &World, kind: Kind, suffix: &str| {
            let all = documents(world);
            all.into_iter()
                .find(|(id, other, _)| *other == kind && id.name.ends_with(suffix))
                .expect("declared")
        };
        let (id, kind, namespace) = find(&before, Kind::Namespace, "");
        write(&client, &id, kind, &namespace).await;
        let (id, kind, document) = find(&before, Kind::ConfigMap, "-api-env");
        write(&client, &id, kind, &document).await;
        let theirs = json!({"data": {"THEIRS": "1"}});
        let objects = api(&client, kind, id.namespace());
        let patch = objects.patch(id.short_name(), &PatchParams::default(), &Patch::Merge(&theirs)).await;
        let seen = serde_json::to_value(patch.expect("a patch")).expect("JSON");

        let (_, _, document) = find(&after, Kind::ConfigMap, "-api-env");
        let changes = driver::compare(kind, &document, &seen);
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["/data/KEPT", "/metadata/annotations/dify-reconciler~1applied"]);
        let stored = write(&client, &id, kind, &document).await;
        assert_eq!(stored["data"]["EXTRA"], Value::Null);
        assert_eq!(stored["data"]["KEPT"], "2");
        assert_eq!(stored["data"]["THEIRS"], "1");
    });
}
