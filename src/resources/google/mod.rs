//! Google Cloud resources: what should exist in the project.
//!
//! One kind, one file, and one driver for all of them. [`declare`] says what a deployment consists of.

pub mod address;
pub mod admission_policy;
pub mod attestor;
pub mod bucket;
pub mod bucket_policy;
pub mod certificate;
pub mod certificate_map;
pub mod certificate_map_entry;
pub mod cluster;
mod compare;
pub mod descriptor;
pub mod disk;
pub mod docker_image;
pub mod driver;
pub mod enabled_api;
pub mod firewall;
pub mod guest_attributes;
pub mod image_part;
pub mod instance;
pub mod kind;
pub mod labels;
pub mod nfs;
pub mod object;
mod patch;
mod policy;
pub mod project;
pub mod project_policy;
pub mod reading;
pub mod repository;
pub mod repository_policy;
mod request;
pub mod secret;
pub mod secret_history;
pub mod secret_policy;
pub mod secret_version;
pub mod service_account;
pub mod service_account_policy;
pub mod sql_database;
pub mod sql_instance;
pub mod sql_operation;
pub mod sql_user;
pub mod subnetwork;
#[cfg(test)]
pub(crate) mod testing;

pub use kind::Kind;
pub use secret_version::secret_lost;

use serde_json::Value;

use super::{Context, Declared, Desired, Document, ResourceId, Wait};
use crate::slice::Slice;

/// Every Google resource that should exist.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    [
        enabled_api::declare(context),
        service_account::declare(context),
        project_policy::declare(context),
        service_account_policy::declare(context),
        subnetwork::declare(context),
        cluster::declare(context),
        secret::declare(context),
        secret_version::declare(context),
        secret_history::declare(context),
        secret_policy::declare(context),
        sql_instance::declare(context),
        sql_database::declare(context),
        sql_user::declare(context),
        bucket::declare(context),
        bucket_policy::declare(context),
        nfs::declare(context),
        repository::declare(context),
        attestor::declare(context),
        admission_policy::declare(context),
        repository_policy::declare(context),
        docker_image::declare(context),
        address::declare_front(context),
        certificate::declare(context),
        certificate_map::declare(context),
        certificate_map_entry::declare(context),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What nothing is declared of and that has to be looked at all the same.
pub fn looked_at(context: &Context<'_>) -> Vec<ResourceId> {
    guest_attributes::looked_at(context).into_iter().collect()
}

/// Something that needs the project's APIs, and these.
fn declared(
    context: &Context<'_>,
    id: ResourceId,
    slice: Slice,
    desired: Desired,
    needs: Vec<ResourceId>,
) -> Declared {
    let needs = std::iter::once(enabled_api::id(context)).chain(needs).collect();
    Declared { id, slice, needs, desired }
}

/// A document that is known, or what it waits on.
fn ready_or_waiting(body: Result<Value, Wait>) -> Desired {
    match body {
        Ok(body) => Desired::Ready(Document::new(body)),
        Err(wait) => Desired::Waiting(vec![wait]),
    }
}

/// A resource's body when it was seen.
fn seen<'a>(context: &Context<'a>, kind: Kind, name: &str) -> Option<&'a Value> {
    context.seen.body(&ResourceId::google(kind, name))
}

/// Text at a pointer, empty when there is none.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The last part of a name or an address.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
