//! Before the schema changes, a backup: another version, or another image of it, may bring migrations that cannot be
//! undone.
//!
//! That one is wanted is written down first, as an object whose own time names the backup. It is made like any other;
//! the migration's Job waits until it is complete. The object goes when the new release stands, and with it what
//! protects the backup from retention.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::condition::{Finding, Reason, Severity};
use crate::inventory::Sighting;
use crate::resources::kubernetes::{self, driver, images};
use crate::resources::{Context, Kind, Readiness, ResourceId, Wait, WaitKind};
use crate::slice::Slice;
use crate::state::status::ApprovalWanted;

use super::due::{ASKED, Asked, asked, last_load};
use super::shelf::made;
use super::{Part, Shelf, Slot};

/// What has to come before the schema changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: it does not change, there is none yet, or the backup is there.
    Nothing,
    /// What there is could not be looked at.
    Unknown,
    /// Nothing, although a backup should: backups are switched off, or somebody approved to go without this one.
    Without(Option<Slot>),
    /// The time at which it was wanted is written down under this name.
    Asking(String),
    /// This backup is made.
    Making(Slot),
}

/// What has to come before the schema changes, by what was seen. Without a shelf, nobody could look at it.
pub fn before(context: &Context<'_>, shelf: Option<&Shelf<'_>>) -> Before {
    let Some(migration) = kubernetes::migration(context) else { return Before::Nothing };
    let is_absent = context.seen.sighting(&migration) == Some(&Sighting::Absent);
    if !is_absent || !changes(context, shelf, &migration) {
        return Before::Nothing;
    }
    wanted(context, shelf, &migration)
}

/// What the migration's Job waits on.
///
/// # Errors
/// What comes first, and why.
pub fn gate(context: &Context<'_>) -> Result<(), Wait> {
    let shelf = Shelf::of(context);
    let version = &context.spec.application_version;
    let why = |what: String| format!("a backup is made before the schema changes to {version}: {what}");
    match before(context, shelf.as_ref()) {
        Before::Nothing | Before::Without(_) => Ok(()),
        Before::Unknown => Err(Wait::dependency(why("it cannot be seen which there are".into()))),
        Before::Asking(_) => Err(Wait::dependency(why("it is about to begin".into()))),
        Before::Making(slot) if has_failed(context, slot) => {
            Err(Wait::new(WaitKind::User, why(format!("{slot} failed"))))
        }
        Before::Making(slot) => Err(Wait::dependency(why(slot.to_string()))),
    }
}

/// Why a backup is made that is made for this; its first object says so.
pub fn purpose(context: &Context<'_>, shelf: &Shelf<'_>, slot: Slot) -> Option<String> {
    let of_slot = |object: &&Value| made(object).map(Slot::at) == Some(slot);
    shelf.wanted.values().find(|object| of_slot(object))?;
    Some(format!("before the schema changes to {}", context.spec.application_version))
}

/// Backups that are kept because the release they were made for does not stand yet.
pub fn kept<'s>(shelf: &'s Shelf<'_>) -> impl Iterator<Item = Slot> + 's {
    shelf.wanted.values().filter_map(|object| made(object)).map(Slot::at)
}

/// The objects that say that a backup was wanted and are answered: the release stands, or nobody wants it any more.
pub fn answered<'a>(context: &Context<'_>, shelf: &Shelf<'a>) -> Vec<&'a str> {
    let Some(migration) = kubernetes::migration(context) else { return Vec::new() };
    let is_done = |id: &ResourceId| context.seen.body(id).is_some_and(|body| ready(id.kind, body));
    let stands = is_done(&migration) && runs(context) && is_done(&kubernetes::api(context));
    let current = marker(&migration);
    shelf.wanted.keys().copied().filter(|name| stands || *name != current).collect()
}

/// What the user should know.
pub fn findings(context: &Context<'_>) -> Vec<Finding> {
    let shelf = Shelf::of(context);
    let Some(migration) = kubernetes::migration(context) else { return Vec::new() };
    let is_done = context.seen.body(&migration).is_some_and(|body| ready(migration.kind, body));
    if is_done || !changes(context, shelf.as_ref(), &migration) {
        return Vec::new();
    }
    let version = &context.spec.application_version;
    let (severity, message, help) = match wanted(context, shelf.as_ref(), &migration) {
        Before::Without(slot) => {
            let why = slot.map_or_else(
                || "backups are switched off".to_owned(),
                |slot| format!("{slot} failed, and going without it was approved"),
            );
            let message = format!("the schema changes to {version} without a backup: {why}");
            (Severity::Warning, message, "A schema cannot be taken back but by a restore.".to_owned())
        }
        Before::Making(slot) if has_failed(context, slot) => {
            let message = format!(
                "the backup {slot} before the schema changes to {version} failed: the migration does not start, and \
                 what ran before keeps running"
            );
            let hash = hash(context, &migration, slot);
            let help = format!(
                "Mend what its Jobs say, then delete those that failed: they are made again. \
                 `dify-reconciler approve {} {hash}` goes on without it.",
                context.names.deployment
            );
            (Severity::Error, message, help)
        }
        _ => return Vec::new(),
    };
    let (reason, slice) = (Reason::NoBackupBeforeMigration, Slice::Migration);
    vec![Finding { reason, severity, slice, subject: Some(migration.to_string()), message, help }]
}

/// What can be approved: to go on without the backup that failed.
pub fn approval(context: &Context<'_>) -> Option<ApprovalWanted> {
    let shelf = Shelf::of(context)?;
    let migration = kubernetes::migration(context)?;
    match before(context, Some(&shelf)) {
        Before::Making(slot) if has_failed(context, slot) => Some(ApprovalWanted {
            hash: hash(context, &migration, slot),
            steps: vec![format!("+ {migration} without the backup {slot}")],
            generation: None,
        }),
        _ => None,
    }
}

/// What has to come before, given that the schema changes.
fn wanted(context: &Context<'_>, shelf: Option<&Shelf<'_>>, migration: &ResourceId) -> Before {
    if context.spec.backup_schedule.is_empty() {
        return Before::Without(None);
    }
    let Some(shelf) = shelf else { return Before::Unknown };
    match asked(context, shelf) {
        // Its data is about to be replaced, after a safety backup that is as good for this.
        Some(Asked::Since(load)) if shelf.has(load.safety) => return Before::Nothing,
        Some(Asked::Since(load)) => return Before::Making(load.safety),
        Some(Asked::Now(name)) => return Before::Asking(name),
        None => {}
    }
    let name = marker(migration);
    let Some(at) = shelf.wanted.get(name.as_str()).and_then(|object| made(object)) else {
        return Before::Asking(name);
    };
    let slot = Slot::at(at);
    if shelf.has(slot) {
        Before::Nothing
    } else if context.seen.orders.approved(&hash(context, migration, slot)) {
        Before::Without(Some(slot))
    } else {
        Before::Making(slot)
    }
}

/// The name of the object that says that a backup was wanted before this migration.
fn marker(migration: &ResourceId) -> String {
    format!("migrations/{}{ASKED}", migration.short_name())
}

/// Whether a schema that is in use would be changed.
fn changes(context: &Context<'_>, shelf: Option<&Shelf<'_>>, migration: &ResourceId) -> bool {
    !runs(context) && is_used(context, shelf, migration)
}

/// Whether the API runs the image that migrates already: then it was migrated for.
fn runs(context: &Context<'_>) -> bool {
    images::pinned(context, images::Image::Api).is_ok_and(|wanted| running(context) == Some(wanted.as_str()))
}

/// The image that the API runs now: what the data is of.
pub fn running<'a>(context: &Context<'a>) -> Option<&'a str> {
    let body = context.seen.body(&kubernetes::api(context))?;
    body.pointer("/spec/template/spec/containers/0/image")?.as_str()
}

/// Whether Dify has worked with what is in its database. What was just loaded into it lies on the shelf, or is the
/// file that was imported.
fn is_used(context: &Context<'_>, shelf: Option<&Shelf<'_>>, migration: &ResourceId) -> bool {
    let loaded = shelf.and_then(|shelf| made(shelf.answered.get(last_load(shelf)?)?));
    let since = |time: Timestamp| loaded.is_none_or(|loaded| loaded < time);
    let serves = || {
        let api = context.seen.body(&kubernetes::api(context));
        api.is_some_and(|api| {
            let pods = ["/status/availableReplicas", "/status/readyReplicas"];
            loaded.is_none() || pods.iter().any(|field| api.pointer(field).and_then(Value::as_i64) > Some(0))
        })
    };
    let jobs = Kind::Kubernetes(kubernetes::Kind::Job);
    let migrated = || {
        context.seen.of_kind(jobs).any(|(id, body)| {
            id != migration
                && body.pointer("/metadata/labels/component")
                    == Some(&kubernetes::migration::COMPONENT.into())
                && ready(jobs, body)
                && completed(body).is_none_or(since)
        })
    };
    let backed_up = || {
        let schema =
            |kept: &super::Kept<'_>| kept.fact(Part::Application, "schema").is_some_and(|at| at != "none");
        shelf.is_some_and(|shelf| shelf.complete().any(|(slot, kept)| schema(kept) && since(slot.time())))
    };
    migrated() || serves() || backed_up()
}

fn completed(job: &Value) -> Option<Timestamp> {
    job.pointer("/status/completionTime")?.as_str()?.parse().ok()
}

fn ready(kind: Kind, body: &Value) -> bool {
    matches!(kind, Kind::Kubernetes(kind) if driver::readiness(kind, body) == Readiness::Ready)
}

/// Whether a Job of a backup failed.
fn has_failed(context: &Context<'_>, slot: Slot) -> bool {
    let failed =
        |body: &Value| matches!(driver::readiness(kubernetes::Kind::Job, body), Readiness::Failed(_));
    kubernetes::backup::jobs(context, slot).iter().any(|id| context.seen.body(id).is_some_and(failed))
}

/// What going without a backup is approved by: of this deployment, before this migration, instead of this backup.
fn hash(context: &Context<'_>, migration: &ResourceId, slot: Slot) -> String {
    let text = format!("{}\n{migration}\n{slot}\nwithout a backup", context.names.deployment);
    hex::encode(&Sha256::digest(text)[..16])
}
