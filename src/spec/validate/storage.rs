//! Files and buckets: where Dify keeps what users upload, and what happens to it.

use super::{error, is_set, setting, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;
use crate::spec::types::StorageBucket;

/// Settings that name a directory Dify writes to.
const DIRECTORIES: [&str; 3] = ["STORAGE_PATH", "STORAGE_LOCAL_PATH", "OPENDAL_FS_ROOT"];

/// P-03: another vector store needs its own address; what is in the present one stays behind.
pub(super) fn vector_store(spec: &Spec, _: &Given) -> Vec<Finding> {
    let Some(store) = setting(spec, "VECTOR_STORE").filter(|store| *store != "pgvector") else {
        return vec![];
    };
    let prefix = format!("{}_", store.to_ascii_uppercase().replace('-', "_"));
    let names = spec.environment_variables.keys().chain(spec.secret_environment_variables.keys());
    let configured = names.into_iter().any(|name| name.starts_with(&prefix));
    when(!configured, || {
        warning("environment_variables.VECTOR_STORE")
            .message(format!("VECTOR_STORE is {store}, but nothing says where it is (no {prefix}…)"))
            .help("Set its address and credentials, or take VECTOR_STORE out: pgvector is ready to use.")
    })
}

/// P-04: Dify does not check its storage when it starts; uploads fail afterwards.
pub(super) fn storage_type(spec: &Spec, _: &Given) -> Vec<Finding> {
    let path = "environment_variables.STORAGE_TYPE";
    match setting(spec, "STORAGE_TYPE") {
        Some("s3") => {
            let needed = ["S3_BUCKET_NAME", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY"];
            let managed = setting(spec, "S3_USE_AWS_MANAGED_IAM") == Some("true");
            let missing: Vec<_> = needed
                .into_iter()
                .filter(|name| !(is_set(spec, name) || managed && name.ends_with("_KEY")))
                .collect();
            when(!missing.is_empty(), || {
                error(path)
                    .with(&["secret_environment_variables"])
                    .message(format!("STORAGE_TYPE is s3, but {} is missing: every upload would fail", missing.join(", ")))
                    .help("Add them (keys by `secret_environment_variables`), or take STORAGE_TYPE out: a Google bucket is ready to use.")
            })
        }
        Some(kind @ ("local" | "opendal")) => when(spec.max_instance_count > 1 && spec.enable_nfs, || {
            warning(path)
                .with(&["max_instance_count"])
                .message(format!(
                    "STORAGE_TYPE is {kind} with several pods: each must see the same directory"
                ))
                .help("Take STORAGE_TYPE out: a Google bucket is ready to use.")
        }),
        _ => vec![],
    }
}

/// P-07: files in a container go with the container.
pub(super) fn files_on_scratch(spec: &Spec, _: &Given) -> Vec<Finding> {
    let kept = spec.stateful_pvc_enabled == Some(true) || spec.enable_nfs || !spec.gcs_volumes.is_empty();
    when(stores_locally(spec) && !kept, || {
        warning("environment_variables.STORAGE_TYPE")
            .with(&["stateful_pvc_enabled", "enable_nfs"])
            .message("files are kept in the container, and are lost with it")
            .help("Take STORAGE_TYPE out, or give the pods a volume.")
    })
}

/// P-09: pods without a shared directory cannot see each other's documents.
pub(super) fn files_not_shared(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(stores_locally(spec) && !spec.enable_nfs && spec.max_instance_count > 1, || {
        warning("enable_nfs")
            .with(&["max_instance_count", "environment_variables"])
            .message("documents uploaded to one pod cannot be indexed by another: nothing is shared")
            .help("Take STORAGE_TYPE out, or set `enable_nfs` to true.")
    })
}

/// P-10: a directory beside the mount is scratch.
pub(super) fn files_beside_mount(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut mounts = vec![];
    if spec.enable_nfs && spec.storage_mount_nfs {
        mounts.push(spec.nfs_mount_path.as_str());
    }
    if spec.stateful_pvc_enabled == Some(true) {
        mounts.push(spec.stateful_pvc_mount_path.as_str());
    }
    mounts.extend(spec.gcs_volumes.iter().map(|volume| volume.mount_path.as_str()));
    let beside = |directory: &str| {
        !mounts.iter().any(|mount| {
            let rest = directory.strip_prefix(mount.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    DIRECTORIES
        .into_iter()
        .filter_map(|name| setting(spec, name).map(|directory| (name, directory)))
        .filter(|(_, directory)| beside(directory))
        .map(|(name, directory)| {
            warning(format!("environment_variables.{name}"))
                .with(&["nfs_mount_path", "stateful_pvc_mount_path", "storage_mount_nfs"])
                .message(format!("{name} is {directory}, which no volume is mounted at: files go to scratch disk"))
                .help("Write a path below a mounted volume; the share is mounted with `storage_mount_nfs: true`.")
        })
        .collect()
}

/// P-40: what is deleted or overwritten must come back.
pub(super) fn unprotected_buckets(spec: &Spec, _: &Given) -> Vec<Finding> {
    let forced = |bucket: &StorageBucket| bucket.force_destroy == Some(true);
    let bare = |bucket: &StorageBucket| {
        bucket.versioning_enabled == Some(false) && bucket.soft_delete_retention_seconds == Some(0)
    };
    let mut found = vec![];
    for (index, bucket) in spec.storage_buckets.iter().enumerate() {
        if forced(bucket) {
            found.push(
                warning(format!("storage_buckets[{index}].force_destroy"))
                    .message(format!(
                        "bucket \"{}\" may be removed with everything in it",
                        bucket.name_suffix
                    ))
                    .help("Take `force_destroy` out."),
            );
        }
        if bare(bucket) {
            found.push(
                warning(format!("storage_buckets[{index}].versioning_enabled"))
                    .message(format!("nothing deleted from bucket \"{}\" comes back", bucket.name_suffix))
                    .help("Keep versions or soft deletion."),
            );
        }
    }
    found
}

/// P-61: rules by age alone may delete the image that runs.
pub(super) fn image_retention(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.max_images_to_retain == 0 && spec.image_retention_days > 0, || {
        warning("max_images_to_retain")
            .with(&["image_retention_days"])
            .message("images are deleted by age and none is kept by number: the running one may go")
            .help("Write 1 or more, or set `image_retention_days` to 0.")
    })
}

/// D-29: a mount has a bucket. The module dropped a volume without one silently.
pub(super) fn volumes_without_bucket(spec: &Spec, _: &Given) -> Vec<Finding> {
    let made = |name: &str| {
        spec.create_cloud_storage && spec.storage_buckets.iter().any(|bucket| bucket.name_suffix == name)
    };
    let volumes = spec.gcs_volumes.iter().enumerate();
    volumes
        .filter(|(_, volume)| volume.bucket_name.as_deref().unwrap_or_default().is_empty() && !made(&volume.name))
        .map(|(index, volume)| {
            error(format!("gcs_volumes[{index}].name"))
                .with(&["storage_buckets"])
                .message(format!("volume \"{}\" has no bucket: `bucket_name` is missing and no `storage_buckets` entry has that suffix", volume.name))
                .help("Set `bucket_name`, or add a bucket with that `name_suffix`.")
        })
        .collect()
}

/// V-12: a Deployment's pods cannot have a volume each.
pub(super) fn volume_for_deployment(spec: &Spec, _: &Given) -> Vec<Finding> {
    let both = spec.workload_type.as_deref() == Some("Deployment") && spec.stateful_pvc_enabled == Some(true);
    when(both, || {
        error("workload_type")
            .with(&["stateful_pvc_enabled"])
            .message("`stateful_pvc_enabled` needs a StatefulSet, and `workload_type` says Deployment")
            .help("Take `workload_type` out; it follows `stateful_pvc_enabled`.")
    })
}

/// V-13: a volume has a size and a place.
pub(super) fn volume_without_place(spec: &Spec, _: &Given) -> Vec<Finding> {
    if spec.stateful_pvc_enabled != Some(true) {
        return vec![];
    }
    let mut found = when(spec.stateful_pvc_size.is_empty(), || {
        error("stateful_pvc_size")
            .with(&["stateful_pvc_enabled"])
            .message("`stateful_pvc_size` is empty")
            .help("Write a size such as \"10Gi\".")
    });
    found.extend(when(!spec.stateful_pvc_mount_path.starts_with('/'), || {
        error("stateful_pvc_mount_path")
            .with(&["stateful_pvc_enabled"])
            .message("`stateful_pvc_mount_path` must be an absolute path")
            .help("Write a path such as /data.")
    }));
    found
}

fn stores_locally(spec: &Spec) -> bool {
    matches!(setting(spec, "STORAGE_TYPE"), Some("local" | "opendal"))
}
