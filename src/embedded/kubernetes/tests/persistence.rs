//! The world from one start to the next.

use serde_json::json;

use super::*;

#[tokio::test]
async fn the_world_is_found_again_and_goes_on_where_it_stood() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("kubernetes.json");
    let first = World::with(|options| options.persist = Some(path.clone()));
    first.apply("one", job("migrate")).await.expect("applied");
    first.apply("one", map("a", json!({"x": "1"}))).await.expect("applied");
    first.pass(20);
    let (before, clock) = (first.server.snapshot(), first.clock.clone());
    first.server.shutdown().expect("saved");
    let second = World::with(|options| (options.persist, options.clock) = (Some(path), clock.clone()));
    assert_eq!(second.server.snapshot(), before);
    // Who owned what is known too.
    let stored = second.apply("one", map("a", json!({"y": "2"}))).await.expect("applied");
    assert_eq!(stored["data"], json!({"y": "2"}));
    clock.advance(Duration::from_secs(10));
    let done = second.server.get("Job", NS, "migrate").expect("there");
    assert_eq!(done["status"]["succeeded"], 1, "the time before counts");
}

#[tokio::test]
async fn two_worlds_that_saw_the_same_look_the_same() {
    let (one, other) = (World::new(), World::new());
    // Another order of the same.
    one.apply("one", map("a", json!({}))).await.expect("applied");
    for world in [&one, &other] {
        world.apply("one", job("migrate")).await.expect("applied");
        world.pass(60);
    }
    other.apply("one", map("a", json!({}))).await.expect("applied");
    assert_eq!(one.server.snapshot(), other.server.snapshot());
}
