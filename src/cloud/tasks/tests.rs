//! Tests of the queue against a small server.

use super::*;
use crate::cloud::testing::{Server, hurried, reply};

fn task() -> Task {
    Task {
        name: "0af3-dify-1".into(),
        at: Some("2026-11-23T10:00:00Z".parse().unwrap()),
        url: "https://service.example/tasks".into(),
        audience: "https://service.example".into(),
        body: json!({"deployment": "dify"}),
        deadline_secs: 600,
    }
}

#[tokio::test]
async fn a_task_has_a_name_a_time_and_a_token_and_is_queued_once() {
    let server = Server::start(|number, _| match number {
        0 => reply(200, "{}"),
        1 => reply(409, json!({"error": {"code": 409, "status": "ALREADY_EXISTS", "message": "exists"}})),
        _ => reply(403, json!({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no"}})),
    })
    .await;
    let google = Google::new(server.wire()).with_patience(hurried());
    let tasks = Tasks::new(google, "projects/p/locations/l/queues/q", "tasks@p.iam.gserviceaccount.com");
    assert_eq!(tasks.enqueue(&task()).await, Ok(Queued::New));
    assert_eq!(tasks.enqueue(&task()).await, Ok(Queued::Already));
    assert_eq!(tasks.enqueue(&task()).await.unwrap_err().status(), Some(403));
    let seen = &server.seen()[0];
    assert_eq!(seen.line, "POST /cloudtasks.googleapis.com/v2/projects/p/locations/l/queues/q/tasks");
    let sent: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        sent["task"],
        json!({
            "name": "projects/p/locations/l/queues/q/tasks/0af3-dify-1",
            "scheduleTime": "2026-11-23T10:00:00Z",
            "dispatchDeadline": "600s",
            "httpRequest": {
                "url": "https://service.example/tasks",
                "httpMethod": "POST",
                "headers": {"Content-Type": "application/json"},
                "body": "eyJkZXBsb3ltZW50IjoiZGlmeSJ9",
                "oidcToken": {
                    "serviceAccountEmail": "tasks@p.iam.gserviceaccount.com",
                    "audience": "https://service.example",
                },
            },
        })
    );
}
