//! How Google resources are read: listed where a list exists, one by one where it does not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Kind as AnyKind, ResourceId};

use super::{
    Kind, bucket_policy, guest_attributes, patch, project_policy, repository_policy, secret_history,
    secret_policy, secret_version, service_account_policy, short, text,
};

/// One read call and what its answer is about.
#[derive(Clone, Debug)]
pub struct Read {
    /// The call; a list call is repeated with `pageToken` until there is no `nextPageToken`.
    pub request: GoogleRequest,
    /// What the answer is about.
    pub covers: Covers,
}

/// What a read's answer is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covers {
    /// One resource; 404 means that it is absent.
    One(ResourceId),
    /// All resources of a kind under a parent (the beginning of their names); what is not in the answer is
    /// absent.
    All(Kind, String),
}

/// The reads that tell about these resources, with as few calls as possible, plus the discovery that
/// every deployment of `project` needs (subnetworks and clusters). `project` alone (no ids) gives the discovery.
pub fn reads(project: &str, ids: &BTreeSet<ResourceId>) -> Vec<Read> {
    let project = format!("projects/{project}");
    let mut by_kind: BTreeMap<Kind, Vec<&ResourceId>> = BTreeMap::new();
    for id in ids {
        if let AnyKind::Google(kind) = id.kind {
            by_kind.entry(kind).or_default().push(id);
        }
    }
    let mut reads = vec![subnetworks(&project), clusters(&project)];
    let mut addresses = Vec::new();
    for (kind, ids) in by_kind {
        match kind {
            // The shelf of backups is listed by itself, and so are copies of images.
            Kind::Subnetwork | Kind::Cluster | Kind::SqlOperation | Kind::Object => {}
            Kind::DockerImage | Kind::ImagePart => {}
            Kind::Secret => reads.extend(secrets(&project, &ids)),
            Kind::Bucket => reads.extend(buckets(&project, &ids)),
            Kind::ServiceAccount => reads.extend(service_accounts(&project, &ids)),
            Kind::InternalAddress | Kind::GlobalAddress => addresses.extend(ids),
            Kind::SqlDatabase | Kind::SqlUser => reads.extend(sql(kind, &ids)),
            Kind::Instance | Kind::Disk => reads.extend(machines(kind, &project, &ids)),
            kind => reads.extend(ids.iter().map(|id| one(kind, id))),
        }
    }
    reads.extend(reserved(&project, &addresses));
    reads
}

/// The resources in a list's answer (one page), each with its address and body.
pub fn items(kind: Kind, parent: &str, page: &Value) -> Vec<(ResourceId, Value)> {
    let (field, part) = match kind {
        Kind::Subnetwork => return scoped(kind, parent, page, "subnetworks"),
        Kind::Instance => return scoped(kind, parent, page, "instances"),
        Kind::Disk => return scoped(kind, parent, page, "disks"),
        Kind::GlobalAddress => return addresses(parent, page),
        Kind::Cluster => return located(parent, page),
        Kind::Secret => ("secrets", "secrets/"),
        Kind::ServiceAccount => ("accounts", "serviceAccounts/"),
        Kind::SqlDatabase => ("items", "databases/"),
        Kind::SqlUser => ("items", "users/"),
        Kind::SqlOperation => ("items", "operations/"),
        Kind::Bucket => ("items", ""),
        _ => return Vec::new(),
    };
    // Names may carry the project's number where we know it by its id.
    let address = |item: &Value| format!("{parent}/{part}{}", short(text(item, "/name")));
    let items = page.get(field).and_then(Value::as_array).into_iter().flatten();
    items.map(|item| (ResourceId::google(kind, address(item)), item.clone())).collect()
}

/// Whether a read tells about a resource.
pub fn covered(covers: &Covers, id: &ResourceId) -> bool {
    match covers {
        Covers::One(one) => one == id,
        Covers::All(kind, parent) => {
            // One list tells about both kinds of address.
            let both = *kind == Kind::GlobalAddress && id.kind == AnyKind::Google(Kind::InternalAddress);
            (both || id.kind == AnyKind::Google(*kind))
                && id.name.strip_prefix(parent.as_str()).is_some_and(|rest| rest.starts_with('/'))
        }
    }
}

/// The call that reads one resource.
fn one(kind: Kind, id: &ResourceId) -> Read {
    let request = match kind {
        Kind::EnabledApi => enabled(id),
        Kind::ProjectPolicy => project_policy::read(id),
        Kind::ServiceAccountPolicy => service_account_policy::read(id),
        Kind::SecretPolicy => secret_policy::read(id),
        Kind::BucketPolicy => bucket_policy::read(id),
        Kind::RepositoryPolicy => repository_policy::read(id),
        Kind::SecretVersion => secret_version::read(id),
        Kind::SecretHistory => secret_history::read(id),
        Kind::GuestAttributes => guest_attributes::read(id),
        kind => kind.descriptor().read(&id.name),
    };
    Read { request, covers: Covers::One(id.clone()) }
}

/// The enabled services as one answer; a page holds two hundred, more than a project has.
fn enabled(id: &ResourceId) -> GoogleRequest {
    let mut call = Kind::EnabledApi.descriptor().read(&id.name);
    call.query = vec![("filter", "state:ENABLED".into()), ("pageSize", "200".into())];
    call
}

fn list(
    kind: Kind,
    parent: &str,
    path: &str,
    method_id: &'static str,
    query: Vec<(&'static str, String)>,
) -> Read {
    let descriptor = kind.descriptor();
    let mut request = descriptor.call(Method::Get, descriptor.path(path, ""), method_id);
    request.query = query;
    Read { request, covers: Covers::All(kind, parent.to_owned()) }
}

fn subnetworks(project: &str) -> Read {
    let path = format!("{project}/aggregated/subnetworks");
    list(Kind::Subnetwork, project, &path, "compute.subnetworks.aggregatedList", vec![])
}

fn clusters(project: &str) -> Read {
    let path = format!("{project}/locations/-/clusters");
    list(Kind::Cluster, project, &path, "container.projects.locations.clusters.list", vec![])
}

fn secrets(project: &str, ids: &[&ResourceId]) -> Vec<Read> {
    if let [id] = ids {
        return vec![one(Kind::Secret, id)];
    }
    let filter = stem(ids).map(|stem| ("filter", format!("name:{stem}"))).into_iter().collect();
    let path = format!("{project}/secrets");
    vec![list(Kind::Secret, project, &path, "secretmanager.projects.secrets.list", filter)]
}

fn buckets(project: &str, ids: &[&ResourceId]) -> Vec<Read> {
    if let [id] = ids {
        return vec![one(Kind::Bucket, id)];
    }
    let mut query = vec![("project", short(project).to_owned())];
    query.extend(stem(ids).map(|stem| ("prefix", stem)));
    vec![list(Kind::Bucket, "b", "b", "storage.buckets.list", query)]
}

/// The project's accounts in one list, an account of another project by itself.
fn service_accounts(project: &str, ids: &[&ResourceId]) -> Vec<Read> {
    let path = format!("{project}/serviceAccounts");
    let (ours, others): (Vec<&&ResourceId>, Vec<_>) =
        ids.iter().partition(|id| id.name.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/')));
    let mut reads: Vec<Read> = others.into_iter().map(|id| one(Kind::ServiceAccount, id)).collect();
    match ours.as_slice() {
        [] => {}
        [id] => reads.push(one(Kind::ServiceAccount, id)),
        _ => {
            let query = vec![("pageSize", "100".to_owned())];
            reads.push(list(
                Kind::ServiceAccount,
                project,
                &path,
                "iam.projects.serviceAccounts.list",
                query,
            ));
        }
    }
    reads
}

/// The databases or users of each instance.
fn sql(kind: Kind, ids: &[&ResourceId]) -> Vec<Read> {
    let collections: BTreeSet<&str> = ids.iter().map(|id| patch::collection(id)).collect();
    let method_id = if kind == Kind::SqlDatabase { "sql.databases.list" } else { "sql.users.list" };
    let parent = |collection: &str| collection.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
    collections
        .into_iter()
        .map(|collection| list(kind, &parent(collection), collection, method_id, vec![]))
        .collect()
}

/// The newest few operations of an instance: one is running at most, and the list begins with the newest.
pub fn operations(instance: &ResourceId) -> Read {
    let project = instance.name.split("/instances/").next().unwrap_or_default();
    let path = format!("{project}/operations");
    let query = vec![("instance", instance.short_name().to_owned()), ("maxResults", "5".to_owned())];
    list(Kind::SqlOperation, &instance.name, &path, "sql.operations.list", query)
}

/// An address by itself, several in one list over all regions and what is global.
fn reserved(project: &str, ids: &[&ResourceId]) -> Vec<Read> {
    let [_, _, ..] = ids else {
        let by_kind = ids.iter().filter_map(|id| match id.kind {
            AnyKind::Google(kind) => Some(one(kind, id)),
            AnyKind::Kubernetes(_) => None,
        });
        return by_kind.collect();
    };
    let names: BTreeSet<String> = ids.iter().map(|id| format!("(name = {})", id.short_name())).collect();
    let filter = names.into_iter().collect::<Vec<_>>().join(" OR ");
    let path = format!("{project}/aggregated/addresses");
    let method_id = "compute.addresses.aggregatedList";
    vec![list(Kind::GlobalAddress, project, &path, method_id, vec![("filter", filter)])]
}

/// Machines and disks in any zone, by name: where they are is what is asked.
fn machines(kind: Kind, project: &str, ids: &[&ResourceId]) -> Vec<Read> {
    let (part, method_id) = match kind {
        Kind::Disk => ("disks", "compute.disks.aggregatedList"),
        _ => ("instances", "compute.instances.aggregatedList"),
    };
    let path = format!("{project}/aggregated/{part}");
    let names: BTreeSet<&str> = ids.iter().map(|id| id.short_name()).collect();
    let read = |name: &str| list(kind, project, &path, method_id, vec![("filter", format!("name = {name}"))]);
    match names.into_iter().collect::<Vec<_>>().as_slice() {
        [name] => vec![read(name)],
        // An answer filtered by one name says nothing about the others.
        _ => vec![list(kind, project, &path, method_id, vec![])],
    }
}

/// What all the short names begin with, when that is enough to narrow a list down.
fn stem(ids: &[&ResourceId]) -> Option<String> {
    let mut names = ids.iter().map(|id| id.short_name());
    let mut stem = names.next()?.to_owned();
    for name in names {
        let same = stem.bytes().zip(name.bytes()).take_while(|(left, right)| left == right).count();
        stem.truncate(same);
    }
    let stem = stem.rsplit_once('-').map_or("", |(stem, _)| stem).to_owned();
    (stem.len() >= 4).then_some(stem)
}

/// Items of an aggregated list: `{"items": {"zones/z": {"instances": [...]}}}`.
fn scoped(kind: Kind, parent: &str, page: &Value, part: &str) -> Vec<(ResourceId, Value)> {
    let mut found = Vec::new();
    for (scope, listed) in page.get("items").and_then(Value::as_object).into_iter().flatten() {
        for item in listed.get(part).and_then(Value::as_array).into_iter().flatten() {
            let name = format!("{parent}/{scope}/{part}/{}", text(item, "/name"));
            found.push((ResourceId::google(kind, name), item.clone()));
        }
    }
    found
}

/// Addresses of both kinds: which one it is, its scope says.
fn addresses(parent: &str, page: &Value) -> Vec<(ResourceId, Value)> {
    let global = format!("{parent}/global/");
    let found = scoped(Kind::GlobalAddress, parent, page, "addresses").into_iter();
    let named = found.map(|(id, body)| match id.name.starts_with(&global) {
        true => (id, body),
        false => (ResourceId::google(Kind::InternalAddress, id.name), body),
    });
    named.collect()
}

fn located(parent: &str, page: &Value) -> Vec<(ResourceId, Value)> {
    let clusters = page.get("clusters").and_then(Value::as_array).into_iter().flatten();
    clusters
        .map(|cluster| {
            let (location, name) = (text(cluster, "/location"), text(cluster, "/name"));
            let name = format!("{parent}/locations/{location}/clusters/{name}");
            (ResourceId::google(Kind::Cluster, name), cluster.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests;
