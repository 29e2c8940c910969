//! The project's IAM policy, as far as it is ours.
//!
//! Identity: the project's name. Desired: `roles/cloudsql.client` for the accounts whose pods run the Auth
//! Proxy, because Cloud SQL has no policy of its own per instance. Nothing else is granted on the project.
//! Compare: contained. Written with the etag and a mask, so that audit settings stay (Resource Manager v3).

use serde_json::json;

use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::{Change, Context, Declared, Desired, Document, ResourceId, facts};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Revision, Update};
use super::{Kind, declared, policy, request, service_account};

/// Cloud Resource Manager v3.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "cloudresourcemanager.googleapis.com",
    base: "v3",
    get: "cloudresourcemanager.projects.getIamPolicy",
    create: Create::Custom(create),
    update: Update::Custom(update),
    ..READ_ONLY
};

const SET: &str = "cloudresourcemanager.projects.setIamPolicy";

/// The grants on the project; none when the database is reached without the proxy.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    if !context.spec.enable_cloudsql_volume {
        return Vec::new();
    }
    let id = ResourceId::google(Kind::ProjectPolicy, format!("projects/{}", context.names.project));
    let accounts =
        [facts::workload_account(context), facts::plugin_account(context), facts::backup_account(context)];
    let members = accounts.iter().map(|email| service_account::member(email)).collect();
    let needs = service_account::ids(context);
    let desired = Desired::Ready(policy::document(&[("roles/cloudsql.client", members)]));
    vec![declared(context, id, Slice::Project, desired, needs)]
}

/// The call that reads it, conditions included.
pub fn read(id: &ResourceId) -> GoogleRequest {
    let mut call = DESCRIPTOR.call(Method::Post, DESCRIPTOR.path(&id.name, ":getIamPolicy"), DESCRIPTOR.get);
    call.body = Body::Document(Document::new(json!({"options": {"requestedPolicyVersion": 3}})));
    call
}

/// The call that takes our members out of the policy as it was seen, and what it takes out; `None` when they are
/// not in it, or when it was seen without an etag to tie the call to.
pub fn revoke(
    id: &ResourceId,
    desired: &Document,
    seen: &serde_json::Value,
) -> Option<(Vec<Change>, GoogleRequest)> {
    seen.get("etag")?.as_str().filter(|etag| !etag.is_empty())?;
    let (changes, policy) = policy::without(desired, seen)?;
    Some((changes, set(id, policy)))
}

fn create(id: &ResourceId, desired: &Document) -> GoogleRequest {
    set(id, policy::first(desired))
}

fn update(revision: &Revision<'_>) -> Result<GoogleRequest, String> {
    Ok(set(revision.id, policy::complete(revision.desired, revision.seen)?))
}

fn set(id: &ResourceId, policy: serde_json::Value) -> GoogleRequest {
    let body = json!({"policy": policy, "updateMask": "bindings,etag"});
    request::on(&DESCRIPTOR, id, ":setIamPolicy", SET, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::driver;

    #[test]
    fn a_missing_member_is_added_under_the_seen_etag() {
        let id = ResourceId::google(Kind::ProjectPolicy, "projects/p");
        let desired = policy::document(&[("roles/cloudsql.client", vec!["serviceAccount:a@p.iam".into()])]);
        let seen =
            json!({"etag": "BwX=", "bindings": [{"role": "roles/owner", "members": ["user:o@example.com"]}]});
        let changes = driver::compare(Kind::ProjectPolicy, &desired, &seen);
        let call = driver::update(&id, &desired, &seen, &changes, 1).unwrap();
        assert_eq!(call.path, "v3/projects/p:setIamPolicy");
        let Body::Document(body) = call.body else { panic!("no body") };
        assert_eq!(body.wire()["policy"]["etag"], "BwX=");
        assert_eq!(body.wire()["policy"]["bindings"].as_array().map(Vec::len), Some(2));
    }
}
