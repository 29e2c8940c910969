//! Volumes: the NFS share, buckets mounted as directories, claims.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    CSIVolumeSource, ConfigMapVolumeSource, EmptyDirVolumeSource, NFSVolumeSource, PersistentVolumeClaim,
    PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, Volume, VolumeMount,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::resources::{Declared, ResourceId, Wait, WaitKind, facts, google};
use crate::slice::Slice;
use crate::spec::types::{GcsVolume, StorageBucket};

use super::Kind;
use super::scope::Scope;
use super::security::DIFY_UID;
use super::waits::Waits;

/// The annotation by which GKE adds the Cloud Storage FUSE sidecar to a pod.
pub const GCS_ANNOTATION: &str = "gke-gcsfuse/volumes";

/// Block storage class of the plugin daemon's claim and of claims that name none: a balanced disk,
/// Autopilot's default.
pub const STORAGE_CLASS: &str = "standard-rwo";

/// Mount options of a bucket for which the user gives none, as the module had them.
const GCS_OPTIONS: [&str; 3] = ["implicit-dirs", "stat-cache-ttl=60s", "type-cache-ttl=60s"];

/// The NFS share as a volume.
pub fn nfs(scope: &Scope<'_>, waits: &mut Waits) -> Volume {
    let source = NFSVolumeSource {
        server: waits.take(facts::nfs_server(scope.context)),
        path: google::nfs::share(scope.context),
        ..Default::default()
    };
    Volume { name: scope.spec().nfs_volume_name.clone(), nfs: Some(source), ..Default::default() }
}

/// The NFS share in a container.
pub fn nfs_mount(scope: &Scope<'_>) -> VolumeMount {
    mount(&scope.spec().nfs_volume_name, &scope.spec().nfs_mount_path)
}

/// A bucket as a volume (driver of GKE's Cloud Storage FUSE add-on). The files belong to Dify's user
/// unless the options say otherwise: the mount's default is root.
pub fn gcs(scope: &Scope<'_>, volume: &GcsVolume, waits: &mut Waits) -> Volume {
    let mut options = match &volume.mount_options {
        Some(options) => options.clone(),
        None => GCS_OPTIONS.map(str::to_owned).to_vec(),
    };
    if !options.iter().any(|option| option.starts_with("uid=")) {
        options.extend([format!("uid={DIFY_UID}"), format!("gid={DIFY_UID}")]);
    }
    let attributes = BTreeMap::from([
        ("bucketName".to_owned(), waits.take(bucket(scope, volume))),
        ("mountOptions".to_owned(), options.join(",")),
    ]);
    let source = CSIVolumeSource {
        driver: "gcsfuse.csi.storage.gke.io".into(),
        read_only: volume.readonly,
        volume_attributes: Some(attributes),
        ..Default::default()
    };
    Volume { name: volume.name.clone(), csi: Some(source), ..Default::default() }
}

/// A bucket in a container.
pub fn gcs_mount(volume: &GcsVolume) -> VolumeMount {
    VolumeMount { read_only: volume.readonly, ..mount(&volume.name, &volume.mount_path) }
}

/// A volume that lives as long as its pod.
pub fn scratch(name: &str) -> Volume {
    Volume { name: name.into(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Default::default() }
}

/// A ConfigMap's files.
pub fn files(name: &str, config_map: &str) -> Volume {
    let source = ConfigMapVolumeSource { name: config_map.into(), ..Default::default() };
    Volume { name: name.into(), config_map: Some(source), ..Default::default() }
}

/// A claim as a volume.
pub fn claimed(name: &str, claim: &str) -> Volume {
    let source = PersistentVolumeClaimVolumeSource { claim_name: claim.into(), ..Default::default() };
    Volume { name: name.into(), persistent_volume_claim: Some(source), ..Default::default() }
}

/// A volume in a container.
pub fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.into(), mount_path: path.into(), ..Default::default() }
}

/// What a claim asks for.
pub fn claim_spec(size: &str, class: &str) -> PersistentVolumeClaimSpec {
    PersistentVolumeClaimSpec {
        access_modes: Some(vec!["ReadWriteOnce".into()]),
        storage_class_name: Some(class.into()),
        resources: Some(VolumeResourceRequirements {
            requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(size.into()))])),
            limits: None,
        }),
        ..Default::default()
    }
}

/// A claim of a component's own.
pub fn claim(
    scope: &Scope<'_>,
    name: &str,
    component: &str,
    size: &str,
    class: &str,
) -> (ResourceId, Declared) {
    let body = PersistentVolumeClaim {
        metadata: scope.metadata(name, component),
        spec: Some(claim_spec(size, class)),
        ..Default::default()
    };
    let kind = Kind::PersistentVolumeClaim;
    (scope.id(kind, name), scope.declare(kind, name, Slice::Workload, vec![], &Waits::default(), &body))
}

/// The bucket of a volume: the one named, or the created one whose suffix is the volume's name.
fn bucket(scope: &Scope<'_>, volume: &GcsVolume) -> Result<String, Wait> {
    if let Some(name) = &volume.bucket_name {
        return Ok(name.clone());
    }
    let created = |bucket: &&StorageBucket| bucket.name_suffix == volume.name;
    match scope.spec().storage_buckets.iter().find(created) {
        Some(bucket) => Ok(bucket.name.clone().unwrap_or_else(|| scope.names().bucket(&bucket.name_suffix))),
        None => {
            let why = format!("gcs_volumes names no bucket for {}, and none is created for it", volume.name);
            Err(Wait::new(WaitKind::User, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    fn pod(spec: Spec) -> serde_json::Value {
        World::of(spec).body(Kind::Deployment, "")["spec"]["template"].clone()
    }

    #[test]
    fn the_share_is_mounted_only_on_request() {
        assert!(!pod(Spec::default()).to_string().contains("nfs"));
        let mounted = pod(Spec { storage_mount_nfs: true, ..Spec::default() });
        assert_eq!(mounted["spec"]["volumes"][1]["nfs"]["path"], "/share/appdifydemo0a1b2c3d");
    }

    #[test]
    fn a_bucket_is_mounted_for_difys_user_and_with_a_token() {
        let volume = GcsVolume { name: "data".into(), mount_path: "/mnt/data".into(), ..Default::default() };
        let template = pod(Spec { gcs_volumes: vec![volume], ..Spec::default() });
        assert_eq!(template["metadata"]["annotations"][GCS_ANNOTATION], "true");
        let attributes = &template["spec"]["volumes"][1]["csi"]["volumeAttributes"];
        assert_eq!(attributes["bucketName"], "appdifydemo0a1b2c3d-data");
        assert!(attributes["mountOptions"].as_str().unwrap().ends_with("uid=1001,gid=1001"));
        assert_eq!(template["spec"]["automountServiceAccountToken"], true);
    }
}
