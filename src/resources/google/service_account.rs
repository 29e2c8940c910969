//! Google service accounts: the workload's, the plugin daemon's, the backups' and the NFS VM's.
//!
//! Identity: `projects/<p>/serviceAccounts/<email>`. Desired: display name and description (accounts have no
//! labels). Compare: both. Readiness: at once, unless disabled. An account made anew under the same address is
//! another principal, so none is ever removed and made again (IAM v1).

use serde_json::{Value, json};

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Context, Declared, Desired, Document, Readiness, ResourceId, facts};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Revision, Update};
use super::{Kind, declared, nfs, patch, request};

/// IAM v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "iam.googleapis.com",
    get: "iam.projects.serviceAccounts.get",
    create: Create::Custom(create),
    update: Update::Custom(update),
    delete: Some("iam.projects.serviceAccounts.delete"),
    readiness,
    ..READ_ONLY
};

/// The address of an account by its e-mail.
pub fn id(context: &Context<'_>, email: &str) -> ResourceId {
    // An account of another project has that project in its e-mail.
    let project = email
        .split_once('@')
        .and_then(|(_, domain)| domain.strip_suffix(".iam.gserviceaccount.com"))
        .unwrap_or(&context.names.project);
    ResourceId::google(Kind::ServiceAccount, format!("projects/{project}/serviceAccounts/{email}"))
}

/// The accounts that the pods use.
pub fn ids(context: &Context<'_>) -> Vec<ResourceId> {
    let accounts =
        [facts::workload_account(context), facts::plugin_account(context), facts::backup_account(context)];
    accounts.iter().map(|email| id(context, email)).collect()
}

/// An account as a member of a policy.
pub fn member(email: &str) -> String {
    format!("serviceAccount:{email}")
}

/// The accounts of this spec.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let names = context.names;
    let given = !context.spec.gke_service_account.is_empty();
    let workload = if given { Desired::Found } else { described(context, "workload") };
    let mut accounts = vec![
        (facts::workload_account(context), workload),
        (facts::plugin_account(context), described(context, "plugin daemon")),
        (facts::backup_account(context), described(context, "backup")),
    ];
    if nfs::is_created(context) {
        accounts.push((names.account_email(&names.nfs_account()), described(context, "NFS server")));
    }
    accounts
        .into_iter()
        .map(|(email, desired)| declared(context, id(context, &email), Slice::Project, desired, Vec::new()))
        .collect()
}

fn described(context: &Context<'_>, what: &str) -> Desired {
    let deployment = &context.names.deployment;
    Desired::Ready(Document::new(json!({
        "displayName": format!("Dify {what} ({})", context.names.id),
        "description": format!("The {what} of the Dify deployment {deployment}; managed by dify-reconciler."),
    })))
}

fn create(id: &ResourceId, desired: &Document) -> GoogleRequest {
    let account = id.short_name().split('@').next().unwrap_or_default();
    let body = json!({"accountId": account, "serviceAccount": desired.wire()});
    request::post(&DESCRIPTOR, id, "iam.projects.serviceAccounts.create", body)
}

fn update(revision: &Revision<'_>) -> Result<GoogleRequest, String> {
    let fields: Vec<&str> =
        revision.changes.iter().map(|change| change.path.trim_start_matches('/')).collect();
    let mut account = json!({});
    for field in &fields {
        account[*field] = revision.desired.wire()[*field].clone();
    }
    let path = DESCRIPTOR.path(&revision.id.name, "");
    let mut call = DESCRIPTOR.call(Method::Patch, path, "iam.projects.serviceAccounts.patch");
    let body = json!({"serviceAccount": account, "updateMask": fields.join(",")});
    call.body = patch::document(&DESCRIPTOR, body);
    Ok(call)
}

fn readiness(seen: &Value) -> Readiness {
    match seen.get("disabled").and_then(Value::as_bool) {
        Some(true) => Readiness::Failed("the service account is disabled; enable it".into()),
        _ => Readiness::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::driver;

    #[test]
    fn an_account_is_made_by_its_short_id() {
        let id = ResourceId::google(
            Kind::ServiceAccount,
            "projects/p-1/serviceAccounts/gke-sa-1f@p-1.iam.gserviceaccount.com",
        );
        let call = driver::create(&id, &Document::new(json!({"displayName": "x"})), 1);
        assert_eq!(call.path, "v1/projects/p-1/serviceAccounts");
        let crate::plan::Body::Document(body) = call.body else { panic!("no body") };
        assert_eq!(body.wire()["accountId"], "gke-sa-1f");
    }

    #[test]
    fn a_disabled_account_is_nothing_to_build_on() {
        assert!(matches!(readiness(&json!({"disabled": true})), Readiness::Failed(_)));
    }
}
