//! Uploads: media, multipart and resumable.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{buckets, objects};
use crate::embedded::google::call::Call;
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::text;

/// Answers the calls below `/upload`.
pub fn route(cx: &mut Cx, bucket: &str) -> Option<Answer> {
    match (cx.call.method.as_str(), cx.call.query("uploadType"), cx.call.query("upload_id")) {
        ("PUT", _, Some(id)) => Some(proceed(cx, id)),
        ("DELETE", _, Some(id)) => {
            cx.world.take(&session_key(id));
            Some(Ok(Reply::empty(499)))
        }
        ("POST", Some("media"), _) => Some(media(cx, bucket)),
        ("POST", Some("multipart"), _) => Some(multipart(cx, bucket)),
        ("POST", Some("resumable"), _) => Some(begin(cx, bucket)),
        _ => None,
    }
}

fn media(cx: &mut Cx, bucket: &str) -> Answer {
    let name = cx.call.required("name")?;
    let metadata = match cx.call.header("content-type") {
        Some(kind) => json!({"contentType": kind}),
        None => json!({}),
    };
    let object = objects::write(cx, cx.call, (bucket, name), &metadata, &cx.call.body)?;
    Ok(Reply::json(&object))
}

fn multipart(cx: &mut Cx, bucket: &str) -> Answer {
    let kind = cx.call.header("content-type").unwrap_or_default();
    let boundary = kind.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
    let boundary = boundary.map(|boundary| boundary.trim_matches('"'));
    let parts = boundary.map(|boundary| parts(&cx.call.body, boundary)).unwrap_or_default();
    let [(_, head), (kind, bytes), rest @ ..] = &parts[..] else {
        return Err(ApiError::invalid("Multipart upload must contain at least two body parts."));
    };
    // What was not known at the start comes after the content.
    for trailer in rest.iter().map(|(_, trailer)| trailer).chain([head]) {
        check_sums(trailer, bytes)?;
    }
    let mut metadata: Value = serde_json::from_slice(head)
        .map_err(|error| ApiError::invalid(format!("Metadata part is not valid JSON: {error}")))?;
    if metadata.get("contentType").is_none()
        && let Some(kind) = kind
    {
        metadata["contentType"] = json!(kind);
    }
    let name = name(cx.call, &metadata)?;
    let object = objects::write(cx, cx.call, (bucket, &name), &plain(metadata), bytes)?;
    Ok(Reply::json(&object))
}

/// Compares the checksums in a trailing part with the content.
fn check_sums(trailer: &Bytes, bytes: &Bytes) -> Result<(), ApiError> {
    let trailer: Value = serde_json::from_slice(trailer).unwrap_or_default();
    let given = text(&trailer, "crc32c");
    let actual = BASE64_STANDARD.encode(crc32c::crc32c(bytes).to_be_bytes());
    if !given.is_empty() && given != actual {
        let message = format!("Provided CRC32C \"{given}\" doesn't match calculated CRC32C \"{actual}\".");
        return Err(ApiError::invalid(message));
    }
    Ok(())
}

/// Content type and bytes of each part.
fn parts(body: &Bytes, boundary: &str) -> Vec<(Option<String>, Bytes)> {
    let mark = format!("--{boundary}");
    let starts = positions(body, mark.as_bytes());
    starts.windows(2).filter_map(|pair| part(&body.slice(pair[0] + mark.len()..pair[1]))).collect()
}

/// One part: its own line break, headers, a blank line, bytes, and the line break before the next mark.
fn part(section: &Bytes) -> Option<(Option<String>, Bytes)> {
    let blank = positions(section, b"\r\n\r\n").first().copied()?;
    let head = String::from_utf8_lossy(&section[..blank]).into_owned();
    let kind = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
    });
    let end = section.len().checked_sub(2)?;
    (blank + 4 <= end).then(|| (kind, section.slice(blank + 4..end)))
}

fn positions(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    let windows = haystack.windows(needle.len()).enumerate();
    windows.filter(|(_, window)| *window == needle).map(|(at, _)| at).collect()
}

fn name(call: &Call, metadata: &Value) -> Result<String, ApiError> {
    let given = call.query("name").unwrap_or_else(|| text(metadata, "name"));
    if given.is_empty() { Err(ApiError::invalid("Required parameter: name")) } else { Ok(given.to_owned()) }
}

/// Metadata without what the service decides.
fn plain(mut metadata: Value) -> Value {
    if let Some(fields) = metadata.as_object_mut() {
        fields.retain(|field, _| {
            !["name", "bucket", "generation", "size", "metageneration"].contains(&field.as_str())
        });
    }
    metadata
}

fn session_key(id: &str) -> String {
    format!("storage/uploads/{id}")
}

/// Starts a resumable upload; the conditions hold at its end.
fn begin(cx: &mut Cx, bucket: &str) -> Answer {
    buckets::fetch(cx, bucket)?;
    let metadata = cx.call.json()?;
    let name = name(cx.call, &metadata)?;
    let mut metadata = plain(metadata);
    if let Some(kind) = cx.call.header("x-upload-content-type") {
        metadata["contentType"] = json!(kind);
    }
    let id = format!("upload-{}", cx.world.next_number());
    let session =
        json!({"bucket": bucket, "name": name, "metadata": metadata, "query": cx.call.query, "received": ""});
    cx.world.put(session_key(&id), session);
    let location =
        format!("{}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={id}", cx.site.base);
    Ok(Reply::empty(200).with_header("location", location).with_header("x-guploader-uploadid", id))
}

/// Takes a chunk, answers how far it is, or finishes.
fn proceed(cx: &mut Cx, id: &str) -> Answer {
    let session = cx.world.get(&session_key(id)).cloned();
    let mut session = session.ok_or_else(|| ApiError::not_found("No such upload session."))?;
    let mut received = BASE64_STANDARD.decode(text(&session, "received")).unwrap_or_default();
    let range = cx.call.header("content-range").unwrap_or_default();
    let (span, total) = range.trim_start_matches("bytes ").split_once('/').unwrap_or(("", ""));
    let start = span.split_once('-').and_then(|(from, _)| from.parse::<usize>().ok());
    match start {
        Some(from) if from <= received.len() => {
            received.truncate(from);
            received.extend_from_slice(&cx.call.body);
        }
        Some(_) => return Err(ApiError::invalid("Invalid request. The chunk does not follow the last one.")),
        // `*` asks for the state; no range at all is the whole object.
        None if span == "*" => {}
        None => received = cx.call.body.to_vec(),
    }
    let complete = range.is_empty() || total.parse::<usize>().is_ok_and(|total| total == received.len());
    if !complete {
        session["received"] = json!(BASE64_STANDARD.encode(&received));
        cx.world.put(session_key(id), session);
        let reply = Reply::empty(308);
        return Ok(match received.len() {
            0 => reply,
            length => reply.with_header("range", format!("bytes=0-{}", length - 1)),
        });
    }
    cx.world.take(&session_key(id));
    let query = serde_json::from_value(session["query"].clone()).unwrap_or_default();
    let conditions = Call { method: "POST".into(), query, ..Call::default() };
    let target = (text(&session, "bucket"), text(&session, "name"));
    let object = objects::write(cx, &conditions, target, &session["metadata"], &Bytes::from(received))?;
    Ok(Reply::json(&object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_related_body_has_two_parts_whatever_their_headers() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: \
         application/json\r\n\r\n{}\r\n\
                    --b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\r\n--b--\r\n";
        let parts = parts(&Bytes::from(body), "b");
        assert_eq!(parts[0].1.as_ref(), b"{}");
        assert_eq!(parts[1], (Some("text/plain".into()), Bytes::from("hello\r\n")));
    }
}
