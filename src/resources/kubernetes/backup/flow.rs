//! The two sides of a Job and what is between them.

use k8s_openapi::api::core::v1::{Container, EmptyDirVolumeSource, EnvVar, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::resources::kubernetes::images::{self, Image};
use crate::resources::kubernetes::scope::Scope;
use crate::resources::kubernetes::sizes::{resources, size};
use crate::resources::kubernetes::waits::Waits;
use crate::resources::kubernetes::{pod, security, storage};

/// Where the FIFO is.
const FLOW: &str = "/flow";
/// Where the share is mounted.
pub const SHARE: &str = "/share";

/// The user of the database's client (`postgres` of Alpine).
const PSQL_UID: i64 = 70;
/// A user of no name; gcloud keeps what it has to keep in `/tmp`.
const CLOUD_UID: i64 = 1000;

const COMMON: &str = include_str!("scripts/flow.sh");

/// The directory of the FIFO, in memory and small: what streams through is never in it. A bucket's list is.
pub fn volume() -> Volume {
    let memory =
        EmptyDirVolumeSource { medium: Some("Memory".into()), size_limit: Some(Quantity("128Mi".into())) };
    Volume { name: "flow".into(), empty_dir: Some(memory), ..Default::default() }
}

/// The directory in a container.
pub fn mount() -> VolumeMount {
    storage::mount("flow", FLOW)
}

/// The side of PostgreSQL.
pub fn database(
    scope: &Scope<'_>,
    scripts: &[&str],
    variables: &[(&str, String)],
    waits: &mut Waits,
) -> Container {
    let mut container = side(scope, "database", Image::Psql, scripts, variables, waits);
    container.env_from = pod::environment(&super::name(scope), Some(&super::name(scope)));
    container.security_context = Some(security::unprivileged(PSQL_UID, true));
    container.resources = Some(resources(None, size("500m", "512Mi", "256Mi")));
    container
}

/// The side of the share: root, because files of any owner are read and written.
pub fn share(scope: &Scope<'_>, scripts: &[&str], waits: &mut Waits) -> Container {
    let variables = [("SHARE", SHARE.to_owned())];
    let mut container = side(scope, "share", Image::Psql, scripts, &variables, waits);
    container.security_context =
        Some(security::root_with(&["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID"]));
    container.resources = Some(resources(None, size("250m", "256Mi", "256Mi")));
    container
}

/// The side of Cloud Storage. It gets no credentials of the database.
pub fn cloud(
    scope: &Scope<'_>,
    scripts: &[&str],
    variables: &[(&str, String)],
    waits: &mut Waits,
) -> Container {
    let mut container = side(scope, "cloud", Image::CloudCli, scripts, variables, waits);
    container.env_from = pod::environment(&super::name(scope), None);
    container.security_context = Some(security::unprivileged(CLOUD_UID, true));
    container.resources = Some(resources(None, size("500m", "1Gi", "256Mi")));
    container.env.get_or_insert_default().extend(
        [("HOME", "/tmp"), ("CLOUDSDK_CONFIG", "/tmp/gcloud"), ("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")]
            .map(|(name, value)| variable(name, value.to_owned())),
    );
    container
}

fn side(
    scope: &Scope<'_>,
    name: &str,
    image: Image,
    scripts: &[&str],
    variables: &[(&str, String)],
    waits: &mut Waits,
) -> Container {
    let script = [&[COMMON][..], scripts].concat().concat();
    let mut env = vec![variable("FLOW", FLOW.to_owned())];
    env.extend(variables.iter().map(|(name, value)| variable(name, value.clone())));
    Container {
        name: name.into(),
        image: Some(waits.take(images::pinned(scope.context, image))),
        command: Some(vec!["/bin/bash".into(), "-c".into(), script]),
        env: Some(env),
        volume_mounts: Some(vec![mount(), storage::mount("tmp", "/tmp")]),
        ..Default::default()
    }
}

fn variable(name: &str, value: String) -> EnvVar {
    EnvVar { name: name.into(), value: Some(value), ..Default::default() }
}
