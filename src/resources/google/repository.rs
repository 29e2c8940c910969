//! The Artifact Registry repository for mirrored and built images.
//!
//! Identity: `projects/<p>/locations/<r>/repositories/<prefix>`. Desired: Docker format and the cleanup policies of the
//! spec. Compare: policies as a whole, labels. Readiness: at once. What runs is kept: deployed digests carry a tag
//! that begins with `deployed-`, and KEEP wins over DELETE (module defect D-18; Artifact Registry v1, no etag).
//!
//! Each copied image is a package of its own, and the newest versions are kept by package: an index and the manifests
//! that it lists count as one version each, so that this rule alone could let go of what runs. The tag is what keeps it, one
//! for each digest, so that the digest to go back to is kept as well. The manifests that an index lists have none:
//! Artifact Registry refuses to delete a manifest that another one refers to.

use serde_json::{Value, json};

use crate::resources::{Context, Declared, ResourceId, Wait, facts};
use crate::slice::Slice;
use crate::spec::Spec;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::{Kind, declared, labels, ready_or_waiting};

/// Artifact Registry v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "artifactregistry.googleapis.com",
    get: "artifactregistry.projects.locations.repositories.get",
    create: Create::NamedInQuery {
        method_id: "artifactregistry.projects.locations.repositories.create",
        parameter: "repositoryId",
    },
    update: Update::Masked {
        method_id: "artifactregistry.projects.locations.repositories.patch",
        etag: false,
    },
    delete: Some("artifactregistry.projects.locations.repositories.delete"),
    labels: Some("/labels"),
    immutable: &[
        ("/format", "a repository holds one format for ever"),
        ("/mode", "a repository's mode is fixed when it is made"),
        ("/kmsKeyName", "a repository's key is fixed when it is made"),
    ],
    whole: &["/cleanupPolicies"],
    ..READ_ONLY
};

/// Beginning of the tags on digests that workloads run.
pub const DEPLOYED_TAG: &str = "deployed-";

const DAY_SECS: u64 = 86_400;

/// The repository's address.
pub fn id(context: &Context<'_>) -> ResourceId {
    let region = facts::region(context).unwrap_or_else(|_| context.spec.region.clone());
    let (project, name) = (&context.names.project, &context.names.prefix);
    ResourceId::google(Kind::Repository, format!("projects/{project}/locations/{region}/repositories/{name}"))
}

/// The deployment's repository.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    vec![declared(context, id(context), Slice::Images, ready_or_waiting(body(context)), Vec::new())]
}

fn body(context: &Context<'_>) -> Result<Value, Wait> {
    facts::region(context)?;
    Ok(json!({
        "format": "DOCKER",
        "mode": "STANDARD_REPOSITORY",
        "description": format!("Images of the Dify deployment {}", context.names.deployment),
        "labels": labels::all(context),
        "cleanupPolicyDryRun": false,
        "cleanupPolicies": policies(context.spec),
    }))
}

fn policies(spec: &Spec) -> Value {
    let mut policies = json!({
        "keep-deployed": {
            "id": "keep-deployed",
            "action": "KEEP",
            "condition": {"tagState": "TAGGED", "tagPrefixes": [DEPLOYED_TAG]},
        },
    });
    if spec.max_images_to_retain > 0 {
        policies["keep-recent"] = json!({
            "id": "keep-recent",
            "action": "KEEP",
            "mostRecentVersions": {"keepCount": spec.max_images_to_retain},
        });
    }
    if spec.delete_untagged_images {
        policies["delete-untagged"] = json!({
            "id": "delete-untagged",
            "action": "DELETE",
            "condition": {"tagState": "UNTAGGED"},
        });
    }
    if spec.image_retention_days > 0 {
        let age_secs = u64::from(spec.image_retention_days) * DAY_SECS;
        policies["delete-old"] = json!({
            "id": "delete-old",
            "action": "DELETE",
            "condition": {"tagState": "ANY", "olderThan": format!("{age_secs}s")},
        });
    }
    policies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Document;
    use crate::resources::google::driver;

    #[test]
    fn a_rule_that_is_switched_off_goes() {
        let off = Spec { image_retention_days: 0, ..Spec::default() };
        let desired = Document::new(json!({"cleanupPolicies": policies(&off), "labels": {}}));
        let seen = json!({"cleanupPolicies": policies(&Spec::default())});
        let id = ResourceId::google(Kind::Repository, "projects/p/locations/r/repositories/x");
        let changes = driver::compare(Kind::Repository, &desired, &seen);
        assert_eq!(changes[0].path, "/cleanupPolicies/delete-old");
        let call = driver::update(&id, &desired, &seen, &changes, 1).unwrap();
        assert_eq!(call.query, [("updateMask", "cleanupPolicies,labels".to_owned())]);
    }

    #[test]
    fn what_runs_is_always_kept() {
        let spec = Spec { max_images_to_retain: 0, ..Spec::default() };
        assert_eq!(policies(&spec)["keep-deployed"]["action"], "KEEP");
        assert_eq!(policies(&spec)["delete-old"]["condition"]["olderThan"], "2592000s");
    }
}
