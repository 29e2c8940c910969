//! What the cloud tells the door about objects.

use serde_json::json;

use super::*;

const CALLER: &str = "doorbell@tenant-1.iam.gserviceaccount.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_rings_the_bell_with_a_signed_token() {
    let specs = tempfile::tempdir().expect("dir");
    let world = with(|options| options.specs_dir = Some(specs.path().into()));
    let door = Door::open(&[]).await;
    world.server.add_trigger("specs", &door.url, CALLER);
    std::fs::write(specs.path().join("my demo.yaml"), "a: 1").expect("written");
    eventually(|| door.received().len() == 1).await;
    let event = &door.received()[0];
    assert_eq!(event.header("ce-type"), "google.cloud.storage.object.v1.finalized");
    assert_eq!(event.header("ce-subject"), "objects/my%20demo.yaml");
    assert_eq!(event.header("ce-source"), "//storage.googleapis.com/projects/_/buckets/specs");
    assert_eq!(event.header("ce-bucket"), "specs");
    assert_eq!(event.header("content-type"), "application/json");
    let object = event.json();
    assert_eq!(object["name"], "my demo.yaml");
    assert!(object["generation"].is_string() && object.get("_look").is_none());
    let keys = world.get("www.googleapis.com/oauth2/v3/certs").await;
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys).expect("a key set");
    let token = event.header("authorization").trim_start_matches("Bearer ");
    let kid = jsonwebtoken::decode_header(token).expect("a token").kid.expect("a key id");
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&kid).expect("our key")).expect("a key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[door.url.trim_end_matches("/events")]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).expect("valid").claims;
    assert_eq!((claims["email"].as_str(), &claims["email_verified"]), (Some(CALLER), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwrite_is_two_events_and_a_delete_is_one() {
    let world = world();
    world.post(&format!("storage/v1/b?project={PROJECT}"), json!({"name": "data"})).await;
    let door = Door::open(&[]).await;
    world.server.add_trigger("data", &door.url, CALLER);
    let upload = "upload/storage/v1/b/data/o?uploadType=media&name=x";
    world.raw("POST", upload, &[], b"one").await;
    world.raw("POST", upload, &[], b"two").await;
    world.call("PATCH", "storage/v1/b/data/o/x", Some(json!({"metadata": {"k": "v"}}))).await;
    world.call("DELETE", "storage/v1/b/data/o/x", None).await;
    eventually(|| door.received().len() == 5).await;
    world.settled().await;
    let mut kinds: Vec<String> =
        door.received().iter().map(|event| event.header("ce-type").to_owned()).collect();
    kinds.sort();
    let short: Vec<&str> = kinds.iter().filter_map(|kind| kind.rsplit('.').next()).collect();
    assert_eq!(short, ["deleted", "deleted", "finalized", "finalized", "metadataUpdated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_comes_again_later() {
    let specs = tempfile::tempdir().expect("dir");
    let world = with(|options| options.specs_dir = Some(specs.path().into()));
    // The file was there before the trigger was.
    std::fs::write(specs.path().join("demo.yaml"), "a: 1").expect("written");
    world.server.scan();
    assert!(world.server.idle(), "an event without a trigger is nobody's work yet");
    let door = Door::open(&[503, 500]).await;
    world.server.add_trigger("specs", &door.url, CALLER);
    eventually(|| door.received().len() == 1).await;
    eventually(|| world.server.next_eta() == Some(at("2026-01-01T00:00:10Z"))).await;
    assert!(world.server.idle());
    world.advance(10);
    eventually(|| door.received().len() == 2).await;
    eventually(|| world.server.next_eta() == Some(at("2026-01-01T00:00:30Z"))).await;
    world.advance(20);
    eventually(|| door.received().len() == 3).await;
    world.settled().await;
    assert_eq!(world.server.next_eta(), None);
    assert_eq!(door.received()[0].header("ce-id"), door.received()[2].header("ce-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_config_publishes_to_its_topic() {
    let world = world();
    let topic = format!("projects/{PROJECT}/topics/objects");
    world.call("PUT", &format!("pubsub.googleapis.com/v1/{topic}"), Some(json!({}))).await;
    world.post(&format!("storage/v1/b?project={PROJECT}"), json!({"name": "data"})).await;
    let config = json!({"topic": topic, "payload_format": "JSON_API_V1", "event_types": ["OBJECT_FINALIZE"]});
    world.post("storage/v1/b/data/notificationConfigs", config.clone()).await;
    world.post("storage/v1/b/data/notificationConfigs", config).await;
    world.raw("POST", "upload/storage/v1/b/data/o?uploadType=media&name=x", &[], b"one").await;
    let messages = world.server.messages(&topic);
    assert_eq!(messages.len(), 2, "two equal configurations notify twice");
    assert_eq!(messages[0]["attributes"]["eventType"], "OBJECT_FINALIZE");
    assert_eq!(messages[0]["attributes"]["objectId"], "x");
}
