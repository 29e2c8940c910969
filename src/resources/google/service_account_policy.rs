//! Who may act as a service account: the pods' Kubernetes accounts, through workload identity.
//!
//! Identity: the account's name. Desired: `roles/iam.workloadIdentityUser` for
//! `serviceAccount:<pool>[<namespace>/<Kubernetes account>]`. Compare: contained. Written with the etag. It waits
//! for the cluster, because a pool that does not exist is refused as a member (IAM v1).

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Context, Declared, Desired, ResourceId, facts};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::{Kind, declared, policy, service_account};

/// IAM v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "iam.googleapis.com",
    get: "iam.projects.serviceAccounts.getIamPolicy",
    create: Create::Bindings(SET),
    update: Update::Bindings(SET),
    ..READ_ONLY
};

const SET: &str = "iam.projects.serviceAccounts.setIamPolicy";

/// The address of an account's policy.
pub fn id(context: &Context<'_>, email: &str) -> ResourceId {
    ResourceId::google(Kind::ServiceAccountPolicy, service_account::id(context, email).name)
}

/// One binding for the API's Kubernetes account, one for the plugin daemon's and one for the backup Jobs'.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let names = context.names;
    [
        (facts::workload_account(context), names.service().to_owned()),
        (facts::plugin_account(context), names.component("plugin-daemon")),
        (facts::backup_account(context), names.component("backup")),
    ]
    .into_iter()
    .map(|(email, account)| {
        let needs = vec![service_account::id(context, &email)];
        declared(context, id(context, &email), Slice::Project, desired(context, &account), needs)
    })
    .collect()
}

fn desired(context: &Context<'_>, account: &str) -> Desired {
    match facts::cluster(context) {
        Err(wait) => Desired::Waiting(vec![wait]),
        Ok(cluster) => {
            let namespace = context.names.namespace(context.spec);
            let member = format!("serviceAccount:{}[{namespace}/{account}]", cluster.workload_pool);
            Desired::Ready(policy::document(&[("roles/iam.workloadIdentityUser", vec![member])]))
        }
    }
}

/// The call that reads it, conditions included.
pub fn read(id: &ResourceId) -> GoogleRequest {
    policy::read(&DESCRIPTOR, Method::Post, id)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::inventory::Inventory;
    use crate::resources::google::testing::{body, declared, platform};
    use crate::spec::Spec;

    #[test]
    fn each_kubernetes_account_becomes_its_own_google_account() {
        let policies = declared(Spec::default(), &platform(), declare);
        let members: Vec<&Value> =
            policies.iter().map(|policy| &body(policy)["bindings"][0]["members"][0]).collect();
        let pool = "serviceAccount:p-1.svc.id.goog[appdifydemo0a1b2c3d/appdifydemo0a1b2c3d";
        let expected = ["]", "-plugin-daemon]", "-backup]"].map(|end| json!(format!("{pool}{end}")));
        assert_eq!(members, expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_pool_that_may_not_exist_is_waited_for() {
        let policies = declared(Spec::default(), &Inventory::default(), declare);
        assert!(policies.iter().all(|policy| matches!(policy.desired, Desired::Waiting(_))));
    }
}
