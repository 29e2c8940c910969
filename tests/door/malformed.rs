//! Every sample spoilt in every way, over HTTP: each delivery gets its answer, and the door goes on.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde_json::{Value, json};

use super::contract::{Sample, decode, samples};
use super::service::{ring, service};

/// Fewer than the door takes at once.
const SIDE_BY_SIDE: usize = 6;
/// How often a delivery is sent again.
const SENT_AGAIN: usize = 5;

/// How a sample was spoilt, and what is sent then.
type Spoilt = (String, Vec<(String, String)>, Vec<u8>);

fn variants(sample: &Sample) -> Vec<Spoilt> {
    let headers: Vec<(String, String)> =
        sample.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut spoilt: Vec<Spoilt> = Vec::new();
    let mut with_body = |what: &str, body: Vec<u8>| spoilt.push((what.into(), headers.clone(), body));
    for part in 1..8 {
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
    if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(&sample.body) {
        for name in fields.keys() {
            let mut fewer = fields.clone();
            fewer.remove(name);
            with_body(&format!("without {name}"), Value::Object(fewer).to_string().into());
            let mut other = fields.clone();
            other.insert(name.clone(), json!([1]));
            with_body(&format!("with a list for {name}"), Value::Object(other).to_string().into());
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

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_sample_is_put_aside_or_taken_and_never_a_crash() {
    let door = service().await;
    let (mut sent, mut poison) = (0, 0);
    let token = door.events_token().header();
    for (_, sample) in samples() {
        let (name, variants) = (&sample.name, variants(&sample));
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
    for (stem, sample) in samples() {
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
