//! Reserved addresses: the front door's global one and the NFS server's internal one.
//!
//! Identity: `projects/<p>/global/addresses/<a>` and `projects/<p>/regions/<r>/addresses/<a>`. Desired: type and
//! labels; the API takes labels only through `setLabels`, in a second call. Compare: both. Readiness: `RESERVED` or
//! `IN_USE`. An address that the user has reserved under the spec's name is used, not written (Compute v1).

use serde_json::{Value, json};

use crate::plan::GoogleRequest;
use crate::resources::{Context, Declared, Desired, Document, Readiness, ResourceId, Wait, WaitKind};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, Precondition, READ_ONLY, Revision, Update};
use super::{Kind, declared, labels, patch, ready_or_waiting, request, seen, text};

const FIXED: &str = "an address is reserved for what it is; reserve another one";

/// Compute v1, global.
pub const GLOBAL: Descriptor = Descriptor {
    get: "compute.globalAddresses.get",
    create: Create::Custom(create_global),
    update: Update::Custom(label_global),
    delete: Some("compute.globalAddresses.delete"),
    ..INTERNAL
};

/// Compute v1, in a region.
pub const INTERNAL: Descriptor = Descriptor {
    host: "compute.googleapis.com",
    base: "compute/v1",
    get: "compute.addresses.get",
    create: Create::Custom(create_internal),
    update: Update::Custom(label_internal),
    delete: Some("compute.addresses.delete"),
    delete_precondition: Precondition::RequestId,
    labels: Some("/labels"),
    immutable: &[("/addressType", FIXED), ("/subnetwork", FIXED), ("/purpose", FIXED), ("/ipVersion", FIXED)],
    readiness,
    ..READ_ONLY
};

/// The front door's address.
pub fn front(context: &Context<'_>) -> ResourceId {
    let (spec, names) = (context.spec, context.names);
    let name = match spec.static_ip_name.as_str() {
        "" => names.component("gateway-ip"),
        given => given.to_owned(),
    };
    ResourceId::google(Kind::GlobalAddress, format!("projects/{}/global/addresses/{name}", names.project))
}

/// The front door's address, where there is a front door and it is to be reserved.
pub fn declare_front(context: &Context<'_>) -> Vec<Declared> {
    let spec = context.spec;
    if !spec.reserve_static_ip || spec.service_type == "ClusterIP" {
        return Vec::new();
    }
    let id = front(context);
    let theirs = !spec.static_ip_name.is_empty()
        && seen(context, Kind::GlobalAddress, &id.name).is_some_and(|body| !labels::ours(&GLOBAL, body));
    let body = json!({"addressType": "EXTERNAL", "ipVersion": "IPV4", "labels": labels::all(context)});
    let desired = if theirs { Desired::Found } else { ready_or_waiting(Ok(body)) };
    vec![declared(context, id, Slice::Exposure, desired, Vec::new())]
}

fn create_global(id: &ResourceId, desired: &Document) -> GoogleRequest {
    insert(&GLOBAL, id, desired, "compute.globalAddresses.insert")
}

fn create_internal(id: &ResourceId, desired: &Document) -> GoogleRequest {
    insert(&INTERNAL, id, desired, "compute.addresses.insert")
}

fn insert(
    descriptor: &Descriptor,
    id: &ResourceId,
    desired: &Document,
    method_id: &'static str,
) -> GoogleRequest {
    let mut body = desired.wire().clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("labels");
    }
    patch::put(&mut body, "/name", id.short_name().into());
    request::post(descriptor, id, method_id, body)
}

fn label_global(revision: &Revision<'_>) -> Result<GoogleRequest, String> {
    // The one write of Compute without a request id; the fingerprint is precondition enough.
    set_labels(revision, "compute.globalAddresses.setLabels", false)
}

fn label_internal(revision: &Revision<'_>) -> Result<GoogleRequest, String> {
    set_labels(revision, "compute.addresses.setLabels", true)
}

/// The call that sets a Compute resource's labels, tied to their fingerprint.
///
/// # Errors
/// When no fingerprint was seen.
pub fn set_labels(
    revision: &Revision<'_>,
    method_id: &'static str,
    request_id: bool,
) -> Result<GoogleRequest, String> {
    let descriptor = revision.descriptor;
    let labels = labels::merged(descriptor, revision.desired.wire(), revision.seen).unwrap_or_default();
    let fingerprint = patch::seen_text(revision, "/labelFingerprint")?;
    let body = json!({"labels": labels, "labelFingerprint": fingerprint});
    let mut call = request::on(descriptor, revision.id, "/setLabels", method_id, body);
    if request_id {
        call.query.push(("requestId", request::change_id(revision, method_id)));
    }
    Ok(call)
}

fn readiness(seen: &Value) -> Readiness {
    match text(seen, "/status") {
        "RESERVED" | "IN_USE" => Readiness::Ready,
        _ => Readiness::NotYet(Wait::new(WaitKind::Operation, "the address is being reserved")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Body;
    use crate::resources::google::driver;

    #[test]
    fn labels_come_in_a_second_call() {
        let id = ResourceId::google(Kind::GlobalAddress, "projects/p/global/addresses/a");
        let desired = Document::new(json!({"addressType": "EXTERNAL", "labels": {"tenant": "demo"}}));
        let Body::Document(body) = driver::create(&id, &desired, 1).body else { panic!("no body") };
        assert_eq!(*body.wire(), json!({"addressType": "EXTERNAL", "name": "a"}));

        let seen = json!({"addressType": "EXTERNAL", "status": "RESERVED", "labelFingerprint": "f="});
        let changes = driver::compare(Kind::GlobalAddress, &desired, &seen);
        let call = driver::update(&id, &desired, &seen, &changes, 1).unwrap();
        assert_eq!(call.path, "compute/v1/projects/p/global/addresses/a/setLabels");
        assert!(call.query.is_empty());
    }

    #[test]
    fn a_reserved_address_is_ready_before_anything_uses_it() {
        assert_eq!(readiness(&json!({"status": "RESERVED"})), Readiness::Ready);
        assert!(matches!(readiness(&json!({"status": "RESERVING"})), Readiness::NotYet(_)));
    }
}
