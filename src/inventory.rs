//! What was seen of a deployment: resources, secret payloads, operations and log tails.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::redact;
use crate::resources::{Kind, ResourceId};
use crate::spec::types::Sensitive;
use crate::state::orders::Orders;

/// What one look at a resource showed. Its `Debug` form has no content of a Secret.
#[derive(Clone, PartialEq)]
pub enum Sighting {
    /// It is not there.
    Absent,
    /// It is there, like this.
    Present(Value),
    /// It could not be read; the text says why. Nothing may be concluded from that.
    Unreadable(String),
}

impl fmt::Debug for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Unreadable(why) => f.debug_tuple("Unreadable").field(why).finish(),
            Self::Present(body) if body.get("kind").and_then(Value::as_str) == Some("Secret") => {
                let mut shown = body.clone();
                ["/data", "/stringData"].into_iter().for_each(|pointer| redact::replace(&mut shown, pointer));
                f.debug_tuple("Present").field(&shown).finish()
            }
            Self::Present(body) => f.debug_tuple("Present").field(body).finish(),
        }
    }
}

/// A secret's newest enabled version.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// Version number.
    pub version: u64,
    /// The content.
    pub content: Sensitive,
}

/// What a secret's own schedule said: a name and a time, to be judged by what the secret shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// The secret's id, without its project.
    pub secret: String,
    /// When it was said.
    pub at: jiff::Timestamp,
}

/// How an operation stands that was started for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// It is running.
    Running,
    /// It ended well.
    Done,
    /// It ended badly; the text is the API's own.
    Failed(String),
}

/// Everything that was seen, with no secret in its `Debug` form.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    seen: BTreeMap<ResourceId, Sighting>,
    /// What is the case with everything of a kind that no listing of it mentioned.
    rest: BTreeMap<Kind, Sighting>,
    /// Kinds (with the parent or namespace) of which all that exists has been listed.
    pub listed: BTreeSet<(Kind, String)>,
    /// Newest enabled version of each secret, by the secret's resource name.
    pub payloads: BTreeMap<String, Payload>,
    /// Operations in flight or just ended, by the resource they are for.
    pub operations: BTreeMap<ResourceId, OperationState>,
    /// Tails of the logs of failed Jobs.
    pub log_tails: BTreeMap<ResourceId, String>,
    /// Image references with the digest they stand for: `langgenius/dify-api:1.17.1` to `sha256:…`.
    pub digests: BTreeMap<String, String>,
    /// What the registries say that references stand for now.
    pub registry: BTreeMap<String, String>,
    /// What else decides about the images: builds, promotions and the range of releases.
    pub sources: crate::images::Sources,
    /// Which images somebody has vouched for, as far as something depends on it.
    pub attested: crate::images::attest::Attested,
    /// What the images come to: the digests above, and what else there is to say about them.
    pub images: crate::images::Verdict,
    /// What was seen of the copies of images.
    pub mirror: crate::resources::mirror::Sight,
    /// When the look began: the only time that anything pure knows.
    pub at: Option<jiff::Timestamp>,
    /// What people ordered.
    pub orders: Orders,
    /// What secrets' own schedules said, as far as this work was told.
    pub reminders: Vec<Reminder>,
    /// Full name of the topic that secrets which rotate ring on, as the service was told; empty for none.
    pub rotation_topic: String,
    /// Set when the Kubernetes API could be reached.
    pub cluster_reachable: bool,
}

impl Inventory {
    /// Nothing seen yet, by a look that began at this time and under these orders.
    pub fn begun(at: jiff::Timestamp, orders: Orders) -> Self {
        Self { at: Some(at), orders, ..Self::default() }
    }

    /// Notes what a look showed.
    pub fn note(&mut self, id: ResourceId, sighting: Sighting) {
        self.seen.insert(id, sighting);
    }

    /// Notes what is the case with everything of a kind that was not mentioned.
    pub fn note_rest(&mut self, kind: Kind, sighting: Sighting) {
        self.rest.insert(kind, sighting);
    }

    /// What is known of a resource; `None` when nobody looked.
    pub fn sighting(&self, id: &ResourceId) -> Option<&Sighting> {
        self.seen.get(id).or_else(|| self.rest.get(&id.kind))
    }

    /// The resource's body, when it was seen to exist.
    pub fn body(&self, id: &ResourceId) -> Option<&Value> {
        match self.seen.get(id) {
            Some(Sighting::Present(body)) => Some(body),
            _ => None,
        }
    }

    /// Every resource of a kind that was seen to exist.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&ResourceId, &Value)> {
        self.seen.iter().filter(move |(id, _)| id.kind == kind).filter_map(|(id, sighting)| match sighting {
            Sighting::Present(body) => Some((id, body)),
            _ => None,
        })
    }

    /// Every resource that was looked at by itself, or mentioned.
    pub fn all(&self) -> impl Iterator<Item = (&ResourceId, &Sighting)> {
        self.seen.iter()
    }
}
