//! The APIs that the deployment needs, as one resource.
//!
//! Identity: `projects/<p>/services`. Desired: `{"services": [...]}`, only what this spec needs. Compare: every
//! one of them is enabled; others are none of our business and nothing is ever disabled. Written with
//! `services:batchEnable`, at most twenty per call (Service Usage v1). Readiness: at once; right after
//! enabling, calls may be refused with `SERVICE_DISABLED` for minutes, which the transport retries.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::plan::GoogleRequest;
use crate::resources::{Change, Context, Declared, Desired, Document, ResourceId};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Revision, Update};
use super::{Kind, request, short, text};

/// Service Usage v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "serviceusage.googleapis.com",
    get: "serviceusage.services.list",
    create: Create::Custom(create),
    update: Update::Custom(update),
    ..READ_ONLY
};

/// The most services one call enables.
const MOST_PER_CALL: usize = 20;

const BATCH_ENABLE: &str = "serviceusage.services.batchEnable";

/// What every deployment uses.
const ALWAYS: [&str; 9] = [
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    // The Auth Proxy and Dify get their tokens through workload identity.
    "iamcredentials.googleapis.com",
    "secretmanager.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
];

/// The resource's address.
pub fn id(context: &Context<'_>) -> ResourceId {
    ResourceId::google(Kind::EnabledApi, format!("projects/{}/services", context.names.project))
}

/// The APIs of this spec.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let spec = context.spec;
    let mut services: Vec<&str> = ALWAYS.to_vec();
    if spec.sql_instance_name.is_empty() {
        // A private address comes out of the network's peering with this service.
        services.push("servicenetworking.googleapis.com");
    }
    if spec.enable_custom_domain {
        services.push("certificatemanager.googleapis.com");
    }
    if spec.enable_cloud_deploy {
        services.push("clouddeploy.googleapis.com");
    }
    if spec.image_policy.build_trigger.is_some() {
        services.push("cloudbuild.googleapis.com");
    }
    if spec.enable_binary_authorization || spec.image_policy.require_attestations.is_some() {
        services.extend(["binaryauthorization.googleapis.com", "containeranalysis.googleapis.com"]);
    }
    let desired = Desired::Ready(Document::new(json!({ "services": services })));
    vec![Declared { id: id(context), slice: Slice::Project, needs: Vec::new(), desired }]
}

/// The services that are not enabled.
pub fn compare(desired: &Document, seen: &Value) -> Vec<Change> {
    missing(desired, seen)
        .into_iter()
        .map(|service| Change {
            path: format!("/services/{service}"),
            from: None,
            to: Some("ENABLED".into()),
        })
        .collect()
}

fn missing(desired: &Document, seen: &Value) -> Vec<String> {
    let list = |value: &Value| value.get("services").and_then(Value::as_array).cloned().unwrap_or_default();
    let enabled: BTreeSet<String> = list(seen)
        .iter()
        .filter(|service| text(service, "/state") == "ENABLED")
        .map(|service| short(text(service, "/name")).to_owned())
        .collect();
    let wanted = list(desired.wire());
    wanted
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| !enabled.contains(*name))
        .map(str::to_owned)
        .collect()
}

fn create(id: &ResourceId, desired: &Document) -> GoogleRequest {
    enable(id, missing(desired, &Value::Null))
}

fn update(revision: &Revision<'_>) -> Result<GoogleRequest, String> {
    Ok(enable(revision.id, missing(revision.desired, revision.seen)))
}

fn enable(id: &ResourceId, mut services: Vec<String>) -> GoogleRequest {
    services.truncate(MOST_PER_CALL);
    request::on(&DESCRIPTOR, id, ":batchEnable", BATCH_ENABLE, json!({ "serviceIds": services }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::driver;

    #[test]
    fn only_what_is_missing_is_enabled_twenty_at_a_time() {
        let names: Vec<String> = (0..25).map(|number| format!("a{number:02}.googleapis.com")).collect();
        let desired = Document::new(json!({ "services": names }));
        let seen =
            json!({"services": [{"name": "projects/1/services/a00.googleapis.com", "state": "ENABLED"}]});
        let id = ResourceId::google(Kind::EnabledApi, "projects/p/services");
        let changes = driver::compare(Kind::EnabledApi, &desired, &seen);
        assert_eq!(changes.len(), 24);
        let call = driver::update(&id, &desired, &seen, &changes, 1).unwrap();
        assert_eq!(call.path, "v1/projects/p/services:batchEnable");
        let crate::plan::Body::Document(body) = call.body else { panic!("no body") };
        assert_eq!(body.wire()["serviceIds"].as_array().map(Vec::len), Some(20));
        assert_eq!(body.wire()["serviceIds"][0], "a01.googleapis.com");
    }
}
