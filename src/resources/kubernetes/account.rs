//! The Kubernetes accounts that have an identity on Google Cloud.
//!
//! The plugin daemon runs code of third parties and has an account of its own, which reaches the plugin
//! bucket and the database and not Dify's files. Pods that need nothing of Google have no account.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ServiceAccount;

use crate::resources::{Declared, Names, ResourceId, facts};
use crate::slice::Slice;

use super::Kind;
use super::scope::Scope;
use super::waits::Waits;

/// The annotation that binds a Kubernetes account to a Google one.
const IDENTITY: &str = "iam.gke.io/gcp-service-account";

/// The account of everything that runs the API image.
pub fn workload(names: &Names) -> String {
    names.service().to_owned()
}

/// The plugin daemon's account.
pub fn plugin_daemon(names: &Names) -> String {
    names.component("plugin-daemon")
}

/// The account of the backup Jobs.
pub fn backup(names: &Names) -> String {
    names.component("backup")
}

/// The address of an account.
pub fn id(scope: &Scope<'_>, name: &str) -> ResourceId {
    scope.id(Kind::ServiceAccount, name)
}

/// All accounts.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    [
        (workload(scope.names()), "api", facts::workload_account(scope.context)),
        (plugin_daemon(scope.names()), "plugin-daemon", facts::plugin_account(scope.context)),
        (backup(scope.names()), "backup", facts::backup_account(scope.context)),
    ]
    .into_iter()
    .map(|(name, component, email)| {
        let mut metadata = scope.metadata(&name, component);
        metadata.annotations = Some(BTreeMap::from([(IDENTITY.to_owned(), email)]));
        let body =
            ServiceAccount { metadata, automount_service_account_token: Some(false), ..Default::default() };
        scope.declare(Kind::ServiceAccount, &name, Slice::Cluster, vec![], &Waits::default(), &body)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;

    #[test]
    fn plugins_have_an_account_of_their_own() {
        let world = World::default_set();
        let email = |suffix: &str| {
            world.body(Kind::ServiceAccount, suffix)["metadata"]["annotations"][IDENTITY].clone()
        };
        assert_eq!(email(""), "gke-sa-0a1b2c3d@p-1.iam.gserviceaccount.com");
        assert_ne!(email(""), email("-plugin-daemon"));
    }
}
