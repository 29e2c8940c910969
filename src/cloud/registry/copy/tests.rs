//! Tests of copying against a small server that stands for both registries.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;
use crate::cloud::testing::{Reply, Seen, Server, hurried, reply};

const FROM: &str = "langgenius/dify-api:1.17.1";
const TO: &str = "us-central1-docker.pkg.dev/p/r/docker.io/langgenius/dify-api";
const OTHER: &str = "us-central1-docker.pkg.dev/p/r/docker.io/library/postgres";
const UPLOAD: &str = "/v2/p/r/docker.io/langgenius/dify-api/blobs/uploads/1?state=x";

fn digest(content: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

fn located(status: u16, place: &str) -> Reply {
    (status, vec![("location", place.to_owned())], String::new())
}

async fn registry(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Registry, Server) {
    let server = Server::start(move |_, seen| match seen.line.as_str() {
        // Where a token is had, when one is wanted.
        "GET /v2/" => reply(200, "{}"),
        _ => answer(seen),
    })
    .await;
    (Registry::new(server.wire()).with_patience(hurried()), server)
}

/// The requests that were about something.
fn lines(server: &Server) -> Vec<Seen> {
    server.seen().into_iter().filter(|seen| seen.line != "GET /v2/").collect()
}

/// A registry whose blobs are all this, and that takes whatever is sent.
fn taking(blob: &'static str) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| match seen.line.split(' ').next() {
        Some("GET") => (200, vec![], blob.to_owned()),
        Some("POST") => located(202, UPLOAD),
        _ => located(201, "/v2/p"),
    }
}

fn blob(content: &str, mount: Option<&str>) -> RegistryRequest {
    let size = u64::try_from(content.len()).unwrap();
    let mount = mount.map(str::to_owned);
    RegistryRequest::Blob { from: FROM.into(), to: TO.into(), digest: digest(content), size, mount }
}

#[tokio::test]
async fn a_blob_goes_from_its_source_into_an_upload_that_is_closed_by_its_digest() {
    let (registry, server) = registry(taking("layer")).await;
    assert_eq!(registry.carry_out(&blob("layer", None)).await, Ok(()));
    let seen = lines(&server);
    let digest = digest("layer");
    let lines: Vec<&str> = seen.iter().map(|seen| seen.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            &format!("GET /v2/langgenius/dify-api/blobs/{digest}?ns=docker.io"),
            "POST /v2/p/r/docker.io/langgenius/dify-api/blobs/uploads/?ns=us-central1-docker.pkg.dev",
            &format!("PUT {UPLOAD}&digest={}", digest.replace(':', "%3A")),
        ]
    );
    assert_eq!((seen[2].body.as_str(), seen[2].header("content-length")), ("layer", "5"));
}

#[tokio::test]
async fn a_blob_that_the_registry_has_is_mounted_and_not_fetched() {
    let (registry, server) = registry(|_| located(201, "/v2/p")).await;
    assert_eq!(registry.carry_out(&blob("layer", Some(OTHER))).await, Ok(()));
    let seen = lines(&server);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].line.contains("from=p%2Fr%2Fdocker.io%2Flibrary%2Fpostgres"), "{}", seen[0].line);
}

#[tokio::test]
async fn a_mount_that_is_not_granted_is_an_upload() {
    let (registry, server) = registry(taking("layer")).await;
    assert_eq!(registry.carry_out(&blob("layer", Some(OTHER))).await, Ok(()));
    let sent = lines(&server).into_iter().filter(|seen| seen.line.starts_with("PUT")).count();
    assert_eq!((sent, lines(&server).len()), (1, 4));
}

#[tokio::test]
async fn what_is_not_what_its_digest_says_never_arrives() {
    let wrong = [("forged", "what came for"), ("for", "what came for"), ("too long", "larger than")];
    for (content, why) in wrong {
        let (registry, server) = registry(taking(content)).await;
        let error = registry.carry_out(&blob("layer!", None)).await.unwrap_err();
        assert_eq!(error.failure, Failure::Corrupt, "{error}");
        assert!(error.message.contains(FROM) && error.message.contains(why), "{error}");
        let closed = server.seen().iter().any(|seen| seen.line.starts_with("PUT") && seen.body.len() == 6);
        assert!(!closed, "the upload was not completed");
    }
}

#[tokio::test]
async fn a_manifest_is_written_byte_for_byte() {
    let text = "{\n  \"config\": {}\n}";
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = RegistryRequest::Manifest {
        to: TO.into(),
        name: "deployed-1".into(),
        digest: digest(text),
        media_type: kind.into(),
        text: text.into(),
    };
    let (registry, server) = registry(|_| located(201, "/v2/p")).await;
    assert_eq!(registry.carry_out(&manifest).await, Ok(()));
    let seen = lines(&server);
    assert!(seen[0].line.starts_with("PUT /v2/p/r/docker.io/langgenius/dify-api/manifests/deployed-1?"));
    assert_eq!((seen[0].body.as_str(), seen[0].header("content-type")), (text, kind));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_registrys_words_with_the_image() {
    let body = json!({"errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown"}]});
    let (registry, _server) = registry(move |_| reply(400, &body)).await;
    let error = registry.carry_out(&blob("layer", None)).await.unwrap_err();
    assert_eq!((error.status(), error.reason.as_str()), (Some(400), "MANIFEST_BLOB_UNKNOWN"));
    assert!(error.message.contains("dify-api:1.17.1: blob unknown"), "{error}");
}

#[tokio::test]
async fn a_registry_that_counts_how_often_it_is_asked_is_left_alone_for_a_while() {
    let body = json!({"errors": [{"code": "TOOMANYREQUESTS", "message": "pull rate limit"}]});
    let (registry, _server) = registry(move |_| reply(429, &body)).await;
    let error = registry.carry_out(&blob("layer", None)).await.unwrap_err();
    assert!(matches!(error.disposition(), crate::error::Disposition::Retry(_)), "{error:?}");
}

#[tokio::test]
async fn a_manifest_is_read_once_and_only_when_it_is_the_one() {
    let (registry, server) = registry(|_| reply(200, "manifest")).await;
    let first = registry.content(FROM, &digest("manifest")).await;
    assert_eq!(first.as_deref(), Ok("manifest"));
    assert_eq!(registry.content(FROM, &digest("manifest")).await, first);
    assert_eq!(lines(&server).len(), 1);
    let error = registry.content(FROM, &digest("another")).await.unwrap_err();
    assert_eq!(error.failure, Failure::Corrupt);
    assert!(error.message.contains(FROM), "{error}");
}

#[tokio::test]
async fn what_is_not_there_is_no_error() {
    let (registry, _server) = registry(|seen| match seen.line.contains(&digest("1")) {
        true => (200, vec![("docker-content-digest", digest("1"))], String::new()),
        false => reply(404, "{}"),
    })
    .await;
    assert_eq!(registry.has_blob(TO, &digest("1")).await, Ok(true));
    assert_eq!(registry.has_blob(TO, &digest("2")).await, Ok(false));
    assert_eq!(registry.manifest_under(TO, &digest("1")).await, Ok(Some(digest("1"))));
    assert_eq!(registry.manifest_under(TO, "deployed-2").await, Ok(None));
}

#[tokio::test]
async fn a_token_is_asked_for_once_for_a_whole_image() {
    let server = Server::start(|_, seen| {
        let host = seen.header("host");
        if seen.line.starts_with("GET /token") {
            reply(200, json!({"token": "t1", "expires_in": 300}))
        } else if seen.header("authorization") == "Bearer t1" {
            reply(200, "manifest")
        } else {
            let challenge = format!(r#"Bearer realm="http://{host}/token",service="s",scope="pull""#);
            (401, vec![("www-authenticate", challenge)], String::new())
        }
    })
    .await;
    let registry = Registry::new(server.wire()).with_patience(hurried());
    assert!(registry.content(FROM, &digest("manifest")).await.is_ok());
    assert!(registry.content(FROM, &digest("other")).await.is_err());
    let tokens = server.seen().iter().filter(|seen| seen.line.starts_with("GET /token")).count();
    assert_eq!(tokens, 1);
}
