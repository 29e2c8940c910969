//! What goes: backups that are older than they have to be kept, and halves of backups that were given up.
//!
//! The manifest goes first, in one call, and from then on there is no such backup; what it was made of is then half a
//! backup like any other, and a Job sweeps it away. The last complete backup never goes, nor does one that a restore
//! still needs, or that was made for a release that does not stand yet.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::inventory::Inventory;
use crate::plan::{Action, Plan, Request, Step};
use crate::resources::{Context, google};
use crate::slice::Slice;

use super::shelf::{self, MANIFEST};
use super::{Doing, Shelf, Slot, before, doing, due};

/// How long half a backup stays: long enough to see why it is half.
const HALF: SignedDuration = SignedDuration::from_hours(24);

/// Complete backups that are older than `days` and not the last, nor one of `needed`.
pub fn expired(shelf: &Shelf<'_>, now: Timestamp, days: u32, needed: &BTreeSet<Slot>) -> Vec<Slot> {
    let Ok(horizon) = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))) else {
        return Vec::new();
    };
    let Some((last, _)) = shelf.newest() else { return Vec::new() };
    let old = |slot: &Slot| slot.time() < horizon && *slot != last && !needed.contains(slot);
    shelf.complete().map(|(slot, _)| slot).filter(old).collect()
}

/// Halves that nobody completes any more.
pub fn halves(shelf: &Shelf<'_>, now: Timestamp, making: Option<Slot>) -> Vec<Slot> {
    let old = |since: Timestamp| since.checked_add(HALF).is_ok_and(|limit| limit < now);
    let half = shelf.slots.iter().filter(|(slot, kept)| {
        !kept.is_complete() && Some(**slot) != making && kept.since().is_some_and(old)
    });
    half.map(|(slot, _)| *slot).collect()
}

/// The oldest half that is to be swept away now.
pub fn sweep(context: &Context<'_>, shelf: &Shelf<'_>) -> Option<Slot> {
    let making = match doing(context, shelf) {
        Doing::Making(slot) => Some(slot),
        _ => None,
    };
    halves(shelf, context.seen.at?, making).into_iter().next()
}

/// Adds the removal of the manifests of backups that have been kept long enough, and of what wanted one before a
/// migration that is done.
pub fn expire(plan: &mut Plan, context: &Context<'_>) {
    let (Some(shelf), Some(now)) = (Shelf::of(context), context.seen.at) else { return };
    let days = context.spec.backup_retention_days;
    for slot in expired(&shelf, now, days, &needed(context, &shelf)) {
        let id = shelf::object(context, slot, MANIFEST);
        plan.steps.extend(removal(id, context.seen));
    }
    for name in before::answered(context, &shelf) {
        plan.steps.extend(removal(super::object(context, name), context.seen));
    }
}

/// Backups that a restore which goes on is about, or a migration.
fn needed(context: &Context<'_>, shelf: &Shelf<'_>) -> BTreeSet<Slot> {
    let goes_on = match doing(context, shelf) {
        Doing::Loading(load) => vec![load.safety],
        Doing::Trying(slot) | Doing::Making(slot) => vec![slot],
        Doing::Nothing | Doing::Asking(_) => vec![],
    };
    due::to_restore(context, shelf).into_iter().chain(before::kept(shelf)).chain(goes_on).collect()
}

fn removal(id: crate::resources::ResourceId, seen: &Inventory) -> Option<Step> {
    let request = google::driver::delete(&id, seen.body(&id)?)?;
    let (slice, changes) = (Slice::Backup, Vec::new());
    Some(Step { resource: id, slice, action: Action::Delete, changes, request: Request::Google(request) })
}
