//! Secret Manager: etags, versions, notifications.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use super::*;

fn secrets() -> String {
    format!("secretmanager.googleapis.com/v1/projects/{PROJECT}/secrets")
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_count_up_and_latest_is_the_highest_even_if_disabled() {
    let world = world();
    let secret = json!({"replication": {"automatic": {}}, "labels": {"app": "dify"}});
    let made = world.post(&format!("{}?secretId=db", secrets()), secret.clone()).await;
    assert_eq!(made["name"], format!("projects/{NUMBER}/secrets/db"));
    assert_eq!(world.call("POST", &format!("{}?secretId=db", secrets()), Some(secret)).await.0, 409);
    for value in ["one", "two"] {
        let payload = json!({"payload": {"data": BASE64_STANDARD.encode(value)}});
        world.post(&format!("{}/db:addVersion", secrets()), payload).await;
    }
    let (_, text) = world.text("GET", &format!("{}/db/versions", secrets()), None).await;
    assert!(text.contains("versions/2") && !text.contains("dHdv"), "{text}");
    let latest = world.get(&format!("{}/db/versions/latest:access", secrets())).await;
    assert_eq!(latest["payload"]["data"], BASE64_STANDARD.encode("two"));
    assert_eq!(latest["payload"]["dataCrc32c"], crc32c::crc32c(b"two").to_string());
    world.post(&format!("{}/db/versions/2:disable", secrets()), json!({})).await;
    let (status, body) = world.call("GET", &format!("{}/db/versions/latest:access", secrets()), None).await;
    assert_eq!((status, body["error"]["status"].as_str()), (400, Some("FAILED_PRECONDITION")));
    world.post(&format!("{}/db/versions/1:destroy", secrets()), json!({})).await;
    let dead = world.call("POST", &format!("{}/db/versions/1:enable", secrets()), Some(json!({}))).await;
    assert_eq!(dead.0, 400);
    let bad = json!({"payload": {"data": "eA==", "dataCrc32c": "1"}});
    assert_eq!(world.call("POST", &format!("{}/db:addVersion", secrets()), Some(bad)).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_etag_is_a_failed_precondition_and_masks_replace_whole() {
    let world = world();
    let body = json!({"replication": {"automatic": {}}, "labels": {"a": "1", "b": "2"}});
    let made = world.post(&format!("{}?secretId=db", secrets()), body).await;
    let path = format!("{}/db?updateMask=labels", secrets());
    let patch = json!({"labels": {"a": "9"}, "etag": made["etag"]});
    let (status, patched) = world.call("PATCH", &path, Some(patch.clone())).await;
    assert_eq!((status, &patched["labels"]), (200, &json!({"a": "9"})));
    let (status, stale) = world.call("PATCH", &path, Some(patch)).await;
    assert_eq!((status, stale["error"]["status"].as_str()), (400, Some("FAILED_PRECONDITION")));
    let found = world.get(&format!("{}?filter=labels.a=9", secrets())).await;
    assert_eq!(found["secrets"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.get(&format!("{}?filter=labels.a=1", secrets())).await["totalSize"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_needs_a_topic_and_a_time_and_rings_when_it_comes_round() {
    let world = world();
    let topic = format!("projects/{PROJECT}/topics/secrets");
    world.server.seed_topic(&topic);
    let made = |topics: serde_json::Value, rotation: serde_json::Value| json!({"replication": {"automatic": {}}, "topics": topics, "rotation": rotation});
    let next = (world.clock.now() + jiff::SignedDuration::from_secs(3600)).to_string();
    let soon = (world.clock.now() + jiff::SignedDuration::from_secs(299)).to_string();
    let good = json!({"nextRotationTime": next, "rotationPeriod": "3600s"});
    let listening = json!([{"name": topic}]);
    let many: Vec<serde_json::Value> = (0..11).map(|_| json!({"name": topic})).collect();
    for refused in [
        made(json!([]), good.clone()),
        made(json!([{"name": "secrets"}]), good.clone()),
        made(json!(many), good.clone()),
        made(listening.clone(), json!({"rotationPeriod": "3600s"})),
        made(listening.clone(), json!({"nextRotationTime": next, "rotationPeriod": "3599s"})),
        made(listening.clone(), json!({"nextRotationTime": soon})),
    ] {
        let (status, body) = world.call("POST", &format!("{}?secretId=db", secrets()), Some(refused)).await;
        assert_eq!((status, body["error"]["status"].as_str()), (400, Some("INVALID_ARGUMENT")), "{body}");
    }
    world.post(&format!("{}?secretId=db", secrets()), made(listening.clone(), good)).await;
    world
        .post(&format!("{}?secretId=once", secrets()), made(listening, json!({"nextRotationTime": next})))
        .await;
    let rung = || {
        let messages = world.server.messages(&topic).into_iter();
        messages.filter(|message| message["attributes"]["eventType"] == "SECRET_ROTATE").count()
    };
    world.advance(3599);
    assert_eq!(rung(), 0);
    world.advance(1);
    assert_eq!(rung(), 2);
    world.advance(3600);
    assert_eq!(rung(), 3, "one of them has no period");
    let secret = world.get(&format!("{}/db", secrets())).await;
    let moved = (world.clock.now() + jiff::SignedDuration::from_secs(3600)).to_string();
    assert_eq!(secret["rotation"]["nextRotationTime"], moved);
    assert!(world.get(&format!("{}/once", secrets())).await["rotation"].is_null());
    // It may be taken away, but its topic may not as long as it is there.
    let topics = format!("{}/db?updateMask=topics", secrets());
    assert_eq!(world.call("PATCH", &topics, Some(json!({}))).await.0, 400);
    let both = format!("{}/db?updateMask=topics,rotation", secrets());
    assert_eq!(world.call("PATCH", &both, Some(json!({"rotation": null}))).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_hear_of_every_change() {
    let world = world();
    let topic = format!("projects/{PROJECT}/topics/secrets");
    let body = json!({"replication": {"automatic": {}}, "topics": [{"name": topic}]});
    let refused = world.call("POST", &format!("{}?secretId=db", secrets()), Some(body.clone())).await;
    assert_eq!(refused.0, 400);
    world.server.seed_topic(&topic);
    world.post(&format!("{}?secretId=db", secrets()), body).await;
    world.post(&format!("{}/db:addVersion", secrets()), json!({"payload": {"data": "eA=="}})).await;
    let kinds: Vec<String> = world
        .server
        .messages(&topic)
        .iter()
        .filter_map(|message| message["attributes"]["eventType"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(kinds, ["TOPIC_CONFIGURED", "SECRET_CREATE", "SECRET_VERSION_ADD"]);
    assert!(!world.server.messages(&topic)[2].to_string().contains("_payload"));
}
