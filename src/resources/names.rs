//! What things are called: a pure function of application, tenant and the persisted deployment id.

use crate::spec::Spec;

/// Names of a deployment's resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The deployment: its spec file's stem.
    pub deployment: String,
    /// Google Cloud project id.
    pub project: String,
    /// Persisted suffix, eight lowercase hex digits unless the spec sets it.
    pub id: String,
    /// `app<application><tenant><id>`: stem of most names, with no separator, as the module did.
    pub prefix: String,
}

impl Names {
    /// The names for a spec under a persisted id.
    pub fn new(deployment: &str, spec: &Spec, persisted_id: &str) -> Self {
        let id = if spec.deployment_id.is_empty() { persisted_id } else { &spec.deployment_id };
        let prefix = format!("app{}{}{id}", spec.application_name, spec.tenant_deployment_id);
        Self { deployment: deployment.into(), project: spec.project_id.clone(), id: id.into(), prefix }
    }

    /// Name of the API's Service and workload.
    pub fn service(&self) -> &str {
        &self.prefix
    }

    /// Name of a component beside the API: `<service>-<component>`.
    pub fn component(&self, component: &str) -> String {
        format!("{}-{component}", self.prefix)
    }

    /// Namespace: the spec's, or the prefix.
    pub fn namespace(&self, spec: &Spec) -> String {
        if spec.namespace_name.is_empty() { self.prefix.clone() } else { spec.namespace_name.clone() }
    }

    /// Id of the workload's Google service account; at most 30 characters.
    pub fn workload_account(&self) -> String {
        account_id("gke-sa-", &self.id)
    }

    /// Id of the NFS VM's Google service account; at most 30 characters.
    pub fn nfs_account(&self) -> String {
        account_id("app-nfs-sa-", &self.id)
    }

    /// E-mail of a service account of this project.
    pub fn account_email(&self, account: &str) -> String {
        format!("{account}@{}.iam.gserviceaccount.com", self.project)
    }

    /// Full name of a secret: `projects/<p>/secrets/<prefix>-<suffix>`.
    pub fn secret(&self, suffix: &str) -> String {
        format!("projects/{}/secrets/{}-{suffix}", self.project, self.prefix)
    }

    /// Name of a bucket: `<prefix>-<suffix>`.
    pub fn bucket(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.prefix)
    }

    /// A database object's name: the stem with tenant and id, so that deployments can share an instance.
    pub fn database_object(&self, stem: &str, spec: &Spec, suffix: &str) -> String {
        let name = format!("{stem}_{}_{}{suffix}", spec.tenant_deployment_id, self.id).replace('-', "_");
        // PostgreSQL cuts identifiers at 63 bytes; two names cut to the same text would be one role.
        name.chars().take(63).collect()
    }
}

fn account_id(stem: &str, id: &str) -> String {
    format!("{stem}{id}").chars().take(30).collect()
}
