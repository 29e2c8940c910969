//! Objects: writing, patching, deleting and copying, with a new generation for every content.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::{self, Change};
use super::{buckets, directory, download};
use crate::embedded::google::call::Call;
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{set, text};
use crate::embedded::google::{mask, precondition};

/// The store's key of a live object.
pub fn key(bucket: &str, name: &str) -> String {
    format!("storage/b/{bucket}/o/{name}")
}

/// The store's key of a noncurrent object.
pub fn old_key(bucket: &str, name: &str, generation: &str) -> String {
    format!("storage/b/{bucket}/v/{name}#{generation}")
}

fn blob_key(bucket: &str, name: &str, generation: &str) -> String {
    format!("{bucket}/{name}#{generation}")
}

/// The live object or the generation asked for; 404 otherwise.
pub fn fetch(cx: &Cx, bucket: &str, name: &str, generation: Option<&str>) -> Result<Value, ApiError> {
    buckets::fetch(cx, bucket)?;
    let live = cx.world.get(&key(bucket, name));
    let found = match generation {
        None => live,
        Some(wanted) => live
            .filter(|object| text(object, "generation") == wanted)
            .or_else(|| cx.world.get(&old_key(bucket, name, wanted))),
    };
    found.cloned().ok_or_else(|| ApiError::not_found(format!("No such object: {bucket}/{name}")))
}

/// The content of an object.
pub fn content(cx: &Cx, object: &Value) -> Result<Bytes, ApiError> {
    let (bucket, name) = (text(object, "bucket"), text(object, "name"));
    if let Some(root) = cx.site.directories.get(bucket) {
        let read = std::fs::read(root.join(name));
        return read
            .map(Bytes::from)
            .map_err(|_| ApiError::not_found(format!("No such object: {bucket}/{name}")));
    }
    let blob = cx.world.blobs.get(&blob_key(bucket, name, text(object, "generation")));
    let bytes = blob.and_then(|blob| BASE64_STANDARD.decode(blob).ok());
    bytes.map(Bytes::from).ok_or_else(|| ApiError::internal("The object's content is missing."))
}

/// Writes an object if the conditions in `conditions` hold.
pub fn write(
    cx: &mut Cx,
    conditions: &Call,
    (bucket, name): (&str, &str),
    metadata: &Value,
    bytes: &Bytes,
) -> Result<Value, ApiError> {
    buckets::fetch(cx, bucket)?;
    check_name(name)?;
    let live = cx.world.get(&key(bucket, name)).cloned();
    precondition::check(conditions, live.as_ref())?;
    check_rate(cx, live.as_ref())?;
    if let Some(root) = cx.site.directories.get(bucket) {
        directory::write(root, name, bytes)?;
    }
    let object = put(cx, (bucket, name), metadata, bytes);
    events::emit(cx, Change::finalized(&object, live.as_ref()));
    if let Some(old) = live {
        retire(cx, &old, Some(&object));
    }
    Ok(object)
}

/// Makes the document of a new generation and keeps the content where this bucket keeps it.
pub fn put(cx: &mut Cx, (bucket, name): (&str, &str), metadata: &Value, bytes: &Bytes) -> Value {
    let generation = cx.world.next_generation(cx.now).to_string();
    let stamp = cx.stamp();
    let path = format!("storage/v1/b/{bucket}/o/{}", encoded(name));
    let media_link =
        format!("https://storage.googleapis.com/download/{path}?generation={generation}&alt=media");
    let mut object = json!({"contentType": content_type(name), "storageClass": "STANDARD"});
    mask::merge(&mut object, metadata);
    set(
        &mut object,
        json!({
            "kind": "storage#object",
            "id": format!("{bucket}/{name}/{generation}"),
            "selfLink": format!("https://www.googleapis.com/{path}"),
            "mediaLink": media_link,
            "name": name, "bucket": bucket, "generation": generation, "metageneration": "1",
            "size": bytes.len().to_string(),
            "md5Hash": BASE64_STANDARD.encode(*md5::compute(bytes)),
            "crc32c": BASE64_STANDARD.encode(crc32c::crc32c(bytes).to_be_bytes()),
            "etag": cx.world.next_etag(),
            "timeCreated": stamp, "updated": stamp, "timeStorageClassUpdated": stamp, "timeFinalized": stamp,
        }),
    );
    match cx.site.directories.get(bucket) {
        Some(root) => directory::remember_file(root, name, &mut object),
        None => {
            cx.world.blobs.insert(blob_key(bucket, name, &generation), BASE64_STANDARD.encode(bytes));
        }
    }
    cx.world.put(key(bucket, name), object.clone());
    object
}

/// Puts an overwritten or deleted generation away: noncurrent in a versioned bucket, gone in another.
fn retire(cx: &mut Cx, old: &Value, by: Option<&Value>) {
    let (bucket, name, generation) = (text(old, "bucket"), text(old, "name"), text(old, "generation"));
    let settings = cx.world.get(&buckets::key(bucket));
    let versioned = settings.is_some_and(|bucket| bucket["versioning"]["enabled"] == json!(true));
    if versioned && !cx.site.directories.contains_key(bucket) {
        let mut kept = old.clone();
        kept["timeDeleted"] = json!(cx.stamp());
        cx.world.put(old_key(bucket, name, generation), kept.clone());
        events::emit(cx, Change::archived(&kept, by));
    } else {
        cx.world.blobs.remove(&blob_key(bucket, name, generation));
        events::emit(cx, Change::deleted(old, by));
    }
}

/// `objects.patch` and `objects.update`: metadata only, a new metageneration even if nothing changes.
pub fn patch(cx: &mut Cx, bucket: &str, name: &str) -> Answer {
    let mut object = fetch(cx, bucket, name, cx.call.query("generation"))?;
    precondition::check(cx.call, Some(&object))?;
    let body = cx.call.json()?;
    const WRITABLE: [&str; 10] = [
        "contentType",
        "cacheControl",
        "contentDisposition",
        "contentEncoding",
        "contentLanguage",
        "metadata",
        "customTime",
        "eventBasedHold",
        "temporaryHold",
        "contexts",
    ];
    let writable =
        body.as_object().into_iter().flatten().filter(|(field, _)| WRITABLE.contains(&field.as_str()));
    let changes: Value = writable.map(|(field, value)| (field.clone(), value.clone())).collect();
    mask::merge(&mut object, &changes);
    let next = text(&object, "metageneration").parse::<u64>().unwrap_or(1) + 1;
    let etag = cx.world.next_etag();
    set(&mut object, json!({"metageneration": next.to_string(), "updated": cx.stamp(), "etag": etag}));
    let live =
        cx.world.get(&key(bucket, name)).is_some_and(|live| live["generation"] == object["generation"]);
    let place = if live { key(bucket, name) } else { old_key(bucket, name, text(&object, "generation")) };
    cx.world.put(place, object.clone());
    events::emit(cx, Change::metadata(&object));
    Ok(Reply::json(&object))
}

/// `objects.delete`.
pub fn delete(cx: &mut Cx, bucket: &str, name: &str) -> Answer {
    let generation = cx.call.query("generation").map(str::to_owned);
    let object = fetch(cx, bucket, name, generation.as_deref())?;
    precondition::check(cx.call, Some(&object))?;
    if object.get("timeDeleted").is_some() {
        let number = text(&object, "generation");
        cx.world.take(&old_key(bucket, name, number));
        cx.world.blobs.remove(&blob_key(bucket, name, number));
        events::emit(cx, Change::deleted(&object, None));
        return Ok(Reply::empty(204));
    }
    if let Some(root) = cx.site.directories.get(bucket) {
        directory::delete(root, name)?;
    }
    gone(cx, &object, generation.is_some());
    Ok(Reply::empty(204))
}

/// Takes the live object away; naming its generation deletes it for good even in a versioned bucket.
pub fn gone(cx: &mut Cx, object: &Value, for_good: bool) {
    let (bucket, name) = (text(object, "bucket"), text(object, "name"));
    cx.world.take(&key(bucket, name));
    if for_good {
        cx.world.blobs.remove(&blob_key(bucket, name, text(object, "generation")));
        events::emit(cx, Change::deleted(object, None));
    } else {
        retire(cx, object, None);
    }
}

/// `objects.copy` and `objects.rewrite`, always in one go.
pub fn copy(cx: &mut Cx, from: (&str, &str), to: (&str, &str), rewrite: bool) -> Answer {
    let source = fetch(cx, from.0, from.1, cx.call.query("sourceGeneration"))?;
    let bytes = content(cx, &source)?;
    let mut metadata = json!({"contentType": source["contentType"], "metadata": source["metadata"]});
    mask::merge(&mut metadata, &cx.call.json()?);
    let conditions = cx.call.clone();
    let object = write(cx, &conditions, to, &metadata, &bytes)?;
    let size = bytes.len().to_string();
    Ok(Reply::json(&if rewrite {
        json!({"kind": "storage#rewriteResponse", "done": true, "objectSize": size,
               "totalBytesRewritten": size,
               "resource": object})
    } else {
        object
    }))
}

/// `objects.compose`.
pub fn compose(cx: &mut Cx, bucket: &str, name: &str) -> Answer {
    let body = cx.call.json()?;
    let mut whole = Vec::new();
    for source in body["sourceObjects"].as_array().into_iter().flatten() {
        let part = fetch(cx, bucket, text(source, "name"), source["generation"].as_str())?;
        whole.extend_from_slice(&content(cx, &part)?);
    }
    let conditions = cx.call.clone();
    let object = write(cx, &conditions, (bucket, name), &body["destination"], &Bytes::from(whole))?;
    Ok(Reply::json(&object))
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let bad = name.is_empty()
        || name.len() > 1024
        || name.contains(['\n', '\r', '\0'])
        || name.split('/').any(|piece| piece == "." || piece == "..");
    if bad { Err(ApiError::invalid(format!("Invalid object name: '{name}'"))) } else { Ok(()) }
}

fn check_rate(cx: &Cx, live: Option<&Value>) -> Result<(), ApiError> {
    let last = live.and_then(|object| text(object, "updated").parse::<Timestamp>().ok());
    let soon = last.is_some_and(|last| cx.now.duration_since(last).as_secs_f64() < 1.0);
    if cx.site.object_rate_limit && soon {
        let message = "The object exceeded the rate limit for object mutation operations. Please reduce your \
         request rate.";
        return Err(ApiError::new(429, "RESOURCE_EXHAUSTED", "rateLimitExceeded", message));
    }
    Ok(())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("yaml" | "yml") => "application/yaml",
        Some("json") => "application/json",
        Some("txt" | "md") => "text/plain",
        _ => "application/octet-stream",
    }
}

fn encoded(name: &str) -> String {
    download::encode(name)
}
