//! Single writes, through our client.

use dify_reconciler::error::{CloudError, Disposition};
use dify_reconciler::resources::kubernetes::{Kind, driver};
use dify_reconciler::resources::{Desired, Document, Kind as AnyKind, ResourceId};
use dify_reconciler::spec::Spec;
use serde_json::{Value, json};

use crate::clusters::Cluster;
use crate::controllers;
use crate::fixture::World;
use crate::specs;

pub async fn the_default_deployment_is_taken_and_kept_as_written(cluster: Cluster) {
    is_taken(&cluster, "taken-default", Spec::default()).await;
}

pub async fn a_deployment_with_everything_is_taken_and_kept_as_written(cluster: Cluster) {
    is_taken(&cluster, "taken-everything", specs::everything()).await;
}

pub async fn a_stateful_deployment_is_taken_and_kept_as_written(cluster: Cluster) {
    is_taken(&cluster, "taken-stateful", specs::stateful()).await;
}

/// Our client always asks for strict validation.
async fn is_taken(cluster: &Cluster, namespace: &str, spec: Spec) {
    let world = World::of(Spec { namespace_name: namespace.into(), ..spec });
    for (id, kind, document) in documents(&world) {
        let first = apply(cluster, &id, kind, &document, None).await;
        let first = first.unwrap_or_else(|error| panic!("{id}: {error}\n{document:?}"));
        let changes = driver::compare(kind, &document, &first);
        assert!(changes.is_empty(), "{id} was stored otherwise: {changes:?}");
        let second = apply(cluster, &id, kind, &document, version(&first)).await;
        let second = second.unwrap_or_else(|error| panic!("{id}, again: {error}"));
        assert_eq!(content(first), content(second), "{id}: a second writing changed something");
        if kind == Kind::ResourceQuota {
            controllers::play(&cluster.theirs, namespace).await;
        }
    }
}

fn documents(world: &World) -> Vec<(ResourceId, Kind, Document)> {
    let declared = world.declared().into_iter();
    declared
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

/// Both servers blame themselves for it; we must not try again all the same.
fn is_for_good(error: &CloudError) {
    assert_eq!((error.status(), error.disposition()), (Some(500), Disposition::Terminal), "{error}");
}

pub async fn a_field_that_a_kind_does_not_have_is_refused(cluster: Cluster) {
    let deployment = json!({"spec": {"nonsense": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {
        "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
    let gateway = json!({"spec": {"nonsense": 1, "gatewayClassName": "c",
        "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}});
    let namespace = made(&cluster, "unknown-field").await;
    for (kind, body) in [(Kind::Deployment, deployment), (Kind::Gateway, gateway)] {
        let mut good = body.clone();
        good["spec"].as_object_mut().expect("an object").remove("nonsense");
        let error = write(&cluster, kind, &namespace, "one", body, None).await.expect_err("it is refused");
        is_for_good(&error);
        assert!(error.message.contains("nonsense"), "the field is named: {error}");
        assert_eq!(cluster.theirs.get(kind, &namespace, "one").await, None, "nothing was written");
        write(&cluster, kind, &namespace, "one", good, None).await.expect("it was that field alone");
    }
}

pub async fn a_value_of_the_wrong_type_is_refused(cluster: Cluster) {
    let namespace = made(&cluster, "wrong-type").await;
    let service = json!({"spec": {"ports": [{"port": "eighty"}]}});
    let budget = json!({"spec": {"minAvailable": true}});
    let map = json!({"data": {"A": 1}});
    let secret = json!({"data": {"A": "this is not base64"}});
    for (kind, body) in [
        (Kind::Service, service),
        (Kind::PodDisruptionBudget, budget),
        (Kind::ConfigMap, map),
        (Kind::Secret, secret),
    ] {
        let error = write(&cluster, kind, &namespace, "one", body, None).await.expect_err("it is refused");
        is_for_good(&error);
        assert_eq!(cluster.theirs.get(kind, &namespace, "one").await, None, "nothing was written");
    }
}

pub async fn a_version_that_is_not_the_one_seen_is_not_overwritten(cluster: Cluster) {
    let namespace = made(&cluster, "stale-write").await;
    let body = |value: &str| json!({"data": {"OURS": value}});
    let seen = write(&cluster, Kind::ConfigMap, &namespace, "one", body("1"), None).await.expect("made");
    let edit = json!({"data": {"THEIRS": "1"}});
    let edited = cluster.theirs.edit(Kind::ConfigMap, &namespace, "one", edit).await;

    let stale = write(&cluster, Kind::ConfigMap, &namespace, "one", body("2"), version(&seen)).await;
    let error = stale.expect_err("the object is another version now");
    assert!(error.is_conflict(), "{error}");
    assert_eq!(cluster.theirs.get(Kind::ConfigMap, &namespace, "one").await.as_ref(), Some(&edited));

    let fresh = write(&cluster, Kind::ConfigMap, &namespace, "one", body("2"), version(&edited)).await;
    assert_eq!(fresh.expect("this version was seen")["data"], json!({"OURS": "2", "THEIRS": "1"}));
}

/// A version is compared with what is there, and with nothing when nothing is: a change of ours does not get
/// lost over somebody's deletion.
pub async fn what_was_deleted_meanwhile_is_made_anew_by_a_change(cluster: Cluster) {
    let namespace = made(&cluster, "gone-write").await;
    let body = json!({"data": {"OURS": "1"}});
    let seen = write(&cluster, Kind::ConfigMap, &namespace, "one", body.clone(), None).await.expect("made");
    delete(&cluster, &namespace, &seen, uid(&seen), version(&seen).expect("it has one"))
        .await
        .expect("deleted");
    let again = write(&cluster, Kind::ConfigMap, &namespace, "one", body, version(&seen)).await;
    let again = again.expect("it is made");
    assert_eq!(again["data"], seen["data"]);
    assert_ne!(uid(&again), uid(&seen));
}

pub async fn only_exactly_what_was_seen_is_deleted(cluster: Cluster) {
    let namespace = made(&cluster, "stale-delete").await;
    let body = json!({"data": {"OURS": "1"}});
    let seen = write(&cluster, Kind::ConfigMap, &namespace, "one", body, None).await.expect("made");
    let edit = json!({"data": {"THEIRS": "1"}});
    let edited = cluster.theirs.edit(Kind::ConfigMap, &namespace, "one", edit).await;
    let newest = version(&edited).expect("it has one");

    let stale = delete(&cluster, &namespace, &seen, uid(&seen), version(&seen).expect("it has one")).await;
    assert!(stale.expect_err("it is another version now").is_conflict());
    let other = delete(&cluster, &namespace, &seen, "00000000-0000-0000-0000-000000000000", newest).await;
    assert!(other.expect_err("it is another object").is_conflict());
    assert_eq!(cluster.theirs.get(Kind::ConfigMap, &namespace, "one").await.as_ref(), Some(&edited));

    delete(&cluster, &namespace, &seen, uid(&seen), newest).await.expect("this is what was seen");
    assert_eq!(cluster.theirs.get(Kind::ConfigMap, &namespace, "one").await, None);
    delete(&cluster, &namespace, &seen, uid(&seen), newest).await.expect("what is gone is gone");
}

/// A namespace of this test's own.
async fn made(cluster: &Cluster, name: &str) -> String {
    write(cluster, Kind::Namespace, "", name, json!({}), None).await.expect("a namespace");
    name.to_owned()
}

async fn write(
    cluster: &Cluster,
    kind: Kind,
    namespace: &str,
    name: &str,
    mut body: Value,
    seen: Option<&str>,
) -> Result<Value, CloudError> {
    body["metadata"] = json!({"name": name});
    let id = ResourceId::kubernetes(kind, namespace, name);
    apply(cluster, &id, kind, &Document::new(body), seen).await
}

async fn apply(
    cluster: &Cluster,
    id: &ResourceId,
    kind: Kind,
    document: &Document,
    seen: Option<&str>,
) -> Result<Value, CloudError> {
    cluster.ours.apply(kind, id.namespace(), id.short_name(), document, seen).await
}

async fn delete(
    cluster: &Cluster,
    namespace: &str,
    object: &Value,
    uid: &str,
    version: &str,
) -> Result<(), CloudError> {
    let name = object["metadata"]["name"].as_str().expect("a name");
    cluster.ours.delete(Kind::ConfigMap, namespace, name, uid, version).await
}

fn version(object: &Value) -> Option<&str> {
    object["metadata"]["resourceVersion"].as_str()
}

fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().expect("a uid")
}
