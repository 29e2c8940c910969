//! What the containers read at start: golden values per component, and who overrides whom.
//!
//! Values are complete: Kubernetes does not expand `$(NAME)` in a ConfigMap that is read with `envFrom`.

pub mod agent;
pub mod api;
pub mod plugin_daemon;
pub mod sandbox;
pub mod secrets;
pub mod shared;
pub mod web;
pub mod worker;

use std::collections::BTreeMap;

use serde_json::json;

use crate::spec::types::StringMap;

use super::credentials::{SecretMap, versions};
use super::database::Database;
use super::scope::Scope;
use super::stamp;
use super::waits::Waits;

/// Plain variables by name.
pub type Plain = BTreeMap<String, String>;

/// What all containers of the API image share.
pub struct Application {
    /// Our defaults, which the user may override.
    preset: Plain,
    /// What nobody overrides: the database, the address of Redis, who the deployment is.
    platform: Plain,
    /// The secret variables.
    pub secrets: SecretMap,
    /// What the plain variables wait on.
    pub plain_waits: Waits,
    /// What the secret variables wait on.
    pub secret_waits: Waits,
    /// The database.
    pub database: Database,
}

impl Application {
    /// Reads everything that the spec and what was seen say.
    pub fn new(scope: &Scope<'_>) -> Self {
        let (mut plain_waits, mut secret_waits) = (Waits::default(), Waits::default());
        let database = Database::new(scope, &mut plain_waits, &mut secret_waits);
        // The login that is in use follows from its password's version.
        plain_waits.extend(&secret_waits);
        let preset = shared::preset(scope, &database, &mut plain_waits);
        let platform = shared::platform(scope, &database, &mut plain_waits);
        let secrets = secrets::application(scope, &database, &platform, &mut secret_waits);
        secret_waits.extend(&plain_waits);
        Self { preset, platform, secrets, plain_waits, secret_waits, database }
    }

    /// The plain variables of one component. Later ones win: our shared values, the component's own, the
    /// user's for all, the user's for the component, `fixed`, the platform's.
    pub fn environment(
        &self,
        scope: &Scope<'_>,
        own: Plain,
        users: Option<&StringMap>,
        fixed: &[(&str, &str)],
    ) -> Plain {
        let mut all = self.preset.clone();
        all.extend(own);
        all.extend(scope.spec().environment_variables.clone());
        all.extend(users.cloned().unwrap_or_default());
        all.extend(plain(fixed));
        all.extend(self.platform.clone());
        all
    }

    /// What a pod waits on that reads both.
    pub fn waits(&self) -> Waits {
        self.plain_waits.and(&self.secret_waits)
    }

    /// The variables of the database alone, for a job that wants no others.
    pub fn platform(&self) -> &Plain {
        &self.platform
    }
}

/// Pairs as a map.
pub fn plain(pairs: &[(&str, &str)]) -> Plain {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What changes when a container has to read its environment again: the plain values, and the names and
/// versions of the secret ones, never their values.
pub fn checksum(plain: &Plain, secrets: &SecretMap) -> String {
    stamp::fingerprint(&json!({"plain": plain, "secrets": versions(secrets)}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::kubernetes::credentials::SecretValue;
    use crate::spec::types::Sensitive;

    #[test]
    fn a_new_secret_version_is_a_new_checksum_and_the_value_alone_is_not() {
        let with = |text: &str, version: &str| {
            let value = SecretValue { text: Sensitive::new(text), version: version.into() };
            checksum(&Plain::new(), &SecretMap::from([("SECRET_KEY".to_owned(), value)]))
        };
        assert_eq!(with("x", "secret-key@1"), with("y", "secret-key@1"));
        assert_ne!(with("x", "secret-key@1"), with("x", "secret-key@2"));
    }
}
