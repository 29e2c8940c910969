//! Watches.

use futures::StreamExt;
use kube::api::{DeleteParams, WatchEvent, WatchParams};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_watch_tells_what_happens_to_the_selected_after_its_version() {
    let world = World::new();
    world.apply("one", map("before", json!({}))).await.expect("applied");
    let version = world.maps().list(&Default::default()).await.expect("listed").metadata.resource_version;
    let params = WatchParams::default().fields("metadata.name=a");
    let mut events =
        world.maps().watch(&params, &version.expect("a version")).await.expect("watched").boxed();
    world.apply("one", map("a", json!({"x": "1"}))).await.expect("applied");
    world.apply("one", map("b", json!({"x": "1"}))).await.expect("applied");
    world.apply("one", map("a", json!({"x": "2"}))).await.expect("applied");
    world.maps().delete("a", &DeleteParams::default()).await.expect("deleted");
    let mut seen = Vec::new();
    while seen.len() < 3 {
        match events.next().await.expect("goes on").expect("an event") {
            WatchEvent::Added(object) => seen.push(("added", object.data)),
            WatchEvent::Modified(object) => seen.push(("modified", object.data)),
            WatchEvent::Deleted(object) => seen.push(("deleted", object.data)),
            other => panic!("{other:?}"),
        }
    }
    let data = |value: &str| Some([("x".to_owned(), value.to_owned())].into());
    assert_eq!(seen, [("added", data("1")), ("modified", data("2")), ("deleted", data("2"))]);
}

#[tokio::test]
async fn a_watch_without_a_version_begins_with_what_is_there() {
    let world = World::new();
    world.apply("one", map("a", json!({}))).await.expect("applied");
    let mut events = world.maps().watch(&WatchParams::default(), "0").await.expect("watched").boxed();
    let first = events.next().await.expect("goes on").expect("an event");
    assert!(matches!(first, WatchEvent::Added(_)));
}

#[tokio::test]
async fn a_watch_sees_what_happens_by_itself_when_the_hand_of_the_clock_moves() {
    let world = World::new();
    world.apply("one", job("migrate")).await.expect("applied");
    let api = world.api("Job");
    let version =
        api.list(&Default::default()).await.expect("listed").metadata.resource_version.expect("a version");
    let mut events = api.watch(&WatchParams::default(), &version).await.expect("watched").boxed();
    world.pass(30);
    let event = tokio::time::timeout(Duration::from_secs(5), events.next()).await.expect("in time");
    let Some(Ok(WatchEvent::Modified(job))) = event else { panic!("{event:?}") };
    assert_eq!(job.data["status"]["succeeded"], 1);
}
