//! Buckets that are directories: a file is an object, saving or deleting it makes a generation or an end of
//! one.
//!
//! A change is noticed by time and size and believed by content, so that touching a file, or replacing it
//! with the same bytes, changes nothing. Files of editors and hidden files are no objects.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::events::{self, Change};
use super::{buckets, objects};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::persist;
use crate::embedded::google::store::text;

/// Directories deeper than this are a loop of links rather than somebody's specs.
const DEEPEST: usize = 16;

/// A file younger than this may change again without its time showing it, so its content is compared.
const TOO_YOUNG_TO_TRUST: Duration = Duration::from_secs(1);

/// What a file looks like from outside, as kept in the object's document: inode, size and time.
type Look = String;

/// Looks at every directory.
pub fn scan_all(cx: &mut Cx) {
    let names: Vec<String> = cx.site.directories.keys().cloned().collect();
    names.iter().for_each(|bucket| scan(cx, bucket));
}

/// Brings a bucket's objects up to its directory; a bucket without one is left alone.
pub fn scan(cx: &mut Cx, bucket: &str) {
    let Some(root) = cx.site.directories.get(bucket).cloned() else { return };
    let mut files = BTreeMap::new();
    collect(&root, "", 0, &mut files);
    let known: Vec<Value> =
        cx.world.below(&format!("{}/o/", buckets::key(bucket))).map(|(_, object)| object.clone()).collect();
    for object in known {
        let name = text(&object, "name").to_owned();
        // A hidden name that was written through the API is still an object.
        let look = files.remove(&name).or_else(|| look(&root.join(&name)));
        match look {
            None => lost(cx, &object),
            Some(look) if look == text(&object, "_look") && !is_young(&root.join(&name)) => {}
            Some(look) => saved(cx, &root, object, look),
        }
    }
    for name in files.into_keys() {
        if let Ok(bytes) = fs::read(root.join(&name)) {
            let object = objects::put(cx, (bucket, &name), &json!({}), &Bytes::from(bytes));
            events::emit(cx, Change::finalized(&object, None).seen_in_directory());
        }
    }
}

fn lost(cx: &mut Cx, object: &Value) {
    cx.world.take(&objects::key(text(object, "bucket"), text(object, "name")));
    events::emit(cx, Change::deleted(object, None).seen_in_directory());
}

/// A file that looks different or is too young: a new generation if its content is new.
fn saved(cx: &mut Cx, root: &Path, mut old: Value, look: Look) {
    let (bucket, name) = (text(&old, "bucket").to_owned(), text(&old, "name").to_owned());
    let Ok(bytes) = fs::read(root.join(&name)) else { return };
    if BASE64_STANDARD.encode(*md5::compute(&bytes)) == text(&old, "md5Hash") {
        if text(&old, "_look") != look {
            old["_look"] = json!(look);
            cx.world.put(objects::key(&bucket, &name), old);
        }
        return;
    }
    let metadata = json!({"contentType": old["contentType"]});
    let object = objects::put(cx, (&bucket, &name), &metadata, &Bytes::from(bytes));
    events::emit(cx, Change::finalized(&object, Some(&old)).seen_in_directory());
    events::emit(cx, Change::deleted(&old, Some(&object)).seen_in_directory());
}

fn collect(directory: &Path, prefix: &str, depth: usize, files: &mut BTreeMap<String, Look>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let Ok(file_name) = entry.file_name().into_string() else { continue };
        if ignored(&file_name) {
            continue;
        }
        let (path, name) = (entry.path(), format!("{prefix}{file_name}"));
        if path.is_dir() && depth < DEEPEST {
            collect(&path, &format!("{name}/"), depth + 1, files);
        } else if let Some(look) = look(&path) {
            files.insert(name, look);
        }
    }
}

/// Hidden files and what editors leave beside the file they save.
fn ignored(file_name: &str) -> bool {
    let temporary = [".swp", ".swx", ".tmp", ".bak", "~"];
    file_name.starts_with(['.', '#'])
        || file_name == "4913"
        || temporary.iter().any(|end| file_name.ends_with(end))
}

fn look(path: &Path) -> Option<Look> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let (time, nanos) = (metadata.mtime(), metadata.mtime_nsec());
    Some(format!("{}:{}:{time}.{nanos:09}", metadata.ino(), metadata.len()))
}

/// Whether the file was written a moment ago, by the time of its file system.
fn is_young(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < TOO_YOUNG_TO_TRUST))
}

/// Notes what the file looks like in the object's document.
pub fn remember_file(root: &Path, name: &str, object: &mut Value) {
    if let Some(look) = look(&root.join(name)) {
        object["_look"] = json!(look);
    }
}

/// Writes a file so that a reader sees the old or the new content. Errors: the directory refuses.
pub fn write(root: &Path, name: &str, bytes: &[u8]) -> Result<(), ApiError> {
    if name.ends_with('/') || root.join(name).is_dir() {
        return Err(ApiError::invalid(format!("'{name}' is a directory in a bucket that is a directory.")));
    }
    persist::write_atomically(&root.join(name), bytes, 0o644)
        .map_err(|error| ApiError::internal(format!("The file could not be written: {error}")))
}

/// Deletes a file. Errors: the directory refuses.
pub fn delete(root: &Path, name: &str) -> Result<(), ApiError> {
    match fs::remove_file(root.join(name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(ApiError::internal(format!("The file could not be deleted: {error}")))
        }
        _ => Ok(()),
    }
}
