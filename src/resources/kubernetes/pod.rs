//! Putting pods together.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ConfigMapEnvSource, Container, EnvFromSource, PodSpec, PodTemplateSpec, SecretEnvSource, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::scope::Scope;
use super::waits::Waits;
use super::{proxy, security, stamp, storage};

/// A pod with one main container, under construction.
pub struct Pod {
    /// Its specification, without the main container.
    pub spec: PodSpec,
    /// The main container.
    pub main: Container,
    /// Annotations of the template.
    pub annotations: BTreeMap<String, String>,
}

impl Pod {
    /// A pod around a container. No Service becomes a variable: `REDIS_PORT=tcp://…` of a Service named
    /// `redis` keeps Dify from starting. No token of the cluster's API is mounted.
    pub fn new(main: Container, checksum: String) -> Self {
        let spec = PodSpec {
            enable_service_links: Some(false),
            automount_service_account_token: Some(false),
            security_context: Some(security::pod(0)),
            ..Default::default()
        };
        let annotations = BTreeMap::from([(stamp::CONFIGURATION.to_owned(), checksum)]);
        Self { spec, main, annotations }
    }

    /// Gives the pod an identity on Google Cloud. The metadata server hands it out; no
    /// token has to be mounted.
    pub fn with_identity(mut self, account: String) -> Self {
        self.spec.service_account_name = Some(account);
        self
    }

    /// Puts the Auth Proxy beside it, if the spec wants one.
    pub fn with_proxy(mut self, scope: &Scope<'_>, waits: &mut Waits) -> Self {
        if let Some(sidecar) = proxy::sidecar(scope, waits) {
            self.spec.init_containers.get_or_insert_default().insert(0, sidecar);
        }
        self
    }

    /// Adds a container that runs to its end before the main one starts.
    pub fn after(mut self, container: Container) -> Self {
        self.spec.init_containers.get_or_insert_default().push(container);
        self
    }

    /// Adds a volume and mounts it in the main container.
    pub fn with_volume(mut self, volume: Volume, mount: VolumeMount) -> Self {
        self.spec.volumes.get_or_insert_default().push(volume);
        self.main.volume_mounts.get_or_insert_default().push(mount);
        self
    }

    /// Adds a directory that lives as long as the pod.
    pub fn with_scratch(self, name: &str, path: &str) -> Self {
        self.with_volume(storage::scratch(name), storage::mount(name, path))
    }

    /// Adds the NFS share.
    pub fn with_nfs(self, scope: &Scope<'_>, waits: &mut Waits) -> Self {
        self.with_volume(storage::nfs(scope, waits), storage::nfs_mount(scope))
    }

    /// Adds buckets of `gcs_volumes` as directories: those of the names given, or all. The add-on's
    /// sidecar logs in with the pod's token.
    pub fn with_buckets(mut self, scope: &Scope<'_>, names: Option<&[String]>, waits: &mut Waits) -> Self {
        let wanted = |name: &String| names.is_none_or(|names| names.contains(name));
        for volume in scope.spec().gcs_volumes.iter().filter(|volume| wanted(&volume.name)) {
            self.annotations.insert(storage::GCS_ANNOTATION.to_owned(), "true".to_owned());
            self.spec.automount_service_account_token = Some(true);
            self = self.with_volume(storage::gcs(scope, volume, waits), storage::gcs_mount(volume));
        }
        self
    }

    /// Sets how long the pod may take to stop, in seconds.
    pub fn with_grace(mut self, secs: i64) -> Self {
        self.spec.termination_grace_period_seconds = Some(secs);
        self
    }

    /// The finished template, with the labels that select it.
    pub fn template(mut self, scope: &Scope<'_>, component: &str) -> PodTemplateSpec {
        self.spec.containers.insert(0, self.main);
        PodTemplateSpec {
            metadata: Some(ObjectMeta {
                labels: Some(stamp::labels(scope.names(), scope.spec(), component)),
                annotations: Some(self.annotations),
                ..Default::default()
            }),
            spec: Some(self.spec),
        }
    }
}

/// The environment from a ConfigMap and, winning over it, from a Secret.
pub fn environment(config_map: &str, secret: Option<&str>) -> Option<Vec<EnvFromSource>> {
    let mut all = vec![EnvFromSource {
        config_map_ref: Some(ConfigMapEnvSource { name: config_map.into(), optional: None }),
        ..Default::default()
    }];
    all.extend(secret.into_iter().flat_map(secret_environment));
    Some(all)
}

/// Variables from a Secret alone.
pub fn secret_environment(secret: &str) -> Vec<EnvFromSource> {
    let secret_ref = Some(SecretEnvSource { name: secret.into(), optional: None });
    vec![EnvFromSource { secret_ref, ..Default::default() }]
}
