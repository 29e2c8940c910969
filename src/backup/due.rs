//! What goes on, or should: the one procedure that a look at shelf, clock, orders and spec calls for.
//!
//! One at a time, the most urgent first: a restore or an import that somebody asked for, a backup that a migration waits
//! for, what was begun, a backup that is due, the trial of one. A restore or import is answered once: its marker says so.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::condition::{Finding, Reason, Severity};
use crate::resources::kubernetes::stamp;
use crate::resources::{Context, google};
use crate::slice::Slice;

use super::before::{Before, before};
use super::shelf::made;
use super::{Part, Schedule, Shelf, Slot};

/// How long a backup that was begun is gone on with. Its Jobs give up after four hours.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// How old the last trial may be before the newest backup is tried.
pub const TRIAL_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The order to make a backup now.
pub const BACKUP: &str = "backup";
/// The order to try the newest one now, unless that was done.
pub const VERIFY: &str = "backup-verify";
/// The order to restore one; it is of a slot.
pub const RESTORE: &str = "restore";

/// What goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Nothing.
    Nothing,
    /// The backup of this slot is made.
    Making(Slot),
    /// The backup of this slot is restored into scratch databases.
    Trying(Slot),
    /// Live data is replaced.
    Loading(Load),
    /// The time of an import's or a migration's request is written down, which names its backup.
    Asking(String),
}

/// Live data is replaced, after a safety backup was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The marker that answers the request, without the deployment: `restores/20261126T031500Z`.
    pub marker: String,
    /// The backup that is restored; none for an import, whose file the spec names.
    pub slot: Option<Slot>,
    /// The safety backup.
    pub safety: Slot,
}

/// What goes on, by the shelf as it was seen.
pub fn doing(context: &Context<'_>, shelf: &Shelf<'_>) -> Doing {
    let Some(now) = context.seen.at else { return Doing::Nothing };
    if let Some(load) = asked(context, shelf) {
        return match load {
            Asked::Since(load) if shelf.has(load.safety) => Doing::Loading(load),
            Asked::Since(load) => Doing::Making(load.safety),
            Asked::Now(marker) => Doing::Asking(marker),
        };
    }
    let given_up = match before(context, Some(shelf)) {
        Before::Asking(name) => return Doing::Asking(name),
        Before::Making(slot) => return Doing::Making(slot),
        Before::Without(slot) => slot,
        Before::Nothing | Before::Unknown => None,
    };
    let begun = begun(shelf, now).filter(|slot| Some(*slot) != given_up);
    if let Some(slot) = begun.or_else(|| due(context, shelf, now)) {
        return Doing::Making(slot);
    }
    match shelf.newest() {
        Some((slot, _)) if is_trial_due(context, shelf, now) => Doing::Trying(slot),
        _ => Doing::Nothing,
    }
}

/// Once a week, and when somebody orders it. What was found whole is not tried again.
fn is_trial_due(context: &Context<'_>, shelf: &Shelf<'_>, now: Timestamp) -> bool {
    let ordered = context.seen.orders.requested(VERIFY).map(|order| order.at);
    last_trial(shelf).is_none_or(|at| {
        at.checked_add(TRIAL_EVERY).is_ok_and(|next| next <= now)
            || ordered.is_some_and(|ordered| at < ordered)
    })
}

/// Whether the workload has to stand still, because its data is being replaced.
pub fn paused(context: &Context<'_>) -> bool {
    let shelf = Shelf::of(context);
    shelf.is_some_and(|shelf| matches!(doing(context, &shelf), Doing::Loading(_)))
}

/// The marker of the last restore or import that was done: the schema may be an older one since.
pub fn last_load<'a>(shelf: &Shelf<'a>) -> Option<&'a str> {
    let done = shelf.answered.iter().filter(|(name, _)| !name.ends_with(ASKED));
    done.max_by_key(|(_, object)| made(object)).map(|(name, _)| *name)
}

/// The end of the name of an import's first object, whose time is the request's.
pub const ASKED: &str = ".asked.json";

/// The slot that is due and has no backup, whether anything was begun for it or not.
pub fn due(context: &Context<'_>, shelf: &Shelf<'_>, now: Timestamp) -> Option<Slot> {
    let newest = shelf.newest().map(|(slot, _)| slot);
    let ordered = context.seen.orders.requested(BACKUP).map(|order| Slot::at(order.at));
    let scheduled = Schedule::parse(&context.spec.backup_schedule)
        .and_then(|schedule| schedule.last(now))
        // What was due before there was anything to back up is not overdue.
        .filter(|slot| born(context).is_some_and(|born| born < *slot))
        .map(Slot::at);
    let open = |slot: &Slot| newest.is_none_or(|newest| newest < *slot);
    [ordered, scheduled].into_iter().flatten().filter(open).max()
}

/// When somebody last found a backup whole by restoring it.
pub fn last_trial(shelf: &Shelf<'_>) -> Option<Timestamp> {
    let whole = |part: Part| move |kept: &super::Kept<'_>| kept.verified(part).map(|(at, _)| at);
    let of = |kept: &super::Kept<'_>| Some(whole(Part::Application)(kept)?.min(whole(Part::Plugins)(kept)?));
    shelf.complete().filter_map(|(_, kept)| of(kept)).max()
}

/// What the user should know.
pub fn findings(context: &Context<'_>) -> Vec<Finding> {
    let (Some(shelf), Some(now)) = (Shelf::of(context), context.seen.at) else { return Vec::new() };
    let mut found = Vec::new();
    let late = |slot: &Slot| slot.time().checked_add(LONGEST).is_ok_and(|limit| limit < now);
    if let Some(slot) = due(context, &shelf, now).filter(late) {
        let newest =
            shelf.newest().map_or("there is none".into(), |(slot, _)| format!("the newest is {slot}"));
        found.push(Finding {
            reason: Reason::BackupOverdue,
            severity: Severity::Warning,
            slice: Slice::Backup,
            subject: Some("backup_schedule".into()),
            message: format!("the backup of {slot} is overdue; {newest}"),
            help: "Look at what the backup slice waits on.".into(),
        });
    }
    if let Some(order) = context.seen.orders.requested(RESTORE)
        && !shelf.answered.contains_key(restore_marker(order.at).as_str())
        && order.of.parse::<Slot>().map_or(true, |slot| !shelf.has(slot))
    {
        found.push(Finding {
            reason: Reason::NotFound,
            severity: Severity::Warning,
            slice: Slice::Backup,
            subject: Some(order.of.clone()),
            message: format!("there is no backup {} to restore; nothing was changed", order.of),
            help: "Name one that the output `backups` of the status shows.".into(),
        });
    }
    found.extend(standstill(context, &shelf));
    found
}

/// What is said as long as the workload stands still for its data, and how that can be ended.
fn standstill(context: &Context<'_>, shelf: &Shelf<'_>) -> Option<Finding> {
    let Doing::Loading(load) = doing(context, shelf) else { return None };
    let name = &context.names.deployment;
    let rolled_back = "a database whose load failed is as it was before";
    let (what, help) = match load.slot {
        Some(slot) => (
            format!("the backup {slot} is restored"),
            format!(
                "If it cannot be finished, `dify-reconciler restore {name} {}` brings the safety backup back, and \
                 `dify-reconciler restore {name} --call-off` starts Dify on what there is: {rolled_back}.",
                load.safety
            ),
        ),
        None => (
            "a file is imported".to_owned(),
            format!(
                "If it cannot be finished, name another file, or take `enable_backup_import` out to start Dify on what \
                 there is: {rolled_back}. The safety backup is {}.",
                load.safety
            ),
        ),
    };
    Some(Finding {
        reason: Reason::Paused,
        severity: Severity::Warning,
        slice: Slice::Workload,
        subject: Some(load.marker),
        message: format!("Dify stands still while {what}"),
        help,
    })
}

/// The object name of a restore's marker.
fn restore_marker(at: Timestamp) -> String {
    format!("restores/{}.json", Slot::at(at))
}

/// The backup that somebody wants restored, until that was done.
pub fn to_restore(context: &Context<'_>, shelf: &Shelf<'_>) -> Option<Slot> {
    let order = context.seen.orders.requested(RESTORE)?;
    let open = !shelf.answered.contains_key(restore_marker(order.at).as_str());
    order.of.parse().ok().filter(|_| open)
}

/// An import's identity: the same file in the same format is the same request.
pub fn import_id(context: &Context<'_>) -> String {
    let spec = context.spec;
    let request = json!([spec.backup_source, spec.backup_uri, spec.backup_format]);
    stamp::fingerprint(&request).chars().take(12).collect()
}

/// A request that was not answered yet.
pub enum Asked {
    /// The request's time is known.
    Since(Load),
    /// It has to be written down under this name.
    Now(String),
}

/// The restore or import that was asked for and not answered.
pub fn asked(context: &Context<'_>, shelf: &Shelf<'_>) -> Option<Asked> {
    if let Some(order) = context.seen.orders.requested(RESTORE) {
        let (slot, name) = (order.of.parse().ok(), restore_marker(order.at));
        if let Some(slot) = slot.filter(|slot| shelf.has(*slot))
            && !shelf.answered.contains_key(name.as_str())
        {
            let marker = name.trim_end_matches(".json").to_owned();
            return Some(Asked::Since(Load { marker, slot: Some(slot), safety: Slot::at(order.at) }));
        }
    }
    if !context.spec.enable_backup_import {
        return None;
    }
    let marker = format!("imports/{}", import_id(context));
    if shelf.answered.contains_key(format!("{marker}.json").as_str()) {
        return None;
    }
    let name = format!("{marker}{ASKED}");
    match shelf.answered.get(name.as_str()).and_then(|object| made(object)) {
        Some(at) => Some(Asked::Since(Load { marker, slot: None, safety: Slot::at(at) })),
        None => Some(Asked::Now(name)),
    }
}

/// The newest backup that was begun, is not complete, and not given up.
fn begun(shelf: &Shelf<'_>, now: Timestamp) -> Option<Slot> {
    let newest = shelf.newest().map(|(slot, _)| slot);
    let fresh = |since: Timestamp| since.checked_add(LONGEST).is_ok_and(|limit| limit > now);
    let goes_on = shelf.slots.iter().filter(|(slot, kept)| {
        kept.is_begun()
            && !kept.is_complete()
            && newest.is_none_or(|newest| newest < **slot)
            && kept.since().is_some_and(fresh)
    });
    goes_on.map(|(slot, _)| *slot).next_back()
}

/// When the deployment's backup bucket was made.
fn born(context: &Context<'_>) -> Option<Timestamp> {
    made(context.seen.body(&google::bucket::id(&super::bucket(context)))?)
}

#[cfg(test)]
mod tests;
