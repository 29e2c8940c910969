//! Who owns what after a write: the rules of server-side apply.

use serde_json::Value;

use super::combine::combine;
use super::compare::{Comparison, compare};
use super::managers::{Manager, Managers, Owned};
use super::path::{FieldSet, Path, Step};
use super::walk::{fields_of, strip_nulls, without};
use crate::embedded::kubernetes::schema::Type;

/// A field somebody else owns and has another value for.
#[derive(Debug, PartialEq)]
pub struct Conflict {
    /// Who owns it.
    pub manager: Manager,
    /// Where it is.
    pub path: Path,
}

/// What all writes have in common.
pub struct Write<'a> {
    /// The kind's type.
    pub of: &'static Type,
    /// Who writes.
    pub manager: Manager,
    /// When, as the API writes it.
    pub now: &'a str,
    /// What this endpoint does not write and so nobody owns through it.
    pub ignored: &'a FieldSet,
}

impl Write<'_> {
    /// After an update: the writer owns what it changed, nobody owns what is gone.
    pub fn update(&self, live: &Value, new: &Value, managers: &mut Managers) {
        let changes = compare(live, new, self.of);
        let changed = changes.modified.union(&changes.added);
        self.take_from_others(&changes, &changed, managers);
        let before = managers.remove(&self.manager);
        let taken = strip_meta(changed.without_trees(self.ignored));
        let set = match &before {
            Some(before) => before.set.difference(&changes.removed).union(&taken),
            None => taken.clone(),
        };
        if set.is_empty() {
            return;
        }
        let time = match before {
            Some(before) if taken.is_empty() => before.time,
            _ => Some(self.now.to_owned()),
        };
        managers.insert(self.manager.clone(), Owned { set, time });
    }

    /// Lays `config` over `live`, prunes what this manager no longer applies and settles the ownership.
    ///
    /// # Errors
    /// The conflicts, unless `force` takes the fields over.
    pub fn apply(
        &self,
        live: &Value,
        config: &Value,
        managers: &mut Managers,
        force: bool,
    ) -> Result<Value, Vec<Conflict>> {
        let merged = combine(live, config, self.of);
        let last = managers.get(&self.manager).cloned();
        let set = fields_of(config, self.of).without_trees(self.ignored);
        let dropped = last.as_ref().is_some_and(|last| !last.set.difference(&set).is_empty());
        managers.insert(self.manager.clone(), Owned { set, time: None });
        let mut new = match &last {
            Some(last) if dropped => self.prune(&merged, &last.set, managers),
            _ => merged,
        };
        let changes = compare(live, &new, self.of);
        let changed = changes.modified.union(&changes.added);
        if !force {
            let conflicts = self.conflicts(&changed, managers);
            if !conflicts.is_empty() {
                return Err(conflicts);
            }
        }
        self.take_from_others(&changes, &changed, managers);
        let unchanged = *live == new;
        if let Some(own) = managers.get_mut(&self.manager) {
            own.set = strip_meta(std::mem::take(&mut own.set));
            let kept = last.and_then(|last| last.time);
            own.time = if unchanged { kept } else { Some(self.now.to_owned()) };
        }
        managers.retain(|_, owned| !owned.set.is_empty());
        // Only now: what has become empty is still there for those who own it.
        strip_nulls(&mut new);
        Ok(new)
    }

    /// Removes what this manager applied last time, did not apply now, and nobody else owns.
    fn prune(&self, merged: &Value, last: &FieldSet, managers: &Managers) -> Value {
        let full = |set: &FieldSet| set.with_declared_parents(self.of);
        let last = full(last);
        let merged_set = full(&fields_of(merged, self.of));
        let owned = managers.values().fold(FieldSet::default(), |sum, owned| sum.union(&owned.set));
        let bare = full(&fields_of(&without(merged, &last, self.of), self.of));
        let pruned = without(merged, &merged_set.difference(&bare.union(&full(&owned))), self.of);
        // Whatever else went (in a list item that went as a whole) was not this manager's to remove.
        let pruned_set = full(&fields_of(&pruned, self.of));
        without(merged, &merged_set.difference(&pruned_set).intersection(&last), self.of)
    }

    fn conflicts(&self, changed: &FieldSet, managers: &Managers) -> Vec<Conflict> {
        let others = managers.iter().filter(|(manager, _)| **manager != self.manager);
        others
            .flat_map(|(manager, owned)| {
                let paths = owned.set.intersection(changed).paths();
                paths.into_iter().map(|path| Conflict { manager: manager.clone(), path })
            })
            .collect()
    }

    fn take_from_others(&self, changes: &Comparison, changed: &FieldSet, managers: &mut Managers) {
        for (_, owned) in managers.iter_mut().filter(|(manager, _)| **manager != self.manager) {
            owned.set = owned.set.difference(changed).difference(&changes.removed);
        }
        managers.retain(|manager, owned| *manager == self.manager || !owned.set.is_empty());
    }
}

/// What the server sets belongs to nobody.
fn strip_meta(set: FieldSet) -> FieldSet {
    let field = |name: &str| Step::Field(name.to_owned());
    let mut server = FieldSet::default();
    for name in ["apiVersion", "kind", "metadata"] {
        server.insert(&[field(name)]);
    }
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        server.insert(&[field("metadata"), field(name)]);
    }
    set.difference(&server)
}
