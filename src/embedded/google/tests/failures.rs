//! Faults, hooks, the log, the snapshot, keeping the world.

use serde_json::json;

use super::*;
use crate::embedded::google::{Fault, FaultKind, Verdict};

fn buckets() -> String {
    format!("storage/v1/b?project={PROJECT}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_happens_so_often_and_then_no_more() {
    let world = world();
    world.server.add_fault(Fault::new("storage*/b", FaultKind::RateLimited, 1).method("post"));
    world.server.add_fault(Fault::new("storage", FaultKind::Quota, 1).method("POST"));
    let first = world.call("POST", &buckets(), Some(json!({"name": "data"}))).await;
    assert_eq!(
        (first.0, first.1["error"]["details"][0]["reason"].as_str()),
        (429, Some("RATE_LIMIT_EXCEEDED"))
    );
    let second = world.call("POST", &buckets(), Some(json!({"name": "data"}))).await;
    assert_eq!((second.0, reason(&second.1)), (403, "rateLimitExceeded"));
    assert_eq!(world.call("POST", &buckets(), Some(json!({"name": "data"}))).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_answer_may_have_been_carried_out() {
    let world = world();
    let send = |name: &str| {
        let request = reqwest::Client::new().post(format!("{}/{}", world.server.url(), buckets()));
        request.json(&json!({"name": name})).send()
    };
    world.server.intercept(|call| if call.method == "POST" { Verdict::DropAfter } else { Verdict::Pass });
    assert!(send("after").await.is_err());
    world.server.intercept(|_| Verdict::DropBefore);
    assert!(send("before").await.is_err());
    world.server.intercept(|_| Verdict::FailBefore(502, "<html>bad gateway</html>".into()));
    assert_eq!(send("never").await.expect("an answer").status(), 502);
    world.server.clear_intercept();
    assert_eq!(world.call("GET", "storage/v1/b/after", None).await.0, 200);
    assert_eq!(world.call("GET", "storage/v1/b/before", None).await.0, 404);
    let statuses: Vec<u16> = world.server.writes_since(0).iter().map(|request| request.status).collect();
    assert_eq!(statuses, [0, 0, 502]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_says_so_and_is_remembered() {
    let world = world();
    let (status, body) =
        world.call("GET", "compute.googleapis.com/compute/v1/projects/tenant-1/nonsense", None).await;
    assert_eq!(status, 404);
    assert!(
        body["error"]["message"]
            .as_str()
            .expect("text")
            .contains("compute.googleapis.com/compute/v1/projects/tenant-1/nonsense")
    );
    assert_eq!(world.server.unimplemented().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_that_want_the_same_end_in_the_same_snapshot() {
    let mut snapshots = Vec::new();
    for waste in [0, 3] {
        let world = world();
        for _ in 0..waste {
            let topic = format!("pubsub.googleapis.com/v1/projects/{PROJECT}/topics/t");
            world.call("PUT", &topic, Some(json!({}))).await;
            world.call("DELETE", &topic, None).await;
        }
        let secrets = format!("secretmanager.googleapis.com/v1/projects/{PROJECT}/secrets");
        world.post(&format!("{secrets}?secretId=a"), json!({"replication": {"automatic": {}}})).await;
        world.post(&format!("{secrets}/a:addVersion"), json!({"payload": {"data": "eA=="}})).await;
        let accounts = format!("iam.googleapis.com/v1/projects/{PROJECT}/serviceAccounts");
        world.post(&accounts, json!({"accountId": "dify-app"})).await;
        snapshots.push(world.server.snapshot());
    }
    assert_eq!(snapshots[0], snapshots[1]);
    assert!(snapshots[0].keys().any(|path| path.ends_with("secrets/a/versions/1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_world_survives_a_restart_with_its_queue() {
    use std::os::unix::fs::PermissionsExt;
    let kept = tempfile::tempdir().expect("dir");
    let file = kept.path().join("world.json");
    let queue = format!("projects/{PROJECT}/locations/us-central1/queues/dify");
    let first = with(|options| options.persist = Some(file.clone()));
    first.post(&buckets(), json!({"name": "data"})).await;
    first.raw("POST", "upload/storage/v1/b/data/o?uploadType=media&name=x", &[], b"one").await;
    first.server.seed_queue(&queue, 1);
    let task = json!({"task": {"scheduleTime": "2026-01-01T01:00:00Z",
                               "httpRequest": {"url": "http://127.0.0.1:1/x"}}});
    first.post(&format!("cloudtasks.googleapis.com/v2/{queue}/tasks"), task).await;
    drop(first);
    assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let second = with(|options| options.persist = Some(file.clone()));
    assert_eq!(second.text("GET", "storage/v1/b/data/o/x?alt=media", None).await, (200, "one".into()));
    assert_eq!(second.server.next_eta(), Some(at("2026-01-01T01:00:00Z")));
}
