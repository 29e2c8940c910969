//! Every sample spoilt in every way, over HTTP: each delivery gets its answer, and the door goes on.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde_json::{Value, json};

use super::contract::{Sample, decode, googles_samples, samples};
use super::service::{ring, service};

/// Fewer than the door takes at once.
const SIDE_BY_SIDE: usize = 6;
/// How often a delivery is sent again.
const SENT_AGAIN: usize = 5;

/// How deep fields are spoilt, over HTTP and without it.
const DEEP: [usize; 2] = [1, 4];

/// Ours and Google's, each with the handler it is for.
fn all_samples() -> Vec<(String, Sample)> {
    let googles = googles_samples().into_iter().map(|(stem, sample)| (format!("google's {stem}"), sample));
    samples().into_iter().chain(googles).collect()
}

/// The fields of a document down to a depth.
fn fields(value: &Value, deep: usize) -> Vec<String> {
    let Value::Object(own) = value else { return Vec::new() };
    let mut all = Vec::new();
    for (name, value) in own {
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        if deep > 1 {
            all.extend(fields(value, deep - 1).into_iter().map(|below| format!("{path}{below}")));
        }
        all.push(path);
    }
    all
}

/// The document without a field.
fn without(document: &Value, field: &str) -> Value {
    let mut fewer = document.clone();
    let (parent, name) = field.rsplit_once('/').expect("a pointer");
    let name = name.replace("~1", "/").replace("~0", "~");
    fewer.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(&name);
    fewer
}

/// How a sample was spoilt, and what is sent then.
type Spoilt = (String, Vec<(String, String)>, Vec<u8>);

fn variants(sample: &Sample, deep: usize) -> Vec<Spoilt> {
    let headers: Vec<(String, String)> =
        sample.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut spoilt: Vec<Spoilt> = Vec::new();
    let mut with_body = |what: &str, body: Vec<u8>| spoilt.push((what.into(), headers.clone(), body));
    for part in (1..8).step_by(if deep == 1 { 3 } else { 1 }) {
        with_body("truncated", sample.body[..sample.body.len() * part / 8].to_vec());
    }
    for other in [
        "",
        "null",
        "7",
        "true",
        "\"x\"",
        "[]",
        "[[]]",
        "{}",
        "{\"message\":7}",
        "{\"message\":{\"data\":[]}}",
    ] {
        with_body("of another type", other.into());
    }
    let text = String::from_utf8_lossy(&sample.body).into_owned();
    with_body("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    with_body("Latin-1", [&sample.body[..], &[0xe4, 0xff]].concat());
    with_body("with a byte order mark", [&[0xef, 0xbb, 0xbf], &sample.body[..]].concat());
    with_body("with zero bytes", [&[0; 16], &sample.body[..]].concat());
    if let Ok(document) = serde_json::from_slice::<Value>(&sample.body) {
        for field in fields(&document, deep) {
            with_body(&format!("without {field}"), without(&document, &field).to_string().into());
            for other in [json!([1]), json!({"a": {}}), json!(-1.5)].into_iter().take(deep) {
                let mut spoilt = document.clone();
                let what = format!("with {other} for {field}");
                *spoilt.pointer_mut(&field).expect("it is there") = other;
                with_body(&what, spoilt.to_string().into());
            }
        }
    }
    for (at, (name, _)) in headers.iter().enumerate() {
        let mut fewer = headers.clone();
        fewer.remove(at);
        spoilt.push((format!("without the header {name}"), fewer, sample.body.clone()));
        let mut other = headers.clone();
        other[at].1 = "%ff%fe%00".into();
        spoilt.push((format!("with nonsense for the header {name}"), other, sample.body.clone()));
    }
    spoilt
}

fn is_poison(headers: &[(String, String)], body: &[u8]) -> bool {
    let known = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    decode(&known, body).iter().any(Result::is_err)
}

#[test]
fn whatever_is_wrong_deep_within_a_sample_is_decoded_or_told() {
    let (mut decoded, mut told) = (0, 0);
    for (_, sample) in all_samples() {
        for (what, headers, body) in variants(&sample, DEEP[1]) {
            let headers =
                headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
            for event in decode(&headers, &body) {
                match event {
                    Ok(_) => decoded += 1,
                    Err(poison) => {
                        let text = poison.to_string();
                        assert!(!text.is_empty() && text.len() < 2_000, "{} {what}: {text}", sample.name);
                        told += 1;
                    }
                }
            }
        }
    }
    assert!(decoded > 1_000 && told > 500, "{decoded} were decoded and {told} were not");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_sample_is_put_aside_or_taken_and_never_a_crash() {
    let door = service().await;
    let (mut sent, mut poison) = (0, 0);
    let token = door.events_token().header();
    for (_, sample) in all_samples() {
        let (name, variants) = (&sample.name, variants(&sample, DEEP[0]));
        sent += variants.len();
        poison += variants.iter().filter(|(_, headers, body)| is_poison(headers, body)).count() as u64;
        let answers = variants.into_iter().map(|(what, headers, body)| {
            let (door, token) = (&door, &token);
            async move {
                let mut all = vec![("authorization", token.as_str())];
                all.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                let mut status = door.post("/events", &all, body.clone()).await.0;
                // A machine that is very busy says "again", and a sender does so.
                for _ in 0..SENT_AGAIN {
                    if status != 503 {
                        break;
                    }
                    status = door.post("/events", &all, body.clone()).await.0;
                }
                assert_eq!(status, 204, "{name} {what}\n{}", door.get("/metrics").await.1);
            }
        });
        futures::stream::iter(answers).buffer_unordered(SIDE_BY_SIDE).collect::<()>().await;
    }
    assert!(sent > 1000 && poison > 300, "{sent} were sent, {poison} of them poison");
    assert_eq!(door.metric(r#"dify_requests_total{route="/events",reply="put-aside"}"#).await, poison);
    assert_eq!(door.metric(r#"dify_requests_total{route="/events",reply="crashed"}"#).await, 0);
    let kept = door.kept("poison");
    assert!(!kept.is_empty() && kept.len() as u64 <= poison);
    assert!(kept.iter().all(|document| document["why"].as_str().is_some_and(|why| !why.is_empty())));
    assert_eq!(door.ring(&[], ring("prod.yaml").to_string()).await, 204, "the door goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn eleven_megabytes_are_taken_or_put_aside_and_fifteen_are_refused() {
    let door = service().await;
    let mut stems = BTreeSet::new();
    for (stem, sample) in all_samples() {
        if !stems.insert(stem) {
            continue;
        }
        let headers: Vec<(&str, &str)> =
            sample.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let grown = |size: usize| {
            let mut body = sample.body.clone();
            body.resize(size, b' ');
            body
        };
        assert_eq!(door.ring(&headers, grown(11 << 20)).await, 204, "{}", sample.name);
        assert_eq!(door.ring(&headers, grown(15 << 20)).await, 413, "{}", sample.name);
    }
}
