//! Who may read a secret: the NFS VM reads the Redis password when it starts, nobody else anything.
//!
//! Identity: the secret's name. Desired: `roles/secretmanager.secretAccessor` on that one secret for the VM's
//! account. Pods get their secrets from Kubernetes, so their accounts have no access at all. Compare: contained.
//! Written with the etag; a stale one is refused with 409 ABORTED (Secret Manager v1).

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Context, Declared, Desired, ResourceId, facts};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::{Kind, declared, policy, secret, service_account};

/// Secret Manager v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "secretmanager.googleapis.com",
    get: "secretmanager.projects.secrets.getIamPolicy",
    create: Create::Bindings(SET),
    update: Update::Bindings(SET),
    ..READ_ONLY
};

const SET: &str = "secretmanager.projects.secrets.setIamPolicy";

/// The address of a secret's policy, by the end of the secret's name.
pub fn id(context: &Context<'_>, suffix: &str) -> ResourceId {
    ResourceId::google(Kind::SecretPolicy, context.names.secret(suffix))
}

/// The one grant, when Redis is ours.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    if !facts::redis_is_ours(context.spec) {
        return Vec::new();
    }
    let email = context.names.account_email(&context.names.nfs_account());
    let bindings = [("roles/secretmanager.secretAccessor", vec![service_account::member(&email)])];
    let needs = vec![secret::id(context, "redis-password"), service_account::id(context, &email)];
    let desired = Desired::Ready(policy::document(&bindings));
    vec![declared(context, id(context, "redis-password"), Slice::Secrets, desired, needs)]
}

/// The call that reads it, conditions included.
pub fn read(id: &ResourceId) -> GoogleRequest {
    policy::read(&DESCRIPTOR, Method::Get, id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::testing::{body, declared, platform};
    use crate::spec::Spec;

    #[test]
    fn only_the_redis_vm_reads_a_secret_and_only_its_own() {
        let policies = declared(Spec::default(), &platform(), declare);
        assert_eq!(policies.len(), 1);
        assert!(policies[0].id.name.ends_with("-redis-password"));
        assert!(
            body(&policies[0])["bindings"][0]["members"][0]
                .as_str()
                .is_some_and(|who| who.contains("app-nfs-sa-"))
        );
        let elsewhere = Spec { redis_host: "10.0.0.5".into(), ..Spec::default() };
        assert!(declared(elsewhere, &platform(), declare).is_empty());
    }
}
