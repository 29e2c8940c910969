//! Facts that documents are made of: what was discovered, drawn or assigned, or what it waits on.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::inventory::{Inventory, Payload, Sighting};
use crate::spec::Spec;

use super::google::{self, Kind, address, nfs, sql_instance};
use super::{Context, Kind as AnyKind, ResourceId, Wait, WaitKind, kubernetes, mirror};

/// What the shared-services module writes into the description of its subnets: the mark of its network.
const PLATFORM_MARK: &str = "managed-by=services-gcp";

/// The cluster that the deployment runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its address as a Google resource.
    pub id: ResourceId,
    /// Region or zone.
    pub location: String,
    /// The network it is in, by short name.
    pub network: String,
    /// The workload identity pool, `<project>.svc.id.goog`.
    pub workload_pool: String,
    /// Pod address ranges.
    pub pod_ranges: Vec<String>,
}

/// The network, by short name: the spec's, or the one that carries the platform's mark.
///
/// Without `require_services_gcp_module` the project's only network does too.
pub fn network(context: &Context<'_>) -> Result<String, Wait> {
    let user = |why: String| Err(Wait::new(WaitKind::User, why));
    let (given, names) = (context.spec.network_name.as_str(), networks(context)?);
    match names.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] if !given.is_empty() => user(format!(
            "the network {given} (network_name) has no subnet in the project, or does not exist"
        )),
        [] => user(format!(
            "no network was found: deploy the shared services first (their subnets have the description {PLATFORM_MARK}), or set network_name"
        )),
        several => user(format!("several networks were found ({}): set network_name", several.join(", "))),
    }
}

/// The networks that come into question: one, when all is well.
pub fn networks<'a>(context: &Context<'a>) -> Result<Vec<&'a str>, Wait> {
    let spec = context.spec;
    let subnets = subnets(context)?;
    let networks = |wanted: &dyn Fn(&Value) -> bool| -> BTreeSet<&'a str> {
        subnets.iter().filter(|(_, subnet)| wanted(subnet)).map(|(_, subnet)| network_of(subnet)).collect()
    };
    if !spec.network_name.is_empty() {
        return Ok(networks(&|subnet| network_of(subnet) == spec.network_name).into_iter().collect());
    }
    let marked = networks(&|subnet| text(subnet, "/description") == PLATFORM_MARK);
    let found =
        if marked.is_empty() && !spec.require_services_gcp_module { networks(&|_| true) } else { marked };
    Ok(found.into_iter().collect())
}

/// The deployment's region: the spec's when the network has a subnet there, else the network's first.
pub fn region(context: &Context<'_>) -> Result<String, Wait> {
    let network = network(context)?;
    let regions: BTreeSet<String> = subnets(context)?
        .into_iter()
        .filter(|(_, subnet)| network_of(subnet) == network)
        .filter_map(|(id, _)| id.name.split('/').nth(3).map(str::to_owned))
        .collect();
    if regions.contains(&context.spec.region) {
        return Ok(context.spec.region.clone());
    }
    regions.into_iter().next().ok_or_else(|| Wait::dependency(format!("the network {network} has no subnet")))
}

/// The subnet of the network in the deployment's region; the platform's own first, then by name.
pub fn subnetwork(context: &Context<'_>) -> Result<ResourceId, Wait> {
    let here = local_subnets(context)?;
    let chosen =
        here.iter().find(|(_, subnet)| text(subnet, "/description") == PLATFORM_MARK).or(here.first());
    let wait = || Wait::dependency("the network has no subnet in the region");
    chosen.map(|(id, _)| (*id).clone()).ok_or_else(wait)
}

/// The cluster: named by the spec or discovered on the network.
pub fn cluster(context: &Context<'_>) -> Result<Cluster, Wait> {
    let (spec, network) = (context.spec, network(context)?);
    let kind = AnyKind::Google(Kind::Cluster);
    let mut clusters: Vec<(&ResourceId, &Value)> =
        context.seen.of_kind(kind).filter(|(_, body)| network_of(body) == network).collect();
    if clusters.is_empty() && !is_listed(context, kind) {
        return Err(Wait::dependency("the clusters could not be looked at yet"));
    }
    // In the deployment's region first, so that `primary` does not lead across regions.
    let region = region(context)?;
    clusters.sort_by_key(|(id, body)| (!text(body, "/location").starts_with(&region), &id.name));
    let named = !spec.gke_cluster_name.is_empty();
    let chosen = match spec.gke_cluster_selection_mode.as_str() {
        _ if named => clusters.iter().find(|(id, _)| id.short_name() == spec.gke_cluster_name),
        "round-robin" => clusters.get(spread(&context.names.id, clusters.len())),
        _ => clusters.first(),
    };
    let missing = || match named {
        true => format!(
            "there is no cluster {} (gke_cluster_name) on the network {network}",
            spec.gke_cluster_name
        ),
        false => format!("there is no GKE cluster on the network {network}: create one, or set network_name"),
    };
    match chosen {
        Some((id, body)) => Ok(describe(context, id, body, network)),
        None => Err(Wait::new(WaitKind::User, missing())),
    }
}

/// Ranges that clients of the NFS server come from: the nodes' subnets and the pods.
pub fn client_ranges(context: &Context<'_>) -> Result<Vec<String>, Wait> {
    let nodes = local_subnets(context)?;
    let nodes = nodes.iter().map(|(_, subnet)| text(subnet, "/ipCidrRange").to_owned());
    let ranges: BTreeSet<String> =
        nodes.chain(cluster(context)?.pod_ranges).filter(|range| !range.is_empty()).collect();
    Ok(ranges.into_iter().collect())
}

/// E-mail of the Google service account of the pods with the API's image.
pub fn workload_account(context: &Context<'_>) -> String {
    match context.spec.gke_service_account.as_str() {
        "" => context.names.account_email(&context.names.workload_account()),
        given => given.to_owned(),
    }
}

/// E-mail of the plugin daemon's own Google service account: plugins do not get Dify's rights.
pub fn plugin_account(context: &Context<'_>) -> String {
    let account: String = format!("gke-plugin-{}", context.names.id).chars().take(30).collect();
    context.names.account_email(&account)
}

/// E-mail of the Google service account of backup Jobs: what serves cannot touch backups.
pub fn backup_account(context: &Context<'_>) -> String {
    let account: String = format!("gke-backup-{}", context.names.id).chars().take(30).collect();
    context.names.account_email(&account)
}

/// The Cloud SQL instance's address, whether it is ours or the spec's.
pub fn sql_instance(context: &Context<'_>) -> ResourceId {
    sql_instance::id(context)
}

/// `project:region:instance` for the Auth Proxy.
pub fn sql_connection(context: &Context<'_>) -> Result<String, Wait> {
    sql_text(context, "connection name", |body| Some(text(body, "/connectionName")))
}

/// The Cloud SQL instance's private address.
pub fn sql_private_ip(context: &Context<'_>) -> Result<String, Wait> {
    sql_text(context, "private address", |body| {
        let addresses = body.get("ipAddresses")?.as_array()?;
        Some(text(addresses.iter().find(|address| text(address, "/type") == "PRIVATE")?, "/ipAddress"))
    })
}

/// Whether Redis runs on a VM of ours, with a password of ours (the secret `redis-password`).
pub fn redis_is_ours(spec: &Spec) -> bool {
    spec.enable_redis && spec.redis_host.is_empty() && spec.enable_nfs && spec.nfs_instance_name.is_empty()
}

/// Where Redis is: the spec's host, or the NFS VM's internal address.
pub fn redis_host(context: &Context<'_>) -> Result<String, Wait> {
    match context.spec.redis_host.as_str() {
        "" => nfs_server(context),
        host => Ok(host.to_owned()),
    }
}

/// Address of the NFS server, once it runs.
pub fn nfs_server(context: &Context<'_>) -> Result<String, Wait> {
    if !context.spec.enable_nfs {
        let why = "there is no NFS server (enable_nfs is false): set redis_host";
        return Err(Wait::new(WaitKind::User, why));
    }
    let id = nfs::instance(context);
    let body = context.seen.body(&id).ok_or_else(|| not_there(context, &id, "the NFS server"))?;
    match text(body, "/networkInterfaces/0/networkIP") {
        "" => Err(Wait::new(WaitKind::LongOperation, "the NFS server has no address yet")),
        address => Ok(address.to_owned()),
    }
}

/// The front door's address: the reserved one, or the one that the Gateway was given.
pub fn front_address(context: &Context<'_>) -> Result<String, Wait> {
    let (assigned, what) = match context.spec.reserve_static_ip {
        true => (context.seen.body(&address::front(context)).map(|body| text(body, "/address")), "reserved"),
        false => (gateway_address(context), "assigned"),
    };
    match assigned {
        Some(address) if !address.is_empty() => Ok(address.to_owned()),
        _ => Err(Wait::new(WaitKind::FrontDoor, format!("the front door's address is not {what} yet"))),
    }
}

/// The one origin that browsers use: `https://<first domain>`, `http://<address>`, or the API Service's
/// name inside the cluster for a `ClusterIP`.
pub fn origin(context: &Context<'_>) -> Result<String, Wait> {
    let (spec, names) = (context.spec, context.names);
    if spec.service_type == "ClusterIP" {
        let port = if spec.service_port == 80 { String::new() } else { format!(":{}", spec.service_port) };
        return Ok(format!("http://{}.{}.svc.cluster.local{port}", names.service(), names.namespace(spec)));
    }
    match spec.application_domains.first() {
        Some(domain) if spec.enable_custom_domain => Ok(format!("https://{domain}")),
        _ => front_address(context).map(|address| format!("http://{address}")),
    }
}

/// A generated secret's newest version, by the suffix of its name (`secret-key`).
pub fn secret<'a>(context: &Context<'a>, suffix: &str) -> Result<&'a Payload, Wait> {
    let name = context.names.secret(suffix);
    payload(context, &name).ok_or_else(|| Wait::dependency(format!("the secret {suffix} has no content yet")))
}

/// A secret of the user's, by its Secret Manager id.
pub fn user_secret<'a>(context: &Context<'a>, id: &str) -> Result<&'a Payload, Wait> {
    let name = format!("projects/{}/secrets/{id}", context.names.project);
    payload(context, &name).ok_or_else(|| match context.seen.sighting(&google::secret_version::of(&name)) {
        None => Wait::dependency(format!("the secret {id} has not been looked at yet")),
        Some(Sighting::Unreadable(why)) => {
            Wait::new(WaitKind::User, format!("the secret {id} cannot be read: {why}"))
        }
        Some(_) => {
            Wait::new(WaitKind::User, format!("the secret {id} does not exist or has no enabled version"))
        }
    })
}

/// An image reference with the digest it stands for: `langgenius/dify-api:1.17.1@sha256:…`.
pub fn named(context: &Context<'_>, reference: &str) -> Result<String, Wait> {
    match mirror::digest(reference, &context.seen.digests) {
        Some(digest) => Ok(mirror::named(reference, digest)),
        None => Err(Wait::dependency(format!("the digest of {reference} is not known yet"))),
    }
}

/// An image as pods pull it: from its copy in the deployment's own repository, or by [`named`].
pub fn pinned(context: &Context<'_>, reference: &str) -> Result<String, Wait> {
    mirror::placed(context, reference)
}

fn payload<'a>(context: &Context<'a>, name: &str) -> Option<&'a Payload> {
    let seen: &'a Inventory = context.seen;
    seen.payloads.get(name)
}

/// Every subnet that machines can be in; proxies' and private services' own are none of ours.
fn subnets<'a>(context: &Context<'a>) -> Result<Vec<(&'a ResourceId, &'a Value)>, Wait> {
    let kind = AnyKind::Google(Kind::Subnetwork);
    let usable = |subnet: &Value| matches!(text(subnet, "/purpose"), "" | "PRIVATE");
    let seen: &'a Inventory = context.seen;
    let subnets: Vec<_> = seen.of_kind(kind).filter(|(_, subnet)| usable(subnet)).collect();
    if subnets.is_empty() && !is_listed(context, kind) {
        return Err(Wait::dependency("the networks could not be looked at yet"));
    }
    Ok(subnets)
}

/// The network's subnets in the deployment's region, by name.
fn local_subnets<'a>(context: &Context<'a>) -> Result<Vec<(&'a ResourceId, &'a Value)>, Wait> {
    let (network, region) = (network(context)?, region(context)?);
    let mut here = subnets(context)?;
    here.retain(|(id, body)| {
        network_of(body) == network && id.name.split('/').nth(3) == Some(region.as_str())
    });
    Ok(here)
}

fn is_listed(context: &Context<'_>, kind: AnyKind) -> bool {
    context.seen.listed.iter().any(|(listed, _)| *listed == kind)
}

/// A number below `count` that a deployment's id always gives.
fn spread(id: &str, count: usize) -> usize {
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().fold(0, |sum: usize, byte| sum * 256 % count.max(1) + usize::from(*byte)) % count.max(1)
}

fn describe(context: &Context<'_>, id: &ResourceId, body: &Value, network: String) -> Cluster {
    let pool = match text(body, "/workloadIdentityConfig/workloadPool") {
        "" => format!("{}.svc.id.goog", context.names.project),
        pool => pool.to_owned(),
    };
    let location = id.name.split('/').nth(3).unwrap_or_default().to_owned();
    Cluster { id: id.clone(), location, network, workload_pool: pool, pod_ranges: pod_ranges(context, body) }
}

/// The cluster's main pod range, and those that were added to it by the name of a subnet's secondary range.
fn pod_ranges(context: &Context<'_>, cluster: &Value) -> Vec<String> {
    let main = ["/ipAllocationPolicy/clusterIpv4CidrBlock", "/clusterIpv4Cidr"];
    let main = main.iter().map(|pointer| text(cluster, pointer)).find(|range| !range.is_empty());
    let added = cluster.pointer("/ipAllocationPolicy/additionalPodRangesConfig/podRangeNames");
    let added: Vec<&str> =
        added.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let secondary = context.seen.of_kind(AnyKind::Google(Kind::Subnetwork)).flat_map(|(_, subnet)| {
        subnet.get("secondaryIpRanges").and_then(Value::as_array).into_iter().flatten()
    });
    let added = secondary
        .filter(|range| added.contains(&text(range, "/rangeName")))
        .map(|range| text(range, "/ipCidrRange").to_owned());
    main.map(str::to_owned).into_iter().chain(added).collect()
}

fn sql_text<'a>(
    context: &Context<'a>,
    what: &str,
    read: impl Fn(&'a Value) -> Option<&'a str>,
) -> Result<String, Wait> {
    let id = sql_instance::id(context);
    let seen: &'a Inventory = context.seen;
    let body = seen.body(&id).ok_or_else(|| not_there(context, &id, "the SQL instance"))?;
    match read(body) {
        Some(found) if !found.is_empty() => Ok(found.to_owned()),
        _ => Err(Wait::new(
            WaitKind::LongOperation,
            format!("the SQL instance {} has no {what} yet", id.short_name()),
        )),
    }
}

fn not_there(context: &Context<'_>, id: &ResourceId, what: &str) -> Wait {
    match context.seen.sighting(id) {
        Some(Sighting::Absent) => Wait::dependency(format!("{what} {} does not exist yet", id.short_name())),
        _ => Wait::dependency(format!("{what} {} could not be looked at yet", id.short_name())),
    }
}

fn gateway_address<'a>(context: &Context<'a>) -> Option<&'a str> {
    let namespace = context.names.namespace(context.spec);
    let seen: &'a Inventory = context.seen;
    let mut gateways = seen.of_kind(AnyKind::Kubernetes(kubernetes::Kind::Gateway));
    let (_, gateway) = gateways.find(|(id, _)| id.namespace() == namespace)?;
    gateway.pointer("/status/addresses/0/value")?.as_str()
}

fn network_of(body: &Value) -> &str {
    let network = text(body, "/network");
    network.rsplit('/').next().unwrap_or(network)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
