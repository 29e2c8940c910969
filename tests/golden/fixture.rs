//! A deployment of which everything has been seen: the ground that documents are rendered on.
//!
//! Compiled into the library's own tests and into `tests/golden.rs`; `library` is the crate in both.

#![allow(dead_code, reason = "each of the two uses a part of it")]

use serde_json::{Value, json};

use super::library::inventory::{Inventory, Payload, Sighting};
use super::library::resources::google::{
    Kind, address, guest_attributes, nfs, secret, secret_version, sql_instance,
};
use super::library::resources::kubernetes::images;
use super::library::resources::{
    Context, Declared, Desired, Document, Names, ResourceId, kubernetes, mirror,
};
use super::library::spec::Spec;
use super::library::spec::types::Sensitive;

/// The generation that everything is rendered under.
pub const GENERATION: i64 = 42;

/// A spec with its names and all that was seen.
pub struct World {
    /// The spec.
    pub spec: Spec,
    /// Its names.
    pub names: Names,
    /// All that was seen.
    pub seen: Inventory,
}

impl World {
    /// The default deployment.
    pub fn default_set() -> Self {
        Self::of(Spec::default())
    }

    /// A deployment of this spec, in the project `p-1`.
    pub fn of(spec: Spec) -> Self {
        let spec = Spec { project_id: "p-1".into(), ..spec };
        let names = Names::new("demo", &spec, "0a1b2c3d");
        let mut seen = platform();
        for step in [sql, server, front] {
            let context = Context { spec: &spec, names: &names, generation: GENERATION, seen: &seen };
            let (id, body) = step(&context);
            seen.note(id, Sighting::Present(body));
        }
        let context = Context { spec: &spec, names: &names, generation: GENERATION, seen: &seen };
        let (id, said) = (guest_attributes::id(&context), said());
        seen.note(id, Sighting::Present(said));
        secrets(&spec, &names, &mut seen);
        for reference in images::references(&spec) {
            let name = reference.rsplit('/').next().unwrap_or_default().replace(':', "-");
            seen.digests.insert(reference, format!("sha256:{name}"));
        }
        let context = Context { spec: &spec, names: &names, generation: GENERATION, seen: &seen };
        let copied = mirror::wanted(&context).iter().map(mirror::Wanted::place).collect();
        seen.mirror.copied = Some(Ok(copied));
        Self { spec, names, seen }
    }

    /// What documents are made from.
    pub fn context(&self) -> Context<'_> {
        Context { spec: &self.spec, names: &self.names, generation: GENERATION, seen: &self.seen }
    }

    /// Every Kubernetes object.
    pub fn declared(&self) -> Vec<Declared> {
        kubernetes::declare(&self.context())
    }

    /// The document of an object, by kind and the end of its name (`-web`; empty for the API's own).
    pub fn document(&self, kind: kubernetes::Kind, suffix: &str) -> Document {
        let name = format!("{}{suffix}", self.names.prefix);
        let id = match kind {
            kubernetes::Kind::Namespace => ResourceId::kubernetes(kind, "", &name),
            _ => ResourceId::kubernetes(kind, &self.names.namespace(&self.spec), &name),
        };
        let found = self.declared().into_iter().find(|declared| declared.id == id);
        match found.unwrap_or_else(|| panic!("{id} is not declared")).desired {
            Desired::Ready(document) => document,
            other => panic!("{id} is {other:?}"),
        }
    }

    /// The body of an object.
    pub fn body(&self, kind: kubernetes::Kind, suffix: &str) -> Value {
        self.document(kind, suffix).wire().clone()
    }

    /// A variable of a component's ConfigMap.
    pub fn variable(&self, component: &str, name: &str) -> Option<String> {
        let body = self.body(kubernetes::Kind::ConfigMap, &format!("-{component}-env"));
        body["data"][name].as_str().map(str::to_owned)
    }
}

/// Network and cluster.
fn platform() -> Inventory {
    let mut seen = Inventory::default();
    for kind in [Kind::Subnetwork, Kind::Cluster] {
        seen.listed.insert((super::library::resources::Kind::Google(kind), "projects/p-1".into()));
    }
    let subnet = ResourceId::google(Kind::Subnetwork, "projects/p-1/regions/us-central1/subnetworks/gke");
    seen.note(
        subnet,
        Sighting::Present(json!({
            "network": "https://www.googleapis.com/compute/v1/projects/p-1/global/networks/vpc",
            "ipCidrRange": "10.1.0.0/24", "description": "managed-by=services-gcp",
        })),
    );
    let cluster = ResourceId::google(Kind::Cluster, "projects/p-1/locations/us-central1/clusters/main");
    seen.note(
        cluster,
        Sighting::Present(json!({
            "name": "main", "location": "us-central1", "network": "vpc", "status": "RUNNING",
            "locations": ["us-central1-a", "us-central1-b"],
            "ipAllocationPolicy": {"clusterIpv4CidrBlock": "10.4.0.0/14"},
        })),
    );
    seen
}

fn sql(context: &Context<'_>) -> (ResourceId, Value) {
    let id = sql_instance::id(context);
    let name = format!("p-1:us-central1:{}", id.short_name());
    let addresses = json!([{"type": "PRIVATE", "ipAddress": "10.20.0.3"}]);
    (id, json!({"state": "RUNNABLE", "connectionName": name, "ipAddresses": addresses}))
}

fn server(context: &Context<'_>) -> (ResourceId, Value) {
    let body = json!({"status": "RUNNING", "networkInterfaces": [{"networkIP": "10.1.0.9"}]});
    (nfs::instance(context), body)
}

/// The VM says that its Redis takes the third version of its password.
fn said() -> Value {
    json!({"queryValue": {"items": [{"namespace": "dify-reconciler", "key": "redis-passwords", "value": "v3"}]}})
}

fn front(context: &Context<'_>) -> (ResourceId, Value) {
    (address::front(context), json!({"address": "203.0.113.7", "status": "RESERVED"}))
}

/// Every secret at its third version. The content tells its name, so that one that leaks is found.
fn secrets(spec: &Spec, names: &Names, seen: &mut Inventory) {
    let generated = secret::generated(spec).into_iter().map(|secret| names.secret(secret.suffix));
    let empty = Inventory::default();
    let context = Context { spec, names, generation: GENERATION, seen: &empty };
    let users = secret_version::user_secrets(&context);
    let crons = spec.cron_jobs.iter().filter_map(|job| job.secret_env_vars.as_ref());
    let crons = crons.flat_map(|variables| variables.values().cloned());
    let users = users.into_iter().chain(crons).map(|id| format!("projects/p-1/secrets/{id}"));
    for name in generated.chain(users).collect::<Vec<_>>() {
        let short = name.rsplit('/').next().unwrap_or_default();
        let content = Sensitive::new(format!("{SECRET}{short}"));
        seen.payloads.insert(name, Payload { version: 3, content });
    }
}

/// How every secret value begins.
pub const SECRET: &str = "TOP-SECRET-";
