//! Who may pull from the deployment's repository: the nodes of its cluster, nobody else.
//!
//! Identity: the repository's name. Desired: `roles/artifactregistry.reader` on that one repository for the accounts
//! that the cluster's nodes run as. New projects give the default account no role any more, and then no pod of ours would
//! start. Compare: contained. Written with the etag; a stale one is refused with 409 (Artifact Registry v1).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Context, Declared, Desired, Kind as AnyKind, ResourceId, Wait, facts};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::{Kind, declared, policy, repository, service_account, text};

/// Artifact Registry v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "artifactregistry.googleapis.com",
    get: "artifactregistry.projects.locations.repositories.getIamPolicy",
    create: Create::Bindings(SET),
    update: Update::Bindings(SET),
    ..READ_ONLY
};

const SET: &str = "artifactregistry.projects.locations.repositories.setIamPolicy";

/// The grant on the repository.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let repository = repository::id(context);
    let id = ResourceId::google(Kind::RepositoryPolicy, repository.name.clone());
    let desired = match node_accounts(context) {
        Ok(accounts) => {
            let members = accounts.iter().map(|email| service_account::member(email)).collect();
            Desired::Ready(policy::document(&[("roles/artifactregistry.reader", members)]))
        }
        Err(wait) => Desired::Waiting(vec![wait]),
    };
    vec![declared(context, id, Slice::Images, desired, vec![repository])]
}

/// The call that reads it, conditions included.
pub fn read(id: &ResourceId) -> GoogleRequest {
    policy::read(&DESCRIPTOR, Method::Get, id)
}

/// The accounts of the cluster's nodes: those that its node pools name, or Compute Engine's default.
fn node_accounts(context: &Context<'_>) -> Result<BTreeSet<String>, Wait> {
    let cluster = facts::cluster(context)?;
    let body = context.seen.body(&cluster.id).cloned().unwrap_or_default();
    let pools = body.get("nodePools").and_then(Value::as_array).into_iter().flatten();
    let named = pools
        .map(|pool| text(pool, "/config/serviceAccount"))
        // Autopilot makes its pools from these.
        .chain([text(&body, "/autoscaling/autoprovisioningNodePoolDefaults/serviceAccount")])
        .chain([text(&body, "/nodeConfig/serviceAccount")]);
    let named: BTreeSet<String> = named.filter(|email| email.contains('@')).map(str::to_owned).collect();
    if !named.is_empty() {
        return Ok(named);
    }
    let number =
        project_number(context).ok_or_else(|| Wait::dependency("the project's number is not known yet"))?;
    Ok([format!("{number}-compute@developer.gserviceaccount.com")].into())
}

/// The project's number, which Cloud Storage tells with each bucket.
fn project_number(context: &Context<'_>) -> Option<String> {
    let mut buckets = context.seen.of_kind(AnyKind::Google(Kind::Bucket));
    buckets.find_map(|(_, bucket)| match bucket.get("projectNumber")? {
        Value::String(number) if !number.is_empty() => Some(number.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::Inventory;
    use crate::resources::google::testing::{body, declared, note, platform};
    use crate::spec::Spec;

    const CLUSTER: &str = "projects/p-1/locations/us-central1/clusters/main";

    fn members(seen: &Inventory) -> Value {
        let all = declared(Spec::default(), seen, declare);
        body(&all[0])["bindings"][0]["members"].clone()
    }

    #[test]
    fn nodes_pull_under_the_account_that_their_pools_name() {
        let mut seen = platform();
        let cluster = json!({"location": "us-central1", "network": "vpc", "nodePools": [
            {"config": {"serviceAccount": "nodes@p-1.iam.gserviceaccount.com"}},
            {"config": {"serviceAccount": "default"}}]});
        note(&mut seen, Kind::Cluster, CLUSTER, cluster);
        assert_eq!(members(&seen), json!(["serviceAccount:nodes@p-1.iam.gserviceaccount.com"]));
    }

    #[test]
    fn without_a_name_they_are_compute_engines_own() {
        let mut seen = platform();
        let unknown = declared(Spec::default(), &seen, declare);
        assert!(
            matches!(unknown[0].desired, Desired::Waiting(_)),
            "the account has the project's number in it"
        );
        note(&mut seen, Kind::Bucket, "b/appdify-storage", json!({"projectNumber": "77"}));
        assert_eq!(members(&seen), json!(["serviceAccount:77-compute@developer.gserviceaccount.com"]));
    }
}
