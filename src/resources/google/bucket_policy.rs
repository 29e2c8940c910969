//! Who may use a bucket.
//!
//! Identity: the bucket's name. Desired: `roles/storage.objectUser` and `roles/storage.legacyBucketReader` (Dify asks
//! for the bucket before each object) for the workload's account on Dify's bucket and on the user's, and for the
//! plugin daemon's own account on the plugin bucket: code from plugins does not reach Dify's keys. Compare: contained.
//! The etag is the bucket's metageneration; a stale one is refused with 412 (Cloud Storage v1).

use serde_json::Value;

use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::{Context, Declared, Desired, Document, ResourceId, facts};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Revision, Update};
use super::{Kind, bucket, declared, policy, service_account};

/// Cloud Storage v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "storage.googleapis.com",
    base: "storage/v1",
    get: "storage.buckets.getIamPolicy",
    create: Create::Custom(create),
    update: Update::Custom(update),
    ..READ_ONLY
};

/// The address of a bucket's policy.
pub fn id(bucket: &str) -> ResourceId {
    ResourceId::google(Kind::BucketPolicy, format!("b/{bucket}"))
}

/// The grants on each bucket that pods use. What serves does not reach the backups; the backup Jobs reach all three of
/// Dify's buckets, because a restore writes back what a backup has read.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let (workload, plugin) = (facts::workload_account(context), facts::plugin_account(context));
    let backup = facts::backup_account(context);
    let bucket = |suffix: &str| context.names.bucket(suffix);
    let own = [
        (bucket("storage"), vec![&workload, &backup]),
        (bucket("plugin"), vec![&plugin, &backup]),
        (bucket("backups"), vec![&backup]),
    ];
    let theirs = bucket::user_buckets(context);
    let theirs = theirs.into_iter().map(|bucket| (bucket::name(context, bucket), vec![&workload]));
    own.into_iter()
        .chain(theirs)
        .map(|(name, emails)| {
            let members = || emails.iter().map(|email| service_account::member(email)).collect();
            let bindings =
                [("roles/storage.objectUser", members()), ("roles/storage.legacyBucketReader", members())];
            let accounts = emails.iter().map(|email| service_account::id(context, email));
            let needs = std::iter::once(bucket::id(&name)).chain(accounts).collect();
            let desired = Desired::Ready(policy::document(&bindings));
            declared(context, id(&name), Slice::Storage, desired, needs)
        })
        .collect()
}

/// The call that reads it, conditions included.
pub fn read(id: &ResourceId) -> GoogleRequest {
    let mut call = DESCRIPTOR.call(Method::Get, DESCRIPTOR.path(&id.name, "/iam"), DESCRIPTOR.get);
    call.query.push(("optionsRequestedPolicyVersion", "3".into()));
    call
}

fn create(id: &ResourceId, desired: &Document) -> GoogleRequest {
    set(id, policy::first(desired))
}

fn update(revision: &Revision<'_>) -> Result<GoogleRequest, String> {
    Ok(set(revision.id, policy::complete(revision.desired, revision.seen)?))
}

fn set(id: &ResourceId, policy: Value) -> GoogleRequest {
    let path = DESCRIPTOR.path(&id.name, "/iam");
    let mut call = DESCRIPTOR.call(Method::Put, path, "storage.buckets.setIamPolicy");
    call.body = Body::Document(Document::new(policy));
    call
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::testing::{body, declared, needs, platform};
    use crate::spec::Spec;

    #[test]
    fn plugins_do_not_reach_difys_files() {
        let policies = declared(Spec::default(), &platform(), declare);
        let of =
            |bucket: &str| policies.iter().find(|policy| policy.id.name.ends_with(bucket)).expect(bucket);
        assert_eq!(
            body(of("-storage"))["bindings"][0]["members"][0],
            "serviceAccount:gke-sa-0a1b2c3d@p-1.iam.gserviceaccount.com"
        );
        assert_eq!(
            body(of("-plugin"))["bindings"][0]["members"][0],
            "serviceAccount:gke-plugin-0a1b2c3d@p-1.iam.gserviceaccount.com"
        );
        assert!(needs(of("-plugin"), Kind::ServiceAccount, "gke-plugin"));
        let backups = body(of("-backups"))["bindings"].to_string();
        assert!(backups.contains("gke-backup-") && !backups.contains("gke-sa-"), "{backups}");
    }
}
