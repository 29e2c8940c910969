//! Tests of the REST engine against a small server.

use serde_json::json;

use super::*;
use crate::cloud::testing::{Reply, Seen, Server, hurried, reply};
use crate::cloud::{Endpoints, operation_of};
use crate::error::Disposition;
use crate::resources::{Document, Recipe};

fn request(method: Method, method_id: &'static str) -> GoogleRequest {
    let path = "v1/projects/p/things".into();
    GoogleRequest { method, host: "x.googleapis.com", path, query: vec![], body: Body::Empty, method_id }
}

async fn google(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> (Google, Server) {
    let server = Server::start(answer).await;
    (Google::new(server.wire()).with_patience(hurried()), server)
}

fn refusal(status: u16, reason: &str, message: &str) -> Reply {
    let error = json!({"code": status, "message": message, "errors": [{"reason": reason}]});
    reply(status, json!({"error": error}))
}

/// 503 first, then all is well.
fn recovers(number: usize, _: &Seen) -> Reply {
    if number == 0 { refusal(503, "backendError", "later") } else { reply(200, json!({"ok": true})) }
}

#[tokio::test]
async fn a_call_goes_to_its_host_below_the_base_with_query_body_and_our_name() {
    let (google, server) = google(|_, _| reply(200, "{}")).await;
    let mut patch = request(Method::Patch, "x.things.patch");
    patch.query = vec![("updateMask", "a,b".into())];
    patch.body = Body::Document(Document::new(json!({"a": 1})));
    google.call(&patch).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.line, "PATCH /x.googleapis.com/v1/projects/p/things?updateMask=a%2Cb");
    assert_eq!((seen.body.as_str(), seen.header("content-type")), (r#"{"a":1}"#, "application/json"));
    assert!(seen.header("user-agent").starts_with("dify-reconciler/"));
    assert_eq!(seen.header("authorization"), "", "no token for an endpoint that was overridden");
}

#[tokio::test]
async fn what_can_be_repeated_is_repeated_and_nothing_else() {
    for (method, query, method_id, tries) in [
        (Method::Get, None, "x.things.get", 2),
        (Method::Delete, None, "x.things.delete", 2),
        (Method::Post, None, "x.things.insert", 1),
        (Method::Post, Some("requestId"), "x.things.insert", 2),
        (Method::Patch, Some("etag"), "x.things.patch", 2),
        (Method::Post, None, "x.projects.getIamPolicy", 2),
    ] {
        let (google, server) = google(recovers).await;
        let mut request = request(method, method_id);
        request.query.extend(query.map(|name| (name, "1".to_owned())));
        let outcome = google.call(&request).await;
        assert_eq!((server.seen().len(), outcome.is_ok()), (tries, tries == 2), "{method:?} {query:?}");
    }
}

#[tokio::test]
async fn quotas_that_fill_up_again_are_waited_for_and_others_are_not() {
    for (status, reason, tries) in [
        (429, "rateLimitExceeded", 2),
        (403, "rateLimitExceeded", 2),
        (429, "QUOTA_CPUS", 1),
        (403, "forbidden", 1),
    ] {
        let (google, server) =
            google(
                move |number, _| {
                    if number == 0 { refusal(status, reason, "no") } else { reply(200, "{}") }
                },
            )
            .await;
        // Not even a creation has been done when it was refused for its rate.
        let _ = google.call(&request(Method::Post, "x.things.insert")).await;
        assert_eq!(server.seen().len(), tries, "{status} {reason}");
    }
}

#[tokio::test]
async fn the_budget_ends_it_and_the_last_error_is_told() {
    let (google, server) = google(|_, _| refusal(503, "backendError", "always")).await;
    let error = google.call(&request(Method::Get, "x.things.get")).await.unwrap_err();
    assert_eq!(error.to_string(), "x.things.get: 503: backendError: always");
    assert!(server.seen().len() > 2);
}

#[tokio::test]
async fn a_server_that_asks_for_more_time_than_there_is_gets_no_second_call() {
    let (google, server) = google(|_, _| (503, vec![("retry-after", "60".into())], String::new())).await;
    let error = google.call(&request(Method::Get, "x.things.get")).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry(std::time::Duration::from_secs(60)));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_are_told_apart() {
    let (google, _server) = google(|_, _| {
        std::thread::sleep(std::time::Duration::from_secs(1));
        reply(200, "{}")
    })
    .await;
    let slow = google.call(&request(Method::Post, "x.things.insert")).await.unwrap_err();
    assert_eq!(slow.failure, Failure::NoAnswer);
    let nobody = Endpoints { base: Some(url::Url::parse("http://127.0.0.1:1").unwrap()) };
    let google = Google::new(Arc::new(Wire::new(nobody))).with_patience(hurried());
    let gone = google.call(&request(Method::Post, "x.things.insert")).await.unwrap_err();
    assert_eq!(gone.failure, Failure::Connect);
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_says_what_it_lacks() {
    let (google, server) = google(|number, _| match number {
        0 => reply(200, json!({"items": [1], "nextPageToken": "t 1", "missingZones": ["europe-west1-b"]})),
        _ => reply(200, json!({"items": [2], "nextPageToken": ""})),
    })
    .await;
    let listing = google.list_all(&request(Method::Get, "x.things.list")).await.unwrap();
    assert_eq!(listing.pages.len(), 2);
    assert_eq!(listing.missing, ["europe-west1-b"]);
    assert_eq!(server.seen()[1].line, "GET /x.googleapis.com/v1/projects/p/things?pageToken=t+1");
}

#[tokio::test]
async fn generated_content_is_drawn_once_for_all_tries() {
    let (google, server) = google(|number, _| {
        if number == 0 {
            refusal(429, "rateLimitExceeded", "slowly")
        } else {
            reply(200, json!({"name": "v/1"}))
        }
    })
    .await;
    let mut generate = request(Method::Post, "secretmanager.projects.secrets.addVersion");
    generate.body = Body::Generated(Recipe::Alphanumeric(32));
    google.call(&generate).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].body, seen[1].body);
    assert!(seen[0].body.contains("dataCrc32c"));
}

#[tokio::test]
async fn an_operation_is_followed_and_one_that_failed_at_once_is_an_error() {
    let (google, server) = google(|number, _| match number {
        0 => reply(200, json!({"kind": "sql#operation", "name": "o1", "status": "PENDING"})),
        1 => reply(200, json!({"kind": "sql#operation", "name": "o1", "status": "RUNNING"})),
        _ => reply(
            200,
            json!({
                "kind": "sql#operation", "name": "o1", "status": "DONE",
                "error": {"errors": [{"code": "QUOTA", "message": "no more"}]},
            }),
        ),
    })
    .await;
    let mut insert = request(Method::Post, "sql.instances.insert");
    insert.host = "sqladmin.googleapis.com";
    let started = google.call(&insert).await.unwrap();
    let operation = operation_of(&insert, &started).unwrap();
    assert_eq!(google.operation(&operation).await.unwrap(), OperationState::Running);
    let ended = google.operation(&operation).await.unwrap();
    assert_eq!(ended, OperationState::Failed("QUOTA: no more".into()));
    assert_eq!(server.seen()[1].line, "GET /sqladmin.googleapis.com/v1/projects/p/operations/o1");
    let error = google.call(&insert).await.unwrap_err();
    assert_eq!((error.failure, error.reason.as_str()), (Failure::Operation, "QUOTA"));
}
