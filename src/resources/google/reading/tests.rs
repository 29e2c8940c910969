//! What is read, and how answers are taken apart.

use serde_json::json;

use super::*;

fn ids(kind: Kind, names: &[&str]) -> BTreeSet<ResourceId> {
    names.iter().map(|name| ResourceId::google(kind, *name)).collect()
}

fn beside_discovery(ids: &BTreeSet<ResourceId>) -> Vec<Read> {
    reads("p", ids).into_iter().skip(2).collect()
}

#[test]
fn a_project_alone_is_discovered() {
    let methods: Vec<&str> = reads("p", &BTreeSet::new()).iter().map(|read| read.request.method_id).collect();
    assert_eq!(methods, ["compute.subnetworks.aggregatedList", "container.projects.locations.clusters.list"]);
}

#[test]
fn secrets_of_a_deployment_are_one_list() {
    let reads = beside_discovery(&ids(
        Kind::Secret,
        &["projects/p/secrets/appx1f-a-b", "projects/p/secrets/appx1f-c"],
    ));
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].request.query, [("filter", "name:appx1f".to_owned())]);
    // A name outside the filter would otherwise count as absent.
    let apart =
        beside_discovery(&ids(Kind::Secret, &["projects/p/secrets/appx1f-a", "projects/p/secrets/other"]));
    assert!(apart[0].request.query.is_empty());
}

#[test]
fn names_with_the_projects_number_become_ours() {
    let page = json!({"secrets": [{"name": "projects/123/secrets/s"}]});
    assert_eq!(items(Kind::Secret, "projects/p", &page)[0].0.name, "projects/p/secrets/s");
    let page = json!({"items": [{"name": "files"}]});
    assert_eq!(items(Kind::Bucket, "b", &page)[0].0.name, "b/files");
}

#[test]
fn an_aggregated_list_tells_where_things_are() {
    let page = json!({"items": {"zones/us-central1-b": {"instances": [{"name": "app-nfs-1"}]},
                                "zones/us-central1-c": {"warning": {"code": "NO_RESULTS_ON_PAGE"}}}});
    let found = items(Kind::Instance, "projects/p", &page);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0.name, "projects/p/zones/us-central1-b/instances/app-nfs-1");
    let clusters = json!({"clusters": [{"name": "c", "location": "us-central1"}]});
    assert_eq!(
        items(Kind::Cluster, "projects/p", &clusters)[0].0.name,
        "projects/p/locations/us-central1/clusters/c"
    );
}

#[test]
fn databases_are_listed_per_instance_and_cover_it() {
    let wanted =
        ids(Kind::SqlDatabase, &["projects/p/instances/i/databases/a", "projects/p/instances/i/databases/b"]);
    let reads = beside_discovery(&wanted);
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].request.path, "v1/projects/p/instances/i/databases");
    assert!(wanted.iter().all(|id| covered(&reads[0].covers, id)));
    let other = ResourceId::google(Kind::SqlDatabase, "projects/p/instances/i2/databases/a");
    assert!(!covered(&reads[0].covers, &other));
}

#[test]
fn an_instances_operations_are_a_read_of_their_own() {
    let instance = ids(Kind::SqlInstance, &["projects/p/instances/i"]);
    let reads = beside_discovery(&instance);
    let methods: Vec<&str> = reads.iter().map(|read| read.request.method_id).collect();
    assert_eq!(methods, ["sql.instances.get"]);
    let operations = operations(instance.first().expect("the instance"));
    assert_eq!(operations.request.method_id, "sql.operations.list");
    assert_eq!(operations.request.path, "v1/projects/p/operations");
}

#[test]
fn addresses_of_both_kinds_are_one_list() {
    let mut wanted = ids(Kind::InternalAddress, &["projects/p/regions/us-central1/addresses/nfs"]);
    assert_eq!(beside_discovery(&wanted)[0].request.method_id, "compute.addresses.get");
    wanted.extend(ids(Kind::GlobalAddress, &["projects/p/global/addresses/front"]));
    let reads = beside_discovery(&wanted);
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].request.query, [("filter", "(name = front) OR (name = nfs)".to_owned())]);
    assert!(wanted.iter().all(|id| covered(&reads[0].covers, id)));
    let page = json!({"items": {"global": {"addresses": [{"name": "front"}]},
                                "regions/us-central1": {"addresses": [{"name": "nfs"}]}}});
    let found = items(Kind::GlobalAddress, "projects/p", &page);
    assert_eq!(found.into_iter().map(|(id, _)| id).collect::<BTreeSet<_>>(), wanted);
}

#[test]
fn a_secrets_content_is_the_newest_version() {
    let reads = beside_discovery(&ids(Kind::SecretVersion, &["projects/p/secrets/s/versions"]));
    assert_eq!(reads[0].request.path, "v1/projects/p/secrets/s/versions/latest:access");
}
