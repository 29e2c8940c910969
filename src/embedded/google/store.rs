//! The world: every resource as a JSON document under its path, and what will happen to it when the clock
//! gets there.
//!
//! Keys are `{service}/{resource path}`, such as `sqladmin/projects/p/instances/i`; the IAM policy of a
//! resource is kept under its key with `#iam` appended. Fields that start with `_` are never answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::delivery::Delivery;
use super::mask;

/// Sees each change of a document: its key, what it was, what it is.
pub type Watch = Arc<dyn Fn(&str, Option<&Value>, &Value) + Send + Sync>;

/// Everything the embedded cloud remembers.
#[derive(Default, Serialize, Deserialize)]
pub struct World {
    docs: BTreeMap<String, Value>,
    /// Contents of objects that are not files, by `{bucket}/{name}#{generation}`, base64.
    #[serde(default)]
    pub blobs: BTreeMap<String, String>,
    #[serde(default)]
    due: Vec<Due>,
    counter: u64,
    #[serde(default)]
    last_generation: i64,
    /// What waits to be sent to somebody.
    #[serde(default)]
    pub deliveries: BTreeMap<u64, Delivery>,
    /// Operations that are going to fail: part of the target's path, error code, message.
    #[serde(skip)]
    pub failing: Vec<(String, String, String)>,
    /// Buckets whose events somebody waits for.
    #[serde(skip)]
    pub triggered: BTreeSet<String>,
    /// Sees each change.
    #[serde(skip)]
    pub watch: Option<Watch>,
    /// Whether something changed since the last save.
    #[serde(skip)]
    pub dirty: bool,
}

/// Something that happens at a moment.
#[derive(Clone, Serialize, Deserialize)]
struct Due {
    at: Timestamp,
    effects: Vec<Effect>,
}

/// One change to one document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Effect {
    /// Replaces or creates.
    Put(String, Value),
    /// Merges by RFC 7396, if the document is still there.
    Merge(String, Value),
    /// Deletes the document, its policy and everything below it.
    Remove(String),
}

impl World {
    /// Everything that would be kept from one start to the next.
    pub fn copy(&self) -> Self {
        Self {
            docs: self.docs.clone(),
            blobs: self.blobs.clone(),
            due: self.due.clone(),
            counter: self.counter,
            last_generation: self.last_generation,
            deliveries: self.deliveries.clone(),
            ..Self::default()
        }
    }

    /// A document.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.docs.get(key)
    }

    /// A document to change in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.dirty = true;
        self.docs.get_mut(key)
    }

    /// Stores a document.
    pub fn put(&mut self, key: impl Into<String>, document: Value) {
        self.dirty = true;
        let key = key.into();
        if let Some(watch) = &self.watch {
            watch(&key, self.docs.get(&key), &document);
        }
        self.docs.insert(key, document);
    }

    /// Deletes one document and nothing else.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.dirty = true;
        self.docs.remove(key)
    }

    /// Deletes a document, its policy and everything below it.
    pub fn remove_tree(&mut self, key: &str) {
        self.dirty = true;
        let (below, policy) = (format!("{key}/"), format!("{key}#iam"));
        self.docs.retain(|path, _| path != key && *path != policy && !path.starts_with(&below));
    }

    /// The documents directly below a collection (`…/secrets`), in order of name.
    pub fn children<'a>(&'a self, collection: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let start = format!("{collection}/");
        let length = start.len();
        self.docs
            .range(start.clone()..)
            .take_while(move |(key, _)| key.starts_with(&start))
            .filter(move |(key, _)| !key[length..].contains(['/', '#']))
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Every document whose key starts so, at any depth.
    pub fn below<'a>(&'a self, start: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let start = start.to_owned();
        self.docs
            .range(start.clone()..)
            .take_while(move |(key, _)| key.starts_with(&start))
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Does something to every IAM policy.
    pub fn each_policy(&mut self, mut change: impl FnMut(&mut Value)) {
        self.dirty = true;
        self.docs.iter_mut().filter(|(key, _)| key.ends_with("#iam")).for_each(|(_, policy)| change(policy));
    }

    /// Lets effects happen at a moment, in the order they were asked for.
    pub fn at(&mut self, at: Timestamp, effects: Vec<Effect>) {
        self.dirty = true;
        self.due.push(Due { at, effects });
    }

    /// Lets everything happen whose moment has come.
    pub fn settle(&mut self, now: Timestamp) {
        if !self.due.iter().any(|due| due.at <= now) {
            return;
        }
        let (mut ready, later): (Vec<Due>, Vec<Due>) =
            std::mem::take(&mut self.due).into_iter().partition(|due| due.at <= now);
        self.due = later;
        ready.sort_by_key(|due| due.at);
        for effect in ready.into_iter().flat_map(|due| due.effects) {
            self.apply(effect);
        }
    }

    /// Makes one change now.
    pub fn apply(&mut self, effect: Effect) {
        self.dirty = true;
        match effect {
            Effect::Put(key, value) => self.put(key, value),
            Effect::Merge(key, patch) => {
                if let Some(mut document) = self.docs.get(&key).cloned() {
                    mask::merge(&mut document, &patch);
                    self.put(key, document);
                }
            }
            Effect::Remove(key) => self.remove_tree(&key),
        }
    }

    /// The error the next operation on a target is going to end in.
    pub fn failure_of(&self, target: &str) -> Option<&(String, String, String)> {
        self.failing.iter().find(|(part, _, _)| target.contains(part.as_str()))
    }

    /// The same, used up.
    pub fn take_failure(&mut self, target: &str) -> Option<(String, String, String)> {
        let at = self.failing.iter().position(|(part, _, _)| target.contains(part.as_str()))?;
        Some(self.failing.remove(at))
    }

    /// A number nobody has had.
    pub fn next_number(&mut self) -> u64 {
        self.dirty = true;
        self.counter += 1;
        self.counter
    }

    /// An opaque etag or fingerprint nobody has had.
    pub fn next_etag(&mut self) -> String {
        let number = self.next_number();
        BASE64_STANDARD.encode(&Sha256::digest(number.to_be_bytes())[..8])
    }

    /// The next object generation: microseconds of now, and greater than every one before.
    pub fn next_generation(&mut self, now: Timestamp) -> i64 {
        self.dirty = true;
        self.last_generation = now.as_microsecond().max(self.last_generation + 1);
        self.last_generation
    }

    /// Queues something to be sent.
    pub fn queue(&mut self, mut delivery: Delivery) -> u64 {
        let id = self.next_number();
        delivery.id = id;
        self.deliveries.insert(id, delivery);
        id
    }

    /// Every document, for the snapshot.
    pub fn all(&self) -> &BTreeMap<String, Value> {
        &self.docs
    }
}

/// A number that follows from a name: the same in every run, and shaped like Google's ids.
pub fn stable_number(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut number = [0_u8; 8];
    number.copy_from_slice(&digest[..8]);
    let number = u64::from_be_bytes(number) >> 2;
    // Nineteen digits, as Google's have.
    let least = 1_000_000_000_000_000_000;
    (if number < least { number + least } else { number }).to_string()
}

/// A text field, or nothing.
pub fn text<'a>(document: &'a Value, field: &str) -> &'a str {
    document.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Sets fields of an object.
pub fn set(document: &mut Value, fields: Value) {
    if !document.is_object() {
        *document = json!({});
    }
    if let (Some(document), Value::Object(fields)) = (document.as_object_mut(), fields) {
        document.extend(fields);
    }
}
