//! The world: every object, the order of changes, and what the controllers remember.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kinds::{self, KINDS, Kind};
use super::settings::{JobFault, Settings};

/// How many changes a watch may lag behind; a real server forgets after some minutes too.
const HISTORY: usize = 20_000;

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its kind, as an index into [`KINDS`].
    kind: usize,
    /// Its namespace; empty for objects of the cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// The place of an object.
    pub fn new(kind: &'static Kind, namespace: &str, name: &str) -> Self {
        let kind = KINDS.iter().position(|other| other == kind).unwrap_or_default();
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The object's kind.
    pub fn kind(&self) -> &'static Kind {
        KINDS.get(self.kind).unwrap_or(&KINDS[0])
    }
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version of the world it made.
    pub version: u64,
    /// Where.
    pub key: Key,
    /// The object before; `None` if it was created.
    pub before: Option<Value>,
    /// The object after; for a deletion as it was last, with the version of the deletion.
    pub after: Value,
    /// Whether it is gone.
    pub deleted: bool,
}

/// What a controller remembers of an object: since when it works on this state of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Since {
    /// What it works on: a generation or a hash.
    pub mark: String,
    /// Since when.
    pub time: Timestamp,
}

/// Every object.
#[derive(Default)]
pub struct World {
    objects: BTreeMap<Key, Value>,
    version: u64,
    history: VecDeque<Change>,
    since: BTreeMap<String, Since>,
    /// What a person or a test decided.
    pub settings: Settings,
    /// The objects whose controllers have nothing to do until they change or something is due.
    pub resting: BTreeMap<Key, (String, Option<Timestamp>)>,
    /// Which fault each Job has met, by its uid.
    pub fates: BTreeMap<String, Option<JobFault>>,
}

impl World {
    /// A world with the namespaces every cluster has.
    pub fn new(now: Timestamp) -> Self {
        let mut world = Self::default();
        let Some(kind) = kinds::by_name("Namespace") else { return world };
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            let uid = world.new_uid(name);
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": uid,
                "creationTimestamp": text(now), "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
            world.put(Key::new(kind, "", name), object);
        }
        world
    }

    /// The same world, for another server: without its history, so that watches begin anew.
    pub fn copy(&self) -> Self {
        Self {
            objects: self.objects.clone(),
            version: self.version,
            history: VecDeque::new(),
            since: self.since.clone(),
            settings: self.settings.clone(),
            resting: self.resting.clone(),
            fates: self.fates.clone(),
        }
    }

    /// The version after the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// An object.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// The objects of a kind, in one namespace or (`""`) in all, by namespace and name.
    pub fn list<'a>(
        &'a self,
        kind: &'static Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Value)> + 'a {
        let first = Key::new(kind, namespace, "");
        let index = first.kind;
        self.objects.range(first..).take_while(move |(key, _)| {
            key.kind == index && (namespace.is_empty() || key.namespace == namespace)
        })
    }

    /// Every object.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter()
    }

    /// Writes an object under a new version, and answers it.
    pub fn put(&mut self, key: Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let before = self.objects.insert(key.clone(), object.clone());
        self.record(Change { version: self.version, key, before, after: object.clone(), deleted: false });
        object
    }

    /// Removes an object.
    pub fn remove(&mut self, key: &Key) -> Option<Value> {
        let before = self.objects.remove(key)?;
        self.resting.remove(key);
        self.since.remove(uid(&before));
        self.version += 1;
        let mut after = before.clone();
        after["metadata"]["resourceVersion"] = self.version.to_string().into();
        let change = Change {
            version: self.version,
            key: key.clone(),
            before: Some(before),
            after: after.clone(),
            deleted: true,
        };
        self.record(change);
        Some(after)
    }

    fn record(&mut self, change: Change) {
        self.history.push_back(change);
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }

    /// The changes after a version; `None` if they are no longer known.
    pub fn changes_after(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let oldest = self.history.front().map_or(self.version + 1, |change| change.version);
        let start = self.history.partition_point(|change| change.version <= version);
        (version + 1 >= oldest || version >= self.version).then(|| self.history.range(start..))
    }

    /// Since when an object is in the state `mark`, which begins `now` unless it is the one remembered.
    pub fn since(&mut self, uid: &str, mark: &str, now: Timestamp) -> Timestamp {
        match self.since.get(uid) {
            Some(since) if since.mark == mark => since.time,
            _ => {
                self.since.insert(uid.to_owned(), Since { mark: mark.to_owned(), time: now });
                now
            }
        }
    }

    /// An identifier nobody else has, the same in every run that does the same.
    pub fn new_uid(&self, salt: &str) -> String {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{salt}/{}", self.version).as_bytes()).to_string()
    }

    /// The whole world as a document.
    pub fn save(&self) -> Value {
        let since: BTreeMap<&String, Value> = self
            .since
            .iter()
            .map(|(uid, since)| (uid, json!([since.mark, since.time.to_string()])))
            .collect();
        let objects: Vec<&Value> = self.objects.values().collect();
        json!({"version": self.version, "objects": objects, "since": since})
    }

    /// A world that was [`save`](Self::save)d. Watches that began before cannot go on.
    pub fn load(saved: &Value) -> Self {
        let mut world = Self { version: saved["version"].as_u64().unwrap_or_default(), ..Self::default() };
        for object in saved["objects"].as_array().into_iter().flatten() {
            if let Some(kind) = kinds::of_object(object) {
                let key = Key::new(kind, field(object, "namespace"), field(object, "name"));
                world.objects.insert(key, object.clone());
            }
        }
        for (uid, entry) in saved["since"].as_object().into_iter().flatten() {
            let time = entry[1].as_str().and_then(|time| time.parse().ok());
            if let (Some(mark), Some(time)) = (entry[0].as_str(), time) {
                world.since.insert(uid.clone(), Since { mark: mark.to_owned(), time });
            }
        }
        world
    }
}

/// A text field of the metadata; empty if it is not there.
pub fn field<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Value::as_str).unwrap_or_default()
}

/// The object's unique identifier.
pub fn uid(object: &Value) -> &str {
    field(object, "uid")
}

/// A time as the API writes it: whole seconds.
pub fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
