//! What the user's jobs, CronJobs and further services have in common: what they run and what they read.

use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, SecretKeySelector, SecurityContext};

use crate::resources::{ResourceId, facts};
use crate::spec::types::StringMap;

use super::credentials::SecretMap;
use super::environment::{Application, Plain, checksum};
use super::images::{self, Image};
use super::pod::{self, Pod};
use super::scope::Scope;
use super::waits::Waits;
use super::{Kind, account, application, database, db_init, gates, security};

/// The module's placeholder for the public address in the environment of further services.
const SERVICE_URL: &str = "$(GKE_SERVICE_URL)";

/// What a pod of the user's runs.
pub struct Run<'a> {
    /// Its image; the API's when left out.
    pub image: Option<&'a str>,
    /// Its entrypoint.
    pub command: Option<&'a [String]>,
    /// Its arguments.
    pub args: Option<&'a [String]>,
    /// A script for `/bin/sh -c`, unless there is an entrypoint.
    pub script: Option<&'a str>,
}

impl Run<'_> {
    /// The container that runs it, with a name.
    pub fn container(&self, scope: &Scope<'_>, name: &str, waits: &mut Waits) -> Container {
        let filled = |list: Option<&[String]>| list.filter(|list| !list.is_empty()).map(<[String]>::to_vec);
        let script = self.script.map(|script| vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()]);
        Container {
            name: name.into(),
            image: Some(waits.take(self.pinned(scope))),
            command: filled(self.command).or(script),
            args: filled(self.args),
            security_context: Some(self.security()),
            ..Default::default()
        }
    }

    /// The image, pinned; what changes when it does.
    pub fn pinned(&self, scope: &Scope<'_>) -> Result<String, crate::resources::Wait> {
        match self.image {
            Some(image) => images::pinned_reference(scope.context, image),
            None => images::pinned(scope.context, Image::Api),
        }
    }

    /// Another image may have another user.
    fn security(&self) -> SecurityContext {
        match self.image {
            Some(_) => security::as_image(),
            None => security::unprivileged(security::DIFY_UID, false),
        }
    }
}

/// What a job or CronJob of the user's reads.
pub struct Reads<'a> {
    /// Its own plain variables.
    pub variables: Option<&'a StringMap>,
    /// Its own secret variables, with their values.
    pub secrets: SecretMap,
    /// Whether it talks to the database.
    pub database: bool,
    /// Whether it gets the application's secrets.
    pub application_secrets: bool,
}

impl Reads<'_> {
    /// All plain variables.
    pub fn plain(&self, scope: &Scope<'_>, application: &Application) -> Plain {
        if self.database {
            return application.environment(scope, Plain::new(), self.variables, &[]);
        }
        let mut own = self.variables.cloned().unwrap_or_default();
        for name in ["APP_NAME", "APP_VERSION"] {
            own.extend(application.platform().get(name).map(|value| (name.to_owned(), value.clone())));
        }
        own
    }

    /// The pod around a container: variables from `own` (a ConfigMap and, if there are secrets, a Secret
    /// of that name), the application's Secret if wanted, the administrator's password as the module
    /// gave it to its jobs, and the Auth Proxy.
    pub fn pod(
        &self,
        scope: &Scope<'_>,
        application: &Application,
        own: &str,
        main: Container,
        waits: &mut Waits,
    ) -> Pod {
        let plain = self.plain(scope, application);
        let mut sources = pod::environment(own, None).unwrap_or_default();
        let shared = application::secret_name(scope);
        for (wanted, secret) in [(self.application_secrets, shared.as_str()), (!self.secrets.is_empty(), own)]
        {
            let both = wanted.then(|| pod::environment(own, Some(secret))).flatten();
            sources.extend(both.into_iter().flatten().skip(1));
        }
        let main = Container {
            env_from: Some(sources),
            env: self.database.then(|| administrator(scope, &shared)),
            ..main
        };
        let mut versions = self.secrets.clone();
        if self.application_secrets {
            versions.extend(application.secrets.clone());
        }
        let pod = Pod::new(main, checksum(&plain, &versions)).with_scratch("tmp", "/tmp");
        let pod = pod.with_identity(account::workload(scope.names()));
        if self.database { pod.with_proxy(scope, waits) } else { pod }
    }

    /// What has to be there before it runs.
    pub fn needs(&self, scope: &Scope<'_>, own: &str) -> Vec<ResourceId> {
        let mut needs = gates::application(scope, own);
        if self.database {
            needs.push(db_init::id(scope));
        }
        if !self.secrets.is_empty() {
            needs.push(scope.id(Kind::Secret, own));
        }
        needs
    }
}

/// A variable from a key of a Secret.
pub fn secret_variable(name: &str, secret: &str, key: &str) -> EnvVar {
    let selector = SecretKeySelector { name: secret.into(), key: key.into(), optional: None };
    EnvVar {
        name: name.into(),
        value_from: Some(EnvVarSource { secret_key_ref: Some(selector), ..Default::default() }),
        value: None,
    }
}

/// Variables with the placeholder of the public address filled in.
pub fn with_address(scope: &Scope<'_>, variables: Option<&StringMap>, waits: &mut Waits) -> Plain {
    let mut all = variables.cloned().unwrap_or_default();
    for value in all.values_mut().filter(|value| value.contains(SERVICE_URL)) {
        *value = value.replace(SERVICE_URL, &waits.take(facts::origin(scope.context)));
    }
    all
}

/// `DB_PASSWORD` even where the other secrets are not wanted, and the administrator.
fn administrator(scope: &Scope<'_>, shared: &str) -> Vec<EnvVar> {
    let name =
        EnvVar { name: "ROOT_USER".into(), value: Some(database::ADMINISTRATOR.into()), value_from: None };
    vec![
        secret_variable("DB_PASSWORD", shared, "DB_PASSWORD"),
        name,
        secret_variable("ROOT_PASSWORD", &db_init::secret_name(scope), "PGPASSWORD"),
    ]
}
