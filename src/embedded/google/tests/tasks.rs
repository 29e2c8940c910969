//! Tasks and scheduled calls: sent when the clock gets there.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use super::*;

fn queue() -> String {
    format!("projects/{PROJECT}/locations/us-central1/queues/dify")
}

async fn make(world: &World, body: Value) -> (u16, Value) {
    let path = format!("cloudtasks.googleapis.com/v2/{}/tasks", queue());
    world.call("POST", &path, Some(json!({"task": body}))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_sent_when_its_time_comes_and_its_name_stays_taken() {
    let world = world();
    world.server.seed_queue(&queue(), 10);
    let door = Door::open(&[500]).await;
    let name = format!("{}/tasks/demo-1", queue());
    let task = json!({
        "name": name, "scheduleTime": "2026-01-01T00:05:00Z",
        "httpRequest": {"url": door.url, "httpMethod": "POST",
                        "headers": {"content-type": "application/json"},
                        "body": BASE64_STANDARD.encode("{\"slice\":\"x\"}"),
                        "oidcToken": {"serviceAccountEmail": "tasks@x", "audience": "https://door"}},
    });
    assert_eq!(make(&world, task.clone()).await.0, 200);
    let (status, again) = make(&world, task.clone()).await;
    assert_eq!((status, again["error"]["status"].as_str()), (409, Some("ALREADY_EXISTS")));
    let pending = world.server.pending_tasks();
    assert_eq!((pending.len(), pending[0].name.as_str()), (1, "demo-1"));
    assert_eq!(world.server.next_eta(), Some(at("2026-01-01T00:05:00Z")));
    world.advance(299);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(door.received().is_empty());
    world.advance(1);
    eventually(|| door.received().len() == 1).await;
    eventually(|| world.server.next_eta() == Some(at("2026-01-01T00:05:10Z"))).await;
    world.advance(10);
    eventually(|| door.received().len() == 2).await;
    world.settled().await;
    let second = &door.received()[1];
    assert_eq!(second.body, "{\"slice\":\"x\"}");
    assert_eq!(second.header("X-CloudTasks-QueueName"), "dify");
    assert_eq!(second.header("X-CloudTasks-TaskName"), "demo-1");
    assert_eq!(second.header("X-CloudTasks-TaskRetryCount"), "1");
    assert_eq!(second.header("X-CloudTasks-TaskExecutionCount"), "1");
    assert!(second.header("authorization").starts_with("Bearer ey"));
    eventually(|| world.server.pending_tasks().is_empty()).await;
    assert_eq!(make(&world, task).await.0, 409, "the name was used too recently");
    world.advance(25 * 3600);
    let later = json!({"name": name, "httpRequest": {"url": door.url}});
    assert_eq!(make(&world, later).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_sends_nothing_and_a_deleted_task_never_comes() {
    let world = world();
    world.server.seed_queue(&queue(), 10);
    let door = Door::open(&[]).await;
    let base = format!("cloudtasks.googleapis.com/v2/{}", queue());
    world.post(&format!("{base}:pause"), json!({})).await;
    let (_, task) = make(&world, json!({"httpRequest": {"url": door.url}})).await;
    make(&world, json!({"httpRequest": {"url": door.url}})).await;
    assert!(world.server.idle());
    let name = task["name"].as_str().expect("a name");
    assert_eq!(world.call("DELETE", &format!("cloudtasks.googleapis.com/v2/{name}"), None).await.0, 200);
    assert_eq!(world.get(&format!("{base}/tasks")).await["tasks"].as_array().map(Vec::len), Some(1));
    world.post(&format!("{base}:resume"), json!({})).await;
    eventually(|| door.received().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_job_runs_at_its_times() {
    let world = world();
    let door = Door::open(&[]).await;
    let jobs = format!("projects/{PROJECT}/locations/us-central1/jobs");
    let job = json!({"name": format!("{jobs}/resync"), "schedule": "*/15 * * * *",
                     "httpTarget": {"uri": door.url, "oidcToken": {"serviceAccountEmail": "cron@x"}}});
    let made = world.post(&format!("cloudscheduler.googleapis.com/v1/{jobs}"), job).await;
    assert_eq!(made["scheduleTime"], "2026-01-01T00:15:00Z");
    for (round, time) in ["2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"].iter().enumerate() {
        eventually(|| world.server.next_eta() == Some(at(time))).await;
        world.advance(900);
        eventually(|| door.received().len() == round + 1).await;
        assert_eq!(door.received()[round].header("X-CloudScheduler-ScheduleTime"), *time);
        assert_eq!(door.received()[round].header("X-CloudScheduler-JobName"), "resync");
    }
    assert_eq!(
        world.call("DELETE", &format!("cloudscheduler.googleapis.com/v1/{jobs}/resync"), None).await.0,
        200
    );
    eventually(|| world.server.next_eta().is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_subscription_gets_both_spellings() {
    let world = world();
    let door = Door::open(&[]).await;
    let topic = format!("projects/{PROJECT}/topics/cloud-builds");
    world.call("PUT", &format!("pubsub.googleapis.com/v1/{topic}"), Some(json!({}))).await;
    let subscription = format!("pubsub.googleapis.com/v1/projects/{PROJECT}/subscriptions/builds");
    let body = json!({"topic": topic, "pushConfig": {"pushEndpoint": door.url}});
    assert_eq!(world.call("PUT", &subscription, Some(body)).await.0, 200);
    let message = json!({"messages": [{"data": "e30=", "attributes": {"status": "SUCCESS"}}]});
    world.post(&format!("pubsub.googleapis.com/v1/{topic}:publish"), message).await;
    eventually(|| door.received().len() == 1).await;
    let pushed = door.received()[0].json();
    assert_eq!(pushed["message"]["messageId"], pushed["message"]["message_id"]);
    assert_eq!(pushed["subscription"], format!("projects/{PROJECT}/subscriptions/builds"));
}
