//! GET with `watch=true`: the changes of a list, one JSON line each.

use std::time::Duration;

use serde_json::{Value, json};

use crate::embedded::kubernetes::failure::Failure;
use crate::embedded::kubernetes::kinds::Kind;
use crate::embedded::kubernetes::request::{Request, Target};
use crate::embedded::kubernetes::selector::Selector;
use crate::embedded::kubernetes::store::{Change, World};

/// A watch that goes on.
pub struct Watch {
    kind: &'static Kind,
    namespace: String,
    selector: Selector,
    version: u64,
    /// What to say before anything else.
    first: Vec<Value>,
    /// When it ends, counted from its beginning.
    pub limit: Duration,
}

impl Watch {
    /// A watch from the version the request names; without one, of all there is and then its changes.
    pub fn new(
        world: &World,
        request: &Request,
        target: &Target,
        selector: Selector,
    ) -> Result<Self, Failure> {
        let stated = request.query.get("resourceVersion");
        let initial = request.query.is("sendInitialEvents");
        let limit = request.query.get("timeoutSeconds").parse().unwrap_or(1800);
        let mut watch = Self {
            kind: target.kind,
            namespace: target.namespace.clone(),
            selector,
            version: world.version(),
            first: Vec::new(),
            limit: Duration::from_secs(limit),
        };
        if stated.is_empty() || stated == "0" || initial {
            let found = world.list(target.kind, &target.namespace).map(|(_, object)| object);
            let selected = found.filter(|object| watch.selector.matches(object));
            watch.first = selected.map(|object| json!({"type": "ADDED", "object": object})).collect();
        } else {
            let invalid = || Failure::bad_request(format!("invalid resource version {stated:?}"));
            watch.version = stated.parse().map_err(|_| invalid())?;
        }
        if initial {
            watch.first.push(watch.bookmark());
        }
        Ok(watch)
    }

    fn bookmark(&self) -> Value {
        json!({"type": "BOOKMARK", "object": {"kind": self.kind.kind, "apiVersion": self.kind.api_version(),
            "metadata": {"resourceVersion": self.version.to_string(),
                "annotations": {"k8s.io/initial-events-end": "true"}}}})
    }

    /// What happened since the last call, and whether the watch can go on.
    pub fn poll(&mut self, world: &World) -> (Vec<Value>, bool) {
        let mut events = std::mem::take(&mut self.first);
        let Some(changes) = world.changes_after(self.version) else {
            let failure = Failure::new(410, "Expired", format!("too old resource version: {}", self.version));
            events.push(json!({"type": "ERROR", "object": failure.to_status()}));
            return (events, false);
        };
        for change in changes {
            let here = change.key.kind() == self.kind
                && (self.namespace.is_empty() || change.key.namespace == self.namespace);
            if let (true, Some(event)) = (here, self.event(change)) {
                events.push(json!({"type": event, "object": change.after}));
            }
        }
        self.version = self.version.max(world.version());
        (events, true)
    }

    /// What the change is to someone who sees only the selected objects.
    fn event(&self, change: &Change) -> Option<&'static str> {
        let before = change.before.as_ref().is_some_and(|object| self.selector.matches(object));
        let after = !change.deleted && self.selector.matches(&change.after);
        match (before, after) {
            (false, true) => Some("ADDED"),
            (true, true) => Some("MODIFIED"),
            (true, false) => Some("DELETED"),
            (false, false) => None,
        }
    }
}
