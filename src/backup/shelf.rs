//! What lies in the backup bucket.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::resources::{Context, Kind, ResourceId, google};

use super::{Part, Slot};

/// The object that is written first.
pub const BEGUN: &str = "begun.json";
/// The object that is written last.
pub const MANIFEST: &str = "manifest.json";

/// Everything that is kept for a deployment.
#[derive(Clone, Debug, Default)]
pub struct Shelf<'a> {
    /// Backups, whole and half ones.
    pub slots: BTreeMap<Slot, Kept<'a>>,
    /// Markers of requests that were answered: `restores/…`, `imports/…`.
    pub answered: BTreeMap<&'a str, &'a Value>,
    /// Markers of backups that are wanted before the schema changes: `migrations/…`.
    pub wanted: BTreeMap<&'a str, &'a Value>,
}

/// What is there of one backup, by the names of its objects.
#[derive(Clone, Debug, Default)]
pub struct Kept<'a>(BTreeMap<&'a str, &'a Value>);

impl<'a> Shelf<'a> {
    /// The shelf as it was seen; `None` when nobody could look.
    pub fn of(context: &Context<'a>) -> Option<Self> {
        let kind = Kind::Google(google::Kind::Object);
        let bucket = super::bucket(context);
        if !context.seen.listed.contains(&(kind, format!("b/{bucket}"))) {
            return None;
        }
        let stem = format!("b/{bucket}/o/{}", super::prefix(context));
        let mut shelf = Self::default();
        let seen: &'a crate::inventory::Inventory = context.seen;
        for (id, body) in seen.of_kind(kind) {
            let Some(rest) = id.name.strip_prefix(&stem) else { continue };
            match rest.split_once('/') {
                Some(("restores" | "imports", _)) => drop(shelf.answered.insert(rest, body)),
                Some(("migrations", _)) => drop(shelf.wanted.insert(rest, body)),
                Some((slot, name)) => {
                    if let Ok(slot) = slot.parse() {
                        shelf.slots.entry(slot).or_default().0.insert(name, body);
                    }
                }
                None => {}
            }
        }
        Some(shelf)
    }

    /// The newest complete backup.
    pub fn newest(&self) -> Option<(Slot, &Kept<'a>)> {
        self.complete().next_back()
    }

    /// Every complete backup, the oldest first.
    pub fn complete(&self) -> impl DoubleEndedIterator<Item = (Slot, &Kept<'a>)> {
        self.slots.iter().filter(|(_, kept)| kept.is_complete()).map(|(slot, kept)| (*slot, kept))
    }

    /// Whether a backup is complete.
    pub fn has(&self, slot: Slot) -> bool {
        self.slots.get(&slot).is_some_and(Kept::is_complete)
    }
}

impl<'a> Kept<'a> {
    /// An object of it, as Cloud Storage describes it.
    pub fn object(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).copied()
    }

    /// Whether it has its manifest.
    pub fn is_complete(&self) -> bool {
        self.object(MANIFEST).is_some()
    }

    /// Whether it was begun.
    pub fn is_begun(&self) -> bool {
        self.object(BEGUN).is_some()
    }

    /// When its first object was made.
    pub fn since(&self) -> Option<Timestamp> {
        self.0.values().filter_map(|object| made(object)).min()
    }

    /// Whether a part is there whole.
    pub fn has(&self, part: Part) -> bool {
        self.object(part.object()).is_some() && self.fact(part, "sha256").is_some()
    }

    /// What a part's Job wrote down about it.
    pub fn fact(&self, part: Part, name: &str) -> Option<&'a str> {
        self.object(&format!("{}.ok", part.object()))?.get("metadata")?.get(name)?.as_str()
    }

    /// When a part was restored on trial and found whole, and how many seconds that took.
    pub fn verified(&self, part: Part) -> Option<(Timestamp, u64)> {
        let object = self.object(&format!("{}.verified", part.object()))?;
        let seconds = object.pointer("/metadata/seconds")?.as_str()?.parse().ok()?;
        Some((made(object)?, seconds))
    }

    /// Bytes of all its objects.
    pub fn bytes(&self) -> u64 {
        self.0.values().filter_map(|object| size(object)).sum()
    }
}

/// When an object was made.
pub fn made(object: &Value) -> Option<Timestamp> {
    object.get("timeCreated")?.as_str()?.parse().ok()
}

/// An object's bytes; the API writes 64-bit numbers as text.
pub fn size(object: &Value) -> Option<u64> {
    object.get("size")?.as_str()?.parse().ok()
}

/// The address of an object of a slot.
pub fn object(context: &Context<'_>, slot: Slot, name: &str) -> ResourceId {
    super::object(context, &format!("{slot}/{name}"))
}
