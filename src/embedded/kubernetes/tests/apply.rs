//! Server-side apply: who owns what.

use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::*;

#[tokio::test]
async fn what_its_applier_drops_is_gone_and_what_others_own_stays() {
    let world = World::new();
    world.apply("one", map("a", json!({"x": "1", "y": "2"}))).await.expect("applied");
    world.apply("two", map("a", json!({"z": "3"}))).await.expect("applied");
    let stored = world.apply("one", map("a", json!({"x": "1"}))).await.expect("applied");
    assert_eq!(stored["data"], json!({"x": "1", "z": "3"}));
}

#[tokio::test]
async fn equal_values_are_shared_and_go_with_their_last_owner() {
    let world = World::new();
    world.apply("one", map("a", json!({"x": "1", "k": ""}))).await.expect("applied");
    world.apply("two", map("a", json!({"x": "1"}))).await.expect("no conflict over the same value");
    let stored = world.apply("one", map("a", json!({"k": ""}))).await.expect("applied");
    assert_eq!(stored["data"], json!({"x": "1", "k": ""}));
    let stored = world.apply("two", map("a", json!({"q": ""}))).await.expect("applied");
    assert_eq!(stored["data"], json!({"k": "", "q": ""}));
}

#[tokio::test]
async fn another_value_is_a_conflict_that_force_settles() {
    let world = World::new();
    world.apply("one", map("a", json!({"x": "1", "k": ""}))).await.expect("applied");
    let error = world.apply("two", map("a", json!({"x": "2"}))).await.expect_err("a conflict");
    let (code, reason, message) = refusal(&error);
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert_eq!(message, "Apply failed with 1 conflict: conflict with \"one\": .data.x");
    world.apply_with(PatchParams::apply("two").force(), map("a", json!({"x": "2"}))).await.expect("forced");
    // The loser does not own it any more: leaving it out takes nothing away.
    let stored = world.apply("one", map("a", json!({"k": ""}))).await.expect("applied");
    assert_eq!(stored["data"], json!({"x": "2", "k": ""}));
}

#[tokio::test]
async fn an_update_takes_what_it_changes_and_the_conflict_names_its_version() {
    let world = World::new();
    world.apply("one", map("a", json!({"x": "1"}))).await.expect("applied");
    let patch = Patch::Merge(json!({"data": {"x": "2"}}));
    let params = PatchParams { field_manager: Some("hand".to_owned()), ..PatchParams::default() };
    world.maps().patch("a", &params, &patch).await.expect("patched");
    let error = world.apply("one", map("a", json!({"x": "1"}))).await.expect_err("a conflict");
    let message = refusal(&error).2;
    assert_eq!(message, "Apply failed with 1 conflict: conflict with \"hand\" using v1: .data.x");
}

#[tokio::test]
async fn applying_the_same_again_changes_nothing() {
    let world = World::new();
    let document = deployment(json!([{"name": "api", "image": "a:1", "ports": [{"containerPort": 5001}],
        "resources": {"requests": {"cpu": "1000m"}}}]));
    let first = world.apply("one", document.clone()).await.expect("applied");
    world.pass(10);
    let second = world.apply("one", document).await.expect("applied");
    assert_eq!(first["metadata"]["managedFields"][0], second["metadata"]["managedFields"][0]);
    assert_eq!(first["metadata"]["generation"], second["metadata"]["generation"]);
    let third = world.server.get("Deployment", NS, "api").expect("there");
    assert_eq!(second["metadata"]["resourceVersion"], third["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn list_items_merge_by_their_keys() {
    let world = World::new();
    let ours = json!([{"name": "api", "image": "a:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]);
    world.apply("one", deployment(ours)).await.expect("applied");
    let sidecar =
        json!([{"name": "agent", "image": "s:1"}, {"name": "api", "env": [{"name": "C", "value": "3"}]}]);
    world.apply("two", deployment(sidecar)).await.expect("applied");
    let ours = json!([{"name": "api", "image": "a:1", "env": [{"name": "B", "value": "2"}]}]);
    let stored = world.apply("one", deployment(ours)).await.expect("applied");
    let containers = stored["spec"]["template"]["spec"]["containers"].as_array().expect("containers");
    let names: Vec<&str> = containers.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["agent", "api"]);
    let api = containers.iter().find(|one| one["name"] == "api").expect("there");
    let env: Vec<&str> =
        api["env"].as_array().expect("env").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(env, ["B", "C"]);
}

#[tokio::test]
async fn a_list_that_is_one_value_is_replaced() {
    let world = World::new();
    let args = |args: Value| deployment(json!([{"name": "api", "image": "a:1", "args": args}]));
    world.apply("one", args(json!(["a", "b"]))).await.expect("applied");
    let stored = world.apply("one", args(json!(["c"]))).await.expect("applied");
    assert_eq!(stored["spec"]["template"]["spec"]["containers"][0]["args"], json!(["c"]));
}

#[tokio::test]
async fn a_stale_version_or_foreign_identity_is_refused() {
    let world = World::new();
    world.apply("one", map("a", json!({"x": "1"}))).await.expect("applied");
    let mut stale = map("a", json!({"x": "2"}));
    stale["metadata"]["resourceVersion"] = "1".into();
    let error = world.apply("one", stale).await.expect_err("a conflict");
    assert_eq!(refusal(&error).0, 409);
    let mut foreign = map("b", json!({"x": "2"}));
    foreign["metadata"]["uid"] = "other".into();
    let error = world.apply("one", foreign).await.expect_err("a conflict");
    assert_eq!(refusal(&error).0, 409);
}

#[tokio::test]
async fn a_dry_run_answers_what_would_be_and_changes_nothing() {
    let world = World::new();
    world.apply("one", map("a", json!({"x": "1"}))).await.expect("applied");
    let before = world.server.snapshot();
    let params = PatchParams { dry_run: true, ..PatchParams::apply("one") };
    let answer = world.apply_with(params.clone(), map("a", json!({"y": "2"}))).await.expect("answered");
    assert_eq!(answer["data"], json!({"y": "2"}));
    world.apply_with(params, map("new", json!({}))).await.expect("answered");
    assert_eq!(world.server.snapshot(), before);
}

#[tokio::test]
async fn unknown_fields_cannot_be_applied() {
    let world = World::new();
    let mut document = map("a", json!({}));
    document["spec"] = json!({});
    let error = world.apply("one", document).await.expect_err("refused");
    let (code, _, message) = refusal(&error);
    assert_eq!(code, 500);
    assert!(message.ends_with(".spec: field not declared in schema"), "{message}");
}

#[tokio::test]
async fn the_status_belongs_to_the_status_endpoint() {
    let world = World::new();
    world.apply("one", deployment(json!([{"name": "api", "image": "a:1"}]))).await.expect("applied");
    let patch = json!({"status": {"collisionCount": 3}, "spec": {"replicas": 7}});
    let api = world.api("Deployment");
    let stored =
        api.patch_status("api", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("patched");
    assert_eq!(stored.data["spec"]["replicas"], 1);
    let stored = api.patch("api", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("patched");
    assert_eq!(stored.data["spec"]["replicas"], 7);
}
