//! The NFS server, which also runs Redis: a small VM with a disk, an address and a firewall rule.
//!
//! It is made unless the spec names one (`nfs_instance_name`), which then only has to be there. A server found by
//! accident is not taken up: Dify's queues would mix with those of its other users (module defect D-4). The VM has no
//! external address, so its network needs Cloud NAT for the packages that the start script installs.

use serde_json::{Value, json};

use crate::resources::{Context, Declared, Desired, Kind as AnyKind, ResourceId, Wait, facts};
use crate::rotation::{self, redis};
use crate::slice::Slice;

use super::{
    Kind, declared, labels, ready_or_waiting, secret_policy, secret_version, seen, service_account, short,
    text,
};

/// Runs at every start of the VM; what stands in `@…@` is filled in.
const SCRIPT: &str = include_str!("nfs-startup.sh");

/// Debian 12, whose repositories have NFS and Redis 7.0 and whose image has Python.
const IMAGE: &str = "projects/debian-cloud/global/images/family/debian-12";

/// Size of a created data disk in GB; an operator may let it grow.
const DISK_GB: &str = "10";

/// Whether the VM is ours to make.
pub fn is_created(context: &Context<'_>) -> bool {
    context.spec.enable_nfs && context.spec.nfs_instance_name.is_empty()
}

/// The VM's address, in the zone where it is or would be made.
pub fn instance(context: &Context<'_>) -> ResourceId {
    let spec = context.spec;
    let name = match spec.nfs_instance_name.as_str() {
        "" => created_name(context),
        given => given.to_owned(),
    };
    let zone = zone(context, &name);
    let project = &context.names.project;
    ResourceId::google(Kind::Instance, format!("projects/{project}/zones/{zone}/instances/{name}"))
}

/// The created VM's internal address.
pub fn address(context: &Context<'_>) -> ResourceId {
    let (project, region) = (&context.names.project, region(context));
    let name = created_name(context);
    ResourceId::google(Kind::InternalAddress, format!("projects/{project}/regions/{region}/addresses/{name}"))
}

/// Path of the deployment's share on the server.
pub fn share(context: &Context<'_>) -> String {
    format!("/share/{}", context.names.prefix)
}

/// Everything the server consists of.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    if !context.spec.enable_nfs {
        return Vec::new();
    }
    let instance = instance(context);
    if !is_created(context) {
        return vec![declared(context, instance, Slice::Nfs, Desired::Found, Vec::new())];
    }
    let email = context.names.account_email(&context.names.nfs_account());
    let (disk, address, firewall) = (disk(context), address(context), firewall(context));
    let mut needs =
        vec![disk.clone(), address.clone(), firewall.clone(), service_account::id(context, &email)];
    if facts::redis_is_ours(context.spec) {
        needs.push(secret_version::id(context, "redis-password"));
        needs.push(secret_policy::id(context, "redis-password"));
        if redis::is_forgetting(context) {
            needs.extend(rotation::workloads(context));
        }
    }
    let machine = ready_or_waiting(machine_body(context, &instance, &email));
    let subnet: Vec<ResourceId> = facts::subnetwork(context).into_iter().collect();
    vec![
        declared(context, disk, Slice::Nfs, ready_or_waiting(disk_body(context)), subnet.clone()),
        declared(context, address, Slice::Nfs, ready_or_waiting(address_body(context)), subnet.clone()),
        declared(context, firewall, Slice::Nfs, ready_or_waiting(firewall_body(context)), subnet),
        declared(context, instance, Slice::Nfs, machine, needs),
    ]
}

fn created_name(context: &Context<'_>) -> String {
    format!("{}-{}", context.spec.nfs_instance_base_name, context.names.id)
}

fn tag(context: &Context<'_>) -> String {
    context.names.component("nfs")
}

fn disk(context: &Context<'_>) -> ResourceId {
    let name = format!("{}-data", created_name(context));
    let zone = zone(context, &created_name(context));
    let project = &context.names.project;
    ResourceId::google(Kind::Disk, format!("projects/{project}/zones/{zone}/disks/{name}"))
}

fn firewall(context: &Context<'_>) -> ResourceId {
    let name = format!("projects/{}/global/firewalls/{}", context.names.project, tag(context));
    ResourceId::google(Kind::Firewall, name)
}

/// The region for addresses of what may not be placed yet: the spec's until the network is known.
fn region(context: &Context<'_>) -> String {
    facts::region(context).unwrap_or_else(|_| context.spec.region.clone())
}

/// The zone: where the VM or its disk already is, else the first of the cluster's, else `<region>-b`, which every
/// region has. A disk does not move, so where it is comes before everything.
fn zone(context: &Context<'_>, name: &str) -> String {
    let data = format!("{name}-data");
    let placed = |kind: Kind, name: &str| {
        let mut all = context.seen.of_kind(AnyKind::Google(kind));
        all.find(|(id, _)| id.short_name() == name)
            .and_then(|(id, _)| id.name.split('/').nth(3).map(str::to_owned))
    };
    placed(Kind::Disk, &data).or_else(|| placed(Kind::Instance, name)).unwrap_or_else(|| {
        let region = region(context);
        let zones = facts::cluster(context).ok().map(|cluster| cluster_zones(context, &cluster.id));
        let mut zones: Vec<String> = zones.unwrap_or_default();
        zones.retain(|zone| zone.starts_with(&format!("{region}-")));
        zones.sort();
        zones.into_iter().next().unwrap_or_else(|| format!("{region}-b"))
    })
}

fn cluster_zones(context: &Context<'_>, id: &ResourceId) -> Vec<String> {
    let zones = context.seen.body(id).and_then(|body| body.get("locations")?.as_array());
    zones.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn disk_body(context: &Context<'_>) -> Result<Value, Wait> {
    facts::region(context)?;
    let zone = zone(context, &created_name(context));
    Ok(json!({
        "sizeGb": DISK_GB,
        "type": format!("projects/{}/zones/{zone}/diskTypes/pd-ssd", context.names.project),
        "description": "NFS share and Redis data of a Dify deployment",
        "labels": labels::all(context),
    }))
}

fn address_body(context: &Context<'_>) -> Result<Value, Wait> {
    Ok(json!({
        "addressType": "INTERNAL",
        "purpose": "GCE_ENDPOINT",
        "subnetwork": facts::subnetwork(context)?.name,
        "labels": labels::all(context),
    }))
}

/// NFS is mounted by the nodes, Redis is called by the pods.
fn firewall_body(context: &Context<'_>) -> Result<Value, Wait> {
    let mut ports = vec!["111", "2049"];
    if facts::redis_is_ours(context.spec) {
        ports.push("6379");
    }
    Ok(json!({
        "network": format!("projects/{}/global/networks/{}", context.names.project, facts::network(context)?),
        "direction": "INGRESS",
        "allowed": [{"IPProtocol": "tcp", "ports": ports}],
        "sourceRanges": facts::client_ranges(context)?,
        "targetTags": [tag(context)],
        "description": format!("NFS and Redis of the Dify deployment {}; managed by dify-reconciler", context.names.deployment),
    }))
}

fn machine_body(context: &Context<'_>, id: &ResourceId, email: &str) -> Result<Value, Wait> {
    let project = &context.names.project;
    let zone = id.name.split('/').nth(3).unwrap_or_default();
    let address = seen(context, Kind::InternalAddress, &address(context).name)
        .map(|body| text(body, "/address"))
        .filter(|address| !address.is_empty())
        .ok_or_else(|| Wait::dependency("the NFS server's address is not reserved yet"))?;
    let mut metadata = vec![
        json!({"key": "startup-script", "value": script(context)?}),
        json!({"key": "enable-oslogin", "value": "TRUE"}),
        json!({"key": "enable-guest-attributes", "value": "TRUE"}),
    ];
    if facts::redis_is_ours(context.spec) {
        metadata.push(redis::item(context));
    }
    Ok(json!({
        "machineType": format!("projects/{project}/zones/{zone}/machineTypes/e2-small"),
        "description": "NFS server and Redis of a Dify deployment",
        "labels": labels::all(context),
        "tags": {"items": [tag(context)]},
        "metadata": {"items": metadata},
        "disks": [
            {"boot": true, "autoDelete": true, "initializeParams": {"sourceImage": IMAGE, "diskSizeGb": "10"}},
            {"boot": false, "autoDelete": false, "deviceName": "data", "source": disk(context).name},
        ],
        "networkInterfaces": [{"subnetwork": facts::subnetwork(context)?.name, "networkIP": address}],
        "serviceAccounts": [{"email": email, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}],
        "shieldedInstanceConfig": {"enableSecureBoot": true, "enableVtpm": true, "enableIntegrityMonitoring": true},
    }))
}

fn script(context: &Context<'_>) -> Result<String, Wait> {
    let secret = context.names.secret("redis-password");
    let redis = if facts::redis_is_ours(context.spec) { secret.as_str() } else { "" };
    Ok(SCRIPT
        .replace("@SHARE@", short(&share(context)))
        .replace("@RANGES@", &facts::client_ranges(context)?.join(" "))
        .replace("@SECRET@", redis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::testing::{body, declared, fill, needs, note, platform};
    use crate::spec::Spec;

    #[test]
    fn the_server_is_open_to_nodes_and_pods_only() {
        let all = declared(Spec::default(), &platform(), declare);
        let rule = all.iter().find(|one| one.id.name.contains("/firewalls/")).expect("a rule");
        assert_eq!(body(rule)["sourceRanges"], json!(["10.1.0.0/24", "10.4.0.0/14"]));
        assert_eq!(body(rule)["allowed"][0]["ports"], json!(["111", "2049", "6379"]));
    }

    #[test]
    fn the_machine_stays_where_its_disk_is() {
        let mut seen = platform();
        note(
            &mut seen,
            Kind::Disk,
            "projects/p-1/zones/us-central1-f/disks/app-nfs-0a1b2c3d-data",
            json!({}),
        );
        let address = "projects/p-1/regions/us-central1/addresses/app-nfs-0a1b2c3d";
        note(&mut seen, Kind::InternalAddress, address, json!({"address": "10.1.0.9", "status": "RESERVED"}));
        fill(&mut seen, "redis-password");
        let all = declared(Spec::default(), &seen, declare);
        let machine = all.iter().find(|one| one.id.name.contains("/instances/")).expect("a machine");
        assert!(machine.id.name.contains("/zones/us-central1-f/"));
        assert!(needs(machine, Kind::SecretPolicy, "redis-password"));
        let body = body(machine);
        assert_eq!(body["disks"][1]["autoDelete"], false);
        assert!(!body.to_string().contains("s3cret"), "the machine reads the password itself");
    }

    #[test]
    fn a_given_server_is_only_found() {
        let spec = Spec { nfs_instance_name: "nfsserver".into(), ..Spec::default() };
        let all = declared(spec, &platform(), declare);
        assert_eq!(all.len(), 1);
        assert!(matches!(all[0].desired, Desired::Found));
    }

    /// The service that the script puts on the VM, as it lands there.
    fn keeper() -> String {
        let inner = SCRIPT.split("<<-'KEEPER'\n").nth(1).and_then(|rest| rest.split("\n\tKEEPER").next());
        let lines = inner.expect("the script brings it").lines().map(|line| line.trim_start_matches('\t'));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_scripts_are_ones_that_bash_can_read() {
        for (what, script) in [("the start script", SCRIPT.to_owned()), ("what it leaves there", keeper())] {
            let read = std::process::Command::new("bash").arg("-n").arg("-c").arg(script).output();
            let Ok(read) = read else { return };
            assert!(read.status.success(), "{what}: {}", String::from_utf8_lossy(&read.stderr));
        }
        assert!(keeper().starts_with("#!/bin/bash\nset -euo pipefail"));
    }

    #[test]
    fn the_script_leaves_nothing_open() {
        for needle in
            ["root_squash", "ACL SETUSER", "appendonly yes", "maxmemory-policy noeviction", "mkfs.ext4"]
        {
            assert!(SCRIPT.contains(needle), "{needle}");
        }
        assert!(!SCRIPT.contains("no_root_squash") && !SCRIPT.contains("*(rw"));
        // What was made before is never made anew.
        assert!(SCRIPT.contains("blkid"));
    }
}
