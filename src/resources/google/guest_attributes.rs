//! What the VM says of itself: guest attributes, which a service on it writes through the metadata server.
//!
//! Identity: the VM's name. Only looked at, and only when there is something to be learnt (Compute v1; a VM that has
//! written none answers 404).

use serde_json::Value;

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Context, ResourceId};
use crate::rotation::keys;

use super::descriptor::{Descriptor, READ_ONLY};
use super::{Kind, nfs, text};

/// Compute v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "compute.googleapis.com",
    base: "compute/v1",
    get: "compute.instances.getGuestAttributes",
    ..READ_ONLY
};

/// The namespace of ours.
pub const NAMESPACE: &str = "dify-reconciler";

/// The address of the VM's guest attributes.
pub fn id(context: &Context<'_>) -> ResourceId {
    ResourceId::google(Kind::GuestAttributes, nfs::instance(context).name)
}

/// Those that have to be looked at: while Redis may take more than its first password.
pub fn looked_at(context: &Context<'_>) -> Option<ResourceId> {
    keys::watched(context).contains(&keys::REDIS).then(|| id(context))
}

/// The call that reads those of ours.
pub fn read(id: &ResourceId) -> GoogleRequest {
    let path = DESCRIPTOR.path(&id.name, "/getGuestAttributes");
    let mut call = DESCRIPTOR.call(Method::Get, path, DESCRIPTOR.get);
    call.query = vec![("queryPath", format!("{NAMESPACE}/"))];
    call
}

/// One of ours.
pub fn value<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    let items = body.pointer("/queryValue/items")?.as_array()?;
    let ours = |item: &&Value| text(item, "/namespace") == NAMESPACE && text(item, "/key") == key;
    items.iter().find(ours).map(|item| text(item, "/value"))
}
