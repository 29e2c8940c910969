//! What goes wrong on purpose, and what is written down of it.

use serde_json::json;

use super::super::Action;
use super::*;

#[tokio::test]
async fn requests_are_refused_as_often_as_asked() {
    let world = World::new();
    let faults = world.server.faults();
    faults.internal_error("PATCH", "/configmaps/", 1);
    faults.throttled("PATCH", "/configmaps/", 1);
    faults.warden("PATCH", "/deployments/", 1);
    for code in [500, 429] {
        let error = world.apply("one", map("a", json!({}))).await.expect_err("refused");
        assert_eq!(refusal(&error).0, code);
    }
    world.apply("one", map("a", json!({}))).await.expect("applied");
    let error =
        world.apply("one", deployment(json!([{"name": "api", "image": "a:1"}]))).await.expect_err("refused");
    let (code, _, message) = refusal(&error);
    assert!(code == 403 && message.contains("GKE Warden rejected the request"), "{message}");
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_the_call() {
    let world = World::new();
    let faults = world.server.faults();
    faults.meet("PATCH", "/configmaps/before", 1, Action::DropBefore);
    faults.meet("PATCH", "/configmaps/after", 1, Action::DropAfter);
    for name in ["before", "after"] {
        let error = world.apply("one", map(name, json!({}))).await.expect_err("broken");
        assert!(!matches!(error, Error::Api(_)), "{error}");
    }
    assert!(world.server.get("ConfigMap", NS, "before").is_none());
    assert!(world.server.get("ConfigMap", NS, "after").is_some());
}

#[tokio::test]
async fn a_hook_decides_by_the_number_of_the_request() {
    let world = World::new();
    let second = world.server.seq() + 2;
    world.server.faults().intercept(
        move |request| {
            if request.seq == second { Action::DropBefore } else { Action::Proceed }
        },
    );
    world.apply("one", map("a", json!({}))).await.expect("applied");
    world.apply("one", map("b", json!({}))).await.expect_err("broken");
    world.server.faults().clear();
    world.apply("one", map("b", json!({}))).await.expect("applied");
}

#[tokio::test]
async fn every_request_is_written_down() {
    let world = World::new();
    world.apply("one", map("a", json!({}))).await.expect("applied");
    world.maps().get("a").await.expect("found");
    let records = world.server.requests();
    let seen: Vec<(&str, u16)> =
        records.iter().map(|one| (one.request.method.as_str(), one.status)).collect();
    assert_eq!(seen, [("PATCH", 201), ("GET", 200)]);
    assert_eq!(records[0].request.path, "/api/v1/namespaces/default/configmaps/a");
    assert_eq!(world.server.writes_since(0).len(), 1);
    assert_eq!(world.server.writes_since(1).len(), 0);
    world.server.take_requests();
    assert!(world.server.requests().is_empty());
}
