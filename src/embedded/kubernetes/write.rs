//! What every write goes through: decoding, ownership, admission, validation, storing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::allocate;
use super::defaults;
use super::failure::{Cause, Failure};
use super::kinds::Kind;
use super::merge::managers::{self, Managers};
use super::merge::path::{FieldSet, Step};
use super::merge::{self, managers::Manager};
use super::schema;
use super::store::{Key, World, field, text};
use super::validate;

/// What is done about unknown fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// They are dropped.
    Ignore,
    /// They are dropped with a warning.
    Warn,
    /// They are refused.
    Strict,
}

/// One write.
pub struct Writer<'a> {
    /// The kind written.
    pub kind: &'static Kind,
    /// When.
    pub now: Timestamp,
    /// The field manager.
    pub manager: String,
    /// `status`, or empty.
    pub subresource: &'a str,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    /// What is done about unknown fields.
    pub validation: Validation,
    /// What to tell the writer.
    pub warnings: Vec<String>,
}

/// What only the server sets.
const SERVER_OWNED: [&str; 4] = ["uid", "creationTimestamp", "generation", "selfLink"];

impl Writer<'_> {
    /// Reads a document as the kind: refuses wrong types and (if strict) unknown fields, fills in defaults.
    ///
    /// # Errors
    /// 400.
    pub fn decode(&mut self, mut object: Value) -> Result<Value, Failure> {
        let (kind, version) = (self.kind.kind, self.kind.version);
        let refused = |why: &str| {
            Failure::bad_request(format!(
                "{kind} in version {version:?} cannot be handled as a {kind}: {why}"
            ))
        };
        if !object.is_object() {
            return Err(refused("json: cannot unmarshal into Go value"));
        }
        let found = schema::check(kind, &mut object, self.kind.schema());
        if let Some(mismatch) = found.mismatch.filter(|_| !self.kind.custom) {
            return Err(refused(&mismatch));
        }
        let unknown: Vec<String> =
            found.unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
        match self.validation {
            Validation::Strict if !unknown.is_empty() => {
                return Err(refused(&format!("strict decoding error: {}", unknown.join(", "))));
            }
            Validation::Warn => self.warnings.extend(unknown),
            _ => {}
        }
        if kind == "Secret" && !base64_only(&object["data"]) {
            return Err(refused("illegal base64 data at input byte 0"));
        }
        for (name, value) in [("apiVersion", self.kind.api_version()), ("kind", kind.to_owned())] {
            match object.get(name).and_then(Value::as_str) {
                None | Some("") => object[name] = value.into(),
                Some(found) if found == value => {}
                Some(_) => {
                    let why = "the API version in the data does not match the expected API version";
                    return Err(Failure::bad_request(format!("{why} ({value})")));
                }
            }
        }
        if !object["metadata"].is_object() {
            object["metadata"] = json!({});
        }
        merge::strip_nulls(&mut object);
        schema::drop_empty(&mut object, self.kind.schema());
        // A field a CRD wants typed is looked at once more by its schema's validation.
        if self.kind.custom && !schema::violations(&object, self.kind.schema()).is_empty() {
            return Ok(object);
        }
        defaults::apply(self.kind, &mut object);
        Ok(object)
    }

    /// Creates an object.
    ///
    /// # Errors
    /// Whatever the real server refuses it for.
    pub fn create(&mut self, world: &mut World, namespace: &str, object: Value) -> Result<Value, Failure> {
        let mut object = self.decode(object)?;
        if !field(&object, "resourceVersion").is_empty() {
            return Err(Failure::new(500, "", "resourceVersion should not be set on objects to be created"));
        }
        self.drop_status(&mut object);
        let mut owners = Managers::new();
        self.own(&defaults::skeleton(self.kind), &object, &mut owners);
        self.insert(world, namespace, object, &owners)
    }

    /// Stores a new object whose owners are settled.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn insert(
        &self,
        world: &mut World,
        namespace: &str,
        mut object: Value,
        owners: &Managers,
    ) -> Result<Value, Failure> {
        self.place(world, namespace, &mut object)?;
        let name = field(&object, "name").to_owned();
        let metadata = &mut object["metadata"];
        metadata["uid"] = world.new_uid(&self.kind.path(namespace, &name)).into();
        metadata["creationTimestamp"] = text(self.now).into();
        if let Some(fields) = metadata.as_object_mut() {
            for gone in
                ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields", "generation"]
            {
                fields.remove(gone);
            }
        }
        if self.kind.generation {
            metadata["generation"] = 1.into();
        }
        managers::encode(owners, &mut object);
        allocate::on_create(self.kind, &mut object, world);
        validate::check(self.kind, None, &object)?;
        let key = Key::new(self.kind, namespace, &name);
        if world.get(&key).is_some() {
            return Err(Failure::already_exists(self.kind, &name));
        }
        Ok(if self.dry_run { object } else { world.put(key, object) })
    }

    /// Checks the namespace and gives the object its place and name.
    fn place(&self, world: &World, namespace: &str, object: &mut Value) -> Result<(), Failure> {
        let stated = field(object, "namespace");
        if !stated.is_empty() && stated != namespace {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(why));
        }
        if field(object, "name").is_empty() && !field(object, "generateName").is_empty() {
            let salt = world.new_uid(field(object, "generateName")).replace('-', "");
            object["metadata"]["name"] = format!("{}{}", field(object, "generateName"), &salt[..5]).into();
        }
        if self.kind.namespaced {
            object["metadata"]["namespace"] = namespace.into();
            let key = super::kinds::by_name("Namespace").map(|kind| Key::new(kind, "", namespace));
            let found = key.and_then(|key| world.get(&key));
            let Some(found) = found else { return Err(Failure::no_such_namespace(namespace)) };
            if !field(found, "deletionTimestamp").is_empty() {
                let why = format!(
                    "unable to create new content in namespace {namespace} because it is being terminated"
                );
                let mut failure = Failure::forbidden(self.kind, field(object, "name"), &why);
                let cause = json!({"reason": "NamespaceTerminating",
                    "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace"});
                if let Some(details) = &mut failure.details {
                    details["causes"] = json!([cause]);
                }
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Replaces an object by a decoded one.
    ///
    /// # Errors
    /// Whatever the real server refuses it for.
    pub fn update(&mut self, world: &mut World, key: &Key, new: Value) -> Result<Value, Failure> {
        let Some(old) = world.get(key).cloned() else { return Err(Failure::not_found(self.kind, &key.name)) };
        let mut new = self.decode(new)?;
        let stated = new.pointer("/metadata/managedFields").and_then(Value::as_array);
        let mut owners = match stated {
            Some(entries) if entries.iter().all(|entry| entry.as_object().is_none_or(Map::is_empty)) => {
                Managers::new()
            }
            Some(_) if self.subresource.is_empty() => managers::decode(&new),
            _ => managers::decode(&old),
        };
        self.keep_other_half(&old, &mut new);
        // An object nobody is known to own stays so until the first apply.
        if !owners.is_empty() {
            self.own(&bare(&old), &bare(&new), &mut owners);
        }
        self.exchange(world, key, &old, new, &owners)
    }

    /// Stores a changed object whose owners are settled. A change of nothing is none.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn exchange(
        &self,
        world: &mut World,
        key: &Key,
        old: &Value,
        mut new: Value,
        owners: &Managers,
    ) -> Result<Value, Failure> {
        self.check_identity(key, old, &new)?;
        self.keep_other_half(old, &mut new);
        for name in
            SERVER_OWNED.iter().chain(&["deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"])
        {
            match old["metadata"].get(*name) {
                Some(value) => new["metadata"][*name] = value.clone(),
                None => drop(new["metadata"].as_object_mut().map(|fields| fields.remove(*name))),
            }
        }
        managers::encode(owners, &mut new);
        allocate::on_update(self.kind, old, &mut new, world);
        if self.kind.generation && spec_changed(self.kind, old, &new) {
            let generation = old["metadata"]["generation"].as_i64().unwrap_or_default();
            new["metadata"]["generation"] = (generation + 1).into();
        }
        validate::check(self.kind, Some(old), &new)?;
        if managers::same_but_times(old, &new) {
            return Ok(old.clone());
        }
        if self.dry_run {
            return Ok(new);
        }
        let finished = !field(&new, "deletionTimestamp").is_empty()
            && new["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty);
        let stored = world.put(key.clone(), new);
        if finished && self.kind.kind != "Namespace" {
            world.remove(key);
        }
        Ok(stored)
    }

    /// A whole new object of a CRD's kind must say which one it replaces.
    ///
    /// # Errors
    /// 422.
    pub fn demand_version(&self, new: &Value, name: &str) -> Result<(), Failure> {
        if !self.kind.custom || !field(new, "resourceVersion").is_empty() {
            return Ok(());
        }
        let message = "Invalid value: 0x0: must be specified for an update".to_owned();
        let cause =
            Cause { reason: "FieldValueInvalid", field: "metadata.resourceVersion".to_owned(), message };
        Err(Failure::invalid(self.kind.group, self.kind.plural, name, &[cause]))
    }

    fn check_identity(&self, key: &Key, old: &Value, new: &Value) -> Result<(), Failure> {
        let name = field(new, "name");
        if name != key.name {
            return Err(Failure::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                key.name
            )));
        }
        let version = field(new, "resourceVersion");
        if !version.is_empty() && version != field(old, "resourceVersion") {
            return Err(Failure::modified(self.kind, name));
        }
        let uid = field(new, "uid");
        if !uid.is_empty() && uid != field(old, "uid") {
            let cause = Cause::immutable("metadata.uid", &uid.into());
            return Err(Failure::invalid(self.kind.group, self.kind.kind, name, &[cause.clone(), cause]));
        }
        Ok(())
    }

    /// `/status` writes the status only, everything else all but the status.
    fn keep_other_half(&self, old: &Value, new: &mut Value) {
        if self.subresource == "status" {
            let mut kept = old.clone();
            match new.get("status") {
                Some(status) => kept["status"] = status.clone(),
                None => drop(kept.as_object_mut().map(|fields| fields.remove("status"))),
            }
            for name in ["resourceVersion", "uid", "name"] {
                if let Some(value) = new["metadata"].get(name) {
                    kept["metadata"][name] = value.clone();
                }
            }
            *new = kept;
        } else if self.kind.status {
            match old.get("status") {
                Some(status) => new["status"] = status.clone(),
                None => drop(new.as_object_mut().map(|fields| fields.remove("status"))),
            }
        }
    }

    fn drop_status(&self, object: &mut Value) {
        if self.kind.status
            && let Some(fields) = object.as_object_mut()
        {
            fields.remove("status");
            defaults::apply(self.kind, object);
        }
    }

    fn own(&self, old: &Value, new: &Value, owners: &mut Managers) {
        let now = text(self.now);
        self.merging(false, &now, &self.ignored()).update(old, new, owners);
    }

    /// What the merge needs to know about this write.
    pub fn merging<'b>(&self, applies: bool, now: &'b str, ignored: &'b FieldSet) -> merge::Write<'b> {
        let manager = Manager {
            name: self.manager.clone(),
            applies,
            api_version: self.kind.api_version(),
            subresource: self.subresource.to_owned(),
        };
        merge::Write { of: self.kind.schema(), manager, now, ignored }
    }

    /// What is not written through this endpoint.
    pub fn ignored(&self) -> FieldSet {
        let mut set = FieldSet::default();
        let mut insert = |name: &str| set.insert(&[Step::Field(name.to_owned())]);
        if self.subresource == "status" {
            insert("spec");
            insert("metadata");
        } else if self.kind.status {
            insert("status");
        }
        set
    }
}

/// The object as the merge sees it: without its managers.
pub fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"].as_object_mut().map(|fields| fields.remove("managedFields"));
    object
}

fn base64_only(data: &Value) -> bool {
    let mut values = data.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    values.all(|value| BASE64.decode(value).is_ok())
}

fn spec_changed(kind: &Kind, old: &Value, new: &Value) -> bool {
    if kind.custom {
        let rest = |object: &Value| {
            let mut object = object.clone();
            if let Some(fields) = object.as_object_mut() {
                fields.remove("metadata");
                fields.remove("status");
            }
            object
        };
        return rest(old) != rest(new);
    }
    // A Deployment's controller reads its annotations too.
    let annotations = |object: &Value| object["metadata"].get("annotations").cloned();
    old.get("spec") != new.get("spec") || (kind.kind == "Deployment" && annotations(old) != annotations(new))
}
