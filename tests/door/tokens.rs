//! Who may come in.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dify_reconciler::cloud::{Endpoints, Wire};
use dify_reconciler::config::AuthMode;
use dify_reconciler::http::keys::{Ages, Keys, NoKey};
use jsonwebtoken::{Algorithm, get_current_timestamp};
use serde_json::json;

use super::issuer::{Issuer, Token};
use super::service::{EVENTS, TASKS, errand, ring, service, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_account_with_a_genuine_token_may_come_in() {
    let door = service().await;
    assert_eq!(door.ring_with(&door.events_token().header()).await, 204);
    for audience in [format!("{}/", door.url), format!("{}/events", door.url)] {
        assert_eq!(door.ring_with(&Token::of(EVENTS, &audience).header()).await, 204);
    }
    let many = door.events_token().with("aud", json!(["https://other", door.url]));
    assert_eq!(door.ring_with(&many.header()).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_we_do_not_know_we_do_not_let_in() {
    let door = service().await;
    assert_eq!(door.post("/events", &[], ring("prod.yaml").to_string()).await, (401, String::new()));
    let expired = get_current_timestamp() - 120;
    let base = || door.events_token();
    let tokens = [
        ("expired", base().with("exp", json!(expired))),
        ("for somebody else", base().with("aud", json!("https://other"))),
        ("for the other entrance", base().with("aud", json!(format!("{}/tasks", door.url)))),
        ("from another issuer", base().with("iss", json!("https://evil.example"))),
        ("without an issuer", base().without("iss")),
        ("without an audience", base().without("aud")),
        ("without an end", base().without("exp")),
        ("signed by another key", Token { genuine: false, ..base() }),
        ("signed in another way", Token { algorithm: Algorithm::RS512, ..base() }),
        ("signed with what is public", Token { algorithm: Algorithm::HS256, ..base() }),
    ];
    for (what, token) in tokens {
        assert_eq!(door.ring_with(&token.header()).await, 401, "{what}");
    }
    let genuine = base().header();
    let (head, _) = genuine.rsplit_once('.').expect("three parts");
    let (_, claims) = head.rsplit_once('.').expect("three parts");
    for header in
        [json!({"alg": "none", "typ": "JWT"}), json!({"alg": "none", "kid": "a"}), json!({"kid": "a"})]
    {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        for signature in ["", "c2lnbmVk"] {
            let unsigned = format!("Bearer {header}.{claims}.{signature}");
            assert_eq!(door.ring_with(&unsigned).await, 401, "{unsigned}");
        }
    }
    let long = format!("Bearer {}", "a".repeat(9000));
    for garbage in
        ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer ..", &format!("{head}."), head, &long]
    {
        assert_eq!(door.ring_with(garbage).await, 401, "{garbage:.30}");
    }
    assert!(door.queued().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_listed_may_not_come_in() {
    let door = service().await;
    let tokens = [
        door.events_token().with("email", json!("stranger@p.iam.gserviceaccount.com")),
        door.events_token().with("email", json!(EVENTS.to_uppercase())),
        door.events_token().with("email", json!("")),
        door.events_token().with("email_verified", json!(false)),
        door.events_token().without("email_verified"),
        door.events_token().without("email"),
    ];
    for token in tokens {
        assert_eq!(door.ring_with(&token.header()).await, 403, "{}", token.claims);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_taken_from_the_queue_alone() {
    let door = service().await;
    let body = errand("prod.yaml").to_string();
    assert_eq!(door.post("/tasks", &[], body.clone()).await.0, 401);
    let events = Token::of(EVENTS, &door.url).header();
    assert_eq!(door.post("/tasks", &[("authorization", &events)], body.clone()).await.0, 403);
    let tasks = Token::of(TASKS, &door.url).header();
    assert_eq!(door.post("/tasks", &[("authorization", &tasks)], body).await.0, 204);
    assert_eq!(door.ring_with(&tasks).await, 403, "and the queue brings no events");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_was_taken_off_is_trusted_only_behind_the_invoker_check() {
    let door = service().await;
    assert_eq!(door.ring_with(&door.events_token().stripped()).await, 401);
    let behind = with(|config| config.auth_mode = AuthMode::TrustInvokerCheck).await;
    assert_eq!(behind.ring_with(&behind.events_token().stripped()).await, 204);
    assert_eq!(behind.ring_with(&behind.events_token().header()).await, 204);
    let expired = get_current_timestamp() - 120;
    for (token, status) in [
        (behind.events_token().with("aud", json!("https://other")), 401),
        (behind.events_token().with("iss", json!("https://evil.example")), 401),
        (behind.events_token().with("exp", json!(expired)), 401),
        (behind.events_token().without("exp"), 401),
        (behind.events_token().with("email", json!(TASKS)), 403),
        (behind.events_token().without("email_verified"), 403),
    ] {
        assert_eq!(behind.ring_with(&token.stripped()).await, status, "{}", token.claims);
    }
    assert_eq!(behind.ring_with("Bearer a.b").await, 401);
    assert_eq!(behind.issuer.fetches(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_at_once_fetch_the_keys_once() {
    let door = service().await;
    let token = door.events_token().header();
    let statuses = futures::future::join_all((0..10).map(|_| door.ring_with(&token))).await;
    assert_eq!(statuses, [204; 10]);
    assert_eq!(door.issuer.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_known_is_not_asked_for_again_and_again() {
    let door = service().await;
    for kid in ["x", "x", "y", "z"] {
        let token = Token { kid, ..door.events_token() };
        assert_eq!(door.ring_with(&token.header()).await, 401);
    }
    assert_eq!(door.issuer.fetches(), 1);
    assert_eq!(door.ring_with(&door.events_token().header()).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_had_are_no_reason_to_drop_an_event() {
    let nowhere = "http://127.0.0.1:1/certs".parse().expect("a URL");
    let door = with(|config| config.jwks_url = Some(nowhere)).await;
    assert_eq!(door.ring_with(&door.events_token().header()).await, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_found_once_it_is_published_and_the_old_one_is_forgotten_then() {
    let issuer = Issuer::start();
    let unknown = Duration::from_millis(300);
    let wire = Arc::new(Wire::new(Endpoints::default()));
    let keys = Keys::new(wire, issuer.url.clone()).with_ages(Ages { unknown, ..Ages::default() });
    assert!(keys.find("a").await.is_ok());
    issuer.rotate();
    assert!(keys.find("a").await.is_ok(), "what is fresh is not asked for again");
    assert_eq!(keys.find("b").await.err(), Some(NoKey::Unknown), "nobody makes us fetch at will");
    assert_eq!(issuer.fetches(), 1);
    tokio::time::sleep(unknown).await;
    assert!(keys.find("b").await.is_ok());
    assert_eq!(keys.find("a").await.err(), Some(NoKey::Unknown));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_renewed_stay_in_use() {
    let issuer = Issuer::start();
    let wire = Arc::new(Wire::new(Endpoints::default()));
    let gone = Keys::new(wire.clone(), "http://127.0.0.1:1/certs".into());
    assert_eq!(gone.find("a").await.err(), Some(NoKey::Unavailable));
    let fresh = Duration::from_millis(500);
    let ages = Ages { fresh, ..Ages::default() };
    let keys = Keys::new(wire, issuer.url.clone()).with_ages(ages);
    assert!(keys.find("a").await.is_ok_and(|_| issuer.fetches() == 1));
    issuer.fail();
    tokio::time::sleep(fresh).await;
    assert!(keys.find("a").await.is_ok(), "the key server is down for a moment");
    assert_eq!(issuer.fetches(), 2);
}
