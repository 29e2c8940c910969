//! Reading objects: metadata, or the content with the headers clients verify it by.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::objects;
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::precondition::{self, Verdict};
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::text;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A name as one path piece.
pub fn encode(name: &str) -> String {
    utf8_percent_encode(name, KEPT).to_string()
}

/// `objects.get`, with `alt=media` the content.
pub fn get(cx: &mut Cx, bucket: &str, name: &str, download: bool) -> Answer {
    let media = download || cx.call.query("alt") == Some("media");
    let object = match objects::fetch(cx, bucket, name, cx.call.query("generation")) {
        Ok(object) => object,
        // A media request is answered in plain text.
        Err(error) if media => return Ok(Reply::text(error.code, error.message)),
        Err(error) => return Err(error),
    };
    match precondition::check(cx.call, Some(&object)) {
        Ok(Verdict::Met) => {}
        Ok(Verdict::NotModified) => return Ok(Reply::empty(304)),
        Err(error) if media => return Ok(Reply::text(error.code, error.message)),
        Err(error) => return Err(error),
    }
    if !media {
        return Ok(Reply::json(&object));
    }
    let bytes = objects::content(cx, &object)?;
    content(cx, &object, &bytes)
}

fn content(cx: &Cx, object: &Value, bytes: &Bytes) -> Answer {
    let whole = bytes.len();
    let (status, part, range) = match cx.call.header("range").and_then(|range| wanted(range, whole)) {
        None => (200, bytes.clone(), None),
        Some((from, to)) if from < to => {
            (206, bytes.slice(from..to), Some(format!("bytes {from}-{}/{whole}", to - 1)))
        }
        Some(_) => {
            let message = "The requested range cannot be satisfied.";
            return Err(ApiError::new(416, "OUT_OF_RANGE", "requestedRangeNotSatisfiable", message));
        }
    };
    let hashes = format!("crc32c={},md5={}", text(object, "crc32c"), text(object, "md5Hash"));
    let mut reply = Reply { status, headers: Vec::new(), body: part }
        .with_header("content-type", text(object, "contentType"))
        .with_header("x-goog-generation", text(object, "generation"))
        .with_header("x-goog-metageneration", text(object, "metageneration"))
        .with_header("x-goog-hash", hashes)
        .with_header("x-goog-storage-class", "STANDARD")
        .with_header("x-goog-stored-content-encoding", "identity")
        .with_header("x-goog-stored-content-length", whole.to_string())
        .with_header("etag", text(object, "etag"));
    if let Some(range) = range {
        reply = reply.with_header("content-range", range);
    }
    Ok(reply)
}

/// `bytes=a-b`, `bytes=a-` or `bytes=-n` as a half-open range.
fn wanted(header: &str, whole: usize) -> Option<(usize, usize)> {
    let (from, to) = header.strip_prefix("bytes=")?.split_once('-')?;
    match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => Some((from, to.saturating_add(1).min(whole))),
        (Ok(from), Err(_)) => Some((from, whole)),
        (Err(_), Ok(last)) => Some((whole.saturating_sub(last), whole)),
        _ => None,
    }
}
