//! The Jobs and objects of backups, restores, imports and trials: what `crate::backup` says goes on, as documents.
//!
//! Two containers of one pod stream to each other through a FIFO in memory: one speaks to PostgreSQL or the share, the
//! other to Cloud Storage. Neither image has to hold the other's client, and nothing is staged on a disk.

mod flow;
mod load;
mod make;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Container;

use crate::backup::{self, Doing, Shelf, Slot, retention};
use crate::resources::{Context, Declared, Desired, Document, ResourceId};
use crate::slice::Slice;

use super::credentials::SecretMap;
use super::database;
use super::environment::{Application, plain};
use super::job::{self, Attempt};
use super::pod::Pod;
use super::scope::{Scope, bounded};
use super::waits::Waits;
use super::{Kind, config, credentials, db_init, environment, gates};

/// The component that all Jobs of backups count as.
pub const COMPONENT: &str = "backup";

/// Seconds that a Job may take; Dify's databases are a few gigabytes, and a restore builds indexes anew.
const DEADLINE_SECS: u32 = 4 * 3600;

/// What a backup's Jobs read, and the one thing that goes on.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let material = Material::new(scope, application);
    let mut all = material.declared(scope);
    let Some(shelf) = Shelf::of(scope.context) else { return all };
    if let Some(slot) = retention::sweep(scope.context, &shelf) {
        all.push(make::sweep(scope, &material, slot));
    }
    match backup::doing(scope.context, &shelf) {
        Doing::Nothing => {}
        Doing::Making(slot) => all.extend(make::declare(scope, &material, &shelf, slot)),
        Doing::Trying(slot) => all.extend(load::trial(scope, &material, &shelf, slot)),
        Doing::Loading(load) => all.extend(load::declare(scope, &material, &shelf, &load)),
        Doing::Asking(name) => {
            let body = serde_json::json!({"version": 1, "deployment": scope.names().deployment});
            all.push(object(scope, backup::object(scope.context, &name), Ok(body), gates::backup(scope)));
        }
    }
    all
}

/// The addresses of the Jobs that make the backup of a slot.
pub fn jobs(context: &Context<'_>, slot: Slot) -> Vec<ResourceId> {
    make::jobs(&Scope::new(context), slot)
}

/// Configuration and credentials of all Jobs.
struct Material {
    plain: BTreeMap<String, String>,
    plain_waits: Waits,
    secrets: SecretMap,
    secret_waits: Waits,
}

impl Material {
    fn new(scope: &Scope<'_>, application: &Application) -> Self {
        let database = &application.database;
        let bucket = backup::bucket(scope.context);
        let plain = plain(&[
            ("PGHOST", &database.host),
            ("PGPORT", &database::PORT.to_string()),
            ("PGUSER", &database.login),
            ("PGSSLMODE", if scope.spec().enable_cloudsql_volume { "disable" } else { "require" }),
            ("PGCONNECT_TIMEOUT", "10"),
            ("OWNER", &database.names.owner),
            ("ADMIN", database::ADMINISTRATOR),
            ("EXTENSIONS", &db_init::extensions(scope.spec()).join(" ")),
            ("BUCKET", &bucket),
        ]);
        let mut secret_waits = application.secret_waits.clone();
        let admin = db_init::root_password(scope, &mut secret_waits);
        let secrets = [("PGPASSWORD", database.password.clone()), ("ADMIN_PASSWORD", admin)]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        Self { plain, plain_waits: application.plain_waits.clone(), secrets, secret_waits }
    }

    fn declared(&self, scope: &Scope<'_>) -> Vec<Declared> {
        let (name, slice) = (name(scope), Slice::Backup);
        vec![
            config::declare(scope, &name, COMPONENT, slice, &self.plain, &self.plain_waits),
            credentials::declare(scope, &name, COMPONENT, slice, &self.secrets, &self.secret_waits),
        ]
    }

    fn waits(&self) -> Waits {
        self.plain_waits.and(&self.secret_waits)
    }

    fn checksum(&self) -> String {
        environment::checksum(&self.plain, &self.secrets)
    }
}

/// Name of the ConfigMap and the Secret.
fn name(scope: &Scope<'_>) -> String {
    config::name(scope, COMPONENT)
}

/// A Job under construction.
struct Work {
    /// The end of its name: `20261126t020000z-application`.
    name: String,
    /// Its containers: the main one, and the other side.
    main: Container,
    other: Option<Container>,
    /// Whether the Auth Proxy is beside it.
    database: bool,
    /// Whether the share is mounted, and whether only to be read.
    share: Option<bool>,
    /// What comes before, besides what every Job of a backup needs.
    needs: Vec<ResourceId>,
    retries: u32,
    waits: Waits,
}

impl Work {
    fn id(scope: &Scope<'_>, name: &str) -> ResourceId {
        scope.id(Kind::Job, &Self::job(scope, name))
    }

    fn job(scope: &Scope<'_>, name: &str) -> String {
        bounded(&scope.names().component(&format!("{COMPONENT}-{name}")))
    }

    fn declared(self, scope: &Scope<'_>, material: &Material) -> Declared {
        let mut waits = material.waits().and(&self.waits);
        let mut pod =
            Pod::new(self.main, material.checksum()).with_identity(super::account::backup(scope.names()));
        // Both sides mount them already.
        pod.spec.volumes = Some(vec![flow::volume(), super::storage::scratch("tmp")]);
        if self.database {
            pod = pod.with_proxy(scope, &mut waits);
        }
        if let Some(read_only) = self.share {
            let mut mount = super::storage::nfs_mount(scope);
            mount.mount_path = flow::SHARE.into();
            mount.read_only = Some(read_only);
            let volume = super::storage::nfs(scope, &mut waits);
            pod = pod.with_volume(volume, mount);
        }
        pod.spec.containers.extend(self.other);
        let attempt = Attempt { retries: self.retries, deadline_secs: Some(DEADLINE_SECS), completions: 1 };
        let name = Self::job(scope, &self.name);
        let body = job::job(scope, &name, COMPONENT, attempt, pod.template(scope, COMPONENT));
        let mut needs = gates::backup(scope);
        let own = self::name(scope);
        needs.extend([scope.id(Kind::ConfigMap, &own), scope.id(Kind::Secret, &own)]);
        needs.extend(self.needs);
        scope.declare(Kind::Job, &name, Slice::Backup, needs, &waits, &body)
    }
}

/// An object of the shelf that the reconciler writes, once.
fn object(
    scope: &Scope<'_>,
    id: ResourceId,
    body: Result<serde_json::Value, crate::resources::Wait>,
    needs: Vec<ResourceId>,
) -> Declared {
    let desired = match body {
        Ok(body) => Desired::Ready(Document::new(body)),
        Err(wait) => Desired::Waiting(vec![wait]),
    };
    let bucket = crate::resources::google::bucket::id(&backup::bucket(scope.context));
    let needs = std::iter::once(bucket).chain(needs).collect();
    Declared { id, slice: Slice::Backup, needs, desired }
}
