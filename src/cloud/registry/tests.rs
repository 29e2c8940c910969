//! Tests of image registries against a small server.

use serde_json::json;

use super::*;
use crate::cloud::testing::{Reply, Seen, Server, hurried, reply};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

async fn registry(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> (Registry, Server) {
    let server = Server::start(answer).await;
    (Registry::new(server.wire()).with_patience(hurried()), server)
}

fn found() -> Reply {
    (200, vec![("docker-content-digest", DIGEST.into())], String::new())
}

#[tokio::test]
async fn a_tag_is_asked_for_once_however_many_ask_at_the_same_time() {
    let (registry, server) = registry(|_, _| found()).await;
    let asking = (0..8).map(|_| registry.digest("postgres:15-alpine"));
    let digests = futures::future::join_all(asking).await;
    assert!(digests.iter().all(|digest| digest.as_deref() == Ok(DIGEST)));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, "HEAD /v2/library/postgres/manifests/15-alpine?ns=docker.io");
    assert!(
        seen[0].header("accept").contains("image.index")
            && seen[0].header("accept").contains("manifest.list")
    );
}

#[tokio::test]
async fn a_registry_that_wants_a_token_gets_an_anonymous_one() {
    let (registry, server) = registry(|_, seen| {
        let port = seen.header("host");
        if seen.line.starts_with("GET /token") {
            reply(200, json!({"token": "t1", "expires_in": 300}))
        } else if seen.header("authorization") == "Bearer t1" {
            found()
        } else {
            let scope = "repository:langgenius/dify-api:pull,x";
            let challenge =
                format!(r#"Bearer realm="http://{port}/token",service="registry.docker.io",scope="{scope}""#);
            (401, vec![("www-authenticate", challenge)], String::new())
        }
    })
    .await;
    assert_eq!(registry.digest("langgenius/dify-api:1.17.1").await.as_deref(), Ok(DIGEST));
    let asked = "GET /token?service=registry.docker.io&scope=repository%3Alanggenius%2Fdify-api%3Apull%2Cx";
    assert_eq!(server.seen()[1].line, asked);
}

#[tokio::test]
async fn without_the_header_the_content_is_hashed() {
    let (registry, server) = registry(|_, _| reply(200, "manifest")).await;
    let hashed = format!("sha256:{}", hex::encode(Sha256::digest("manifest")));
    assert_eq!(registry.digest("gcr.io/p/a:1").await, Ok(hashed));
    assert_eq!(server.seen()[1].line, "GET /v2/p/a/manifests/1?ns=gcr.io");
}

#[tokio::test]
async fn what_is_not_there_says_so_and_is_asked_for_again_next_time() {
    let (registry, server) = registry(|number, _| if number == 0 { reply(404, "{}") } else { found() }).await;
    let error = registry.digest("a/b:1").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "registry.manifests.get: 404: there is no image a/b:1");
    assert_eq!(registry.digest("a/b:1").await.as_deref(), Ok(DIGEST));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_named_digest_is_not_asked_about_and_nonsense_neither() {
    let (registry, server) = registry(|_, _| found()).await;
    assert_eq!(registry.digest(&format!("a/b:1@{DIGEST}")).await.as_deref(), Ok(DIGEST));
    assert_eq!(registry.digest("not an image").await.unwrap_err().status(), Some(400));
    assert_eq!(server.seen().len(), 0);
}
