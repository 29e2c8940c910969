//! What is answered, and what is in the queue afterwards.

use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dify_reconciler::embedded::google::{Fault, FaultKind};
use serde_json::json;

use super::service::{EVENTS, Service, errand, ring, service, with};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn a_written_spec_is_one_task_however_often_it_is_told() {
    let door = service().await;
    for _ in 0..3 {
        assert_eq!(door.ring(&[JSON], ring("prod.yaml").to_string()).await, 204);
    }
    // The same change, told by Eventarc.
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-type", "google.cloud.storage.object.v1.finalized"),
        ("ce-source", "//storage.googleapis.com/projects/_/buckets/specs"),
    ];
    let resource = json!({"bucket": "specs", "name": "prod.yaml", "generation": "7"});
    assert_eq!(door.ring(&headers, resource.to_string()).await, 204);
    let queued = door.queued();
    assert_eq!(queued.len(), 1, "{queued:?}");
    assert_eq!(queued[0].url, format!("{}/tasks", door.url));
    assert_eq!(door.metric(r#"dify_events_total{event="spec_committed",outcome="queued"}"#).await, 1);
    assert_eq!(door.metric(r#"dify_events_total{event="spec_committed",outcome="duplicate"}"#).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_none_of_our_business_is_acknowledged() {
    let door = service().await;
    assert_eq!(door.ring(&[JSON], ring("notes.txt").to_string()).await, 204);
    assert_eq!(door.ring(&[JSON], ring("prod.yaml").to_string().replace("specs", "others")).await, 204);
    let foreign = json!({"message": {"data": "eA==", "messageId": "1"}});
    assert_eq!(door.ring(&[JSON], foreign.to_string()).await, 204);
    let audit = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-type", "google.cloud.audit.log.v1.written"),
        ("ce-source", "//cloudaudit.googleapis.com/projects/p/logs/activity"),
    ];
    let ours = json!({"protoPayload": {"resourceName": "projects/p/secrets/s",
                      "requestMetadata": {"callerSuppliedUserAgent": "dify-reconciler/0.1.0"}},
                      "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity"});
    assert_eq!(door.ring(&audit, ours.to_string()).await, 204);
    assert!(door.queued().is_empty());
    assert_eq!(door.metric(r#"dify_events_total{event="spec_committed",outcome="ignored"}"#).await, 2);
    assert_eq!(door.metric(r#"dify_events_total{event="foreign",outcome="foreign"}"#).await, 1);
    assert_eq!(door.metric(r#"dify_events_total{event="audit_entry",outcome="ignored"}"#).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_wrote_to_a_secret_ourselves_rings_nothing_and_what_a_person_adds_does() {
    let door = service().await;
    std::fs::write(door.specs.path().join("prod.yaml"), "project_id: p\n").expect("a spec");
    std::fs::create_dir_all(door.state.path().join("status")).expect("a folder");
    let status = json!({"deployment": "prod", "own_rings": ["SECRET_VERSION_ADD 2 app1-db-password-b"],
        "inventory": {"SecretVersion projects/p/secrets/app1-db-password-b/versions": "present"}});
    std::fs::write(door.state.path().join("status/prod.json"), status.to_string()).expect("a status");
    door.google.scan();
    let told = |version: u32| {
        let secret = "projects/1/secrets/app1-db-password-b";
        json!({"message": {"messageId": version.to_string(), "data": "e30=", "attributes": {
            "eventType": "SECRET_VERSION_ADD", "secretId": secret, "versionId": format!("{secret}/versions/{version}"),
            "timestamp": "2026-11-23T10:00:00-08:00"}}, "subscription": "s"})
    };
    assert_eq!(door.ring(&[JSON], told(2).to_string()).await, 204);
    assert!(door.queued().is_empty(), "{:?}", door.queued());
    assert_eq!(
        door.metric(r#"dify_events_total{event="secret_changed",outcome="concerns-nobody"}"#).await,
        1
    );
    assert_eq!(door.ring(&[JSON], told(3).to_string()).await, 204);
    assert_eq!(door.queued().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_apart_and_its_spoilt_events_kept() {
    let door = service().await;
    let event = |id: &str, object: &str| {
        json!({"specversion": "1.0", "id": id, "type": "google.cloud.storage.object.v1.finalized", "source": "//s",
               "data": {"bucket": "specs", "name": object, "generation": 7}})
    };
    let batch = json!([event("1", "a.yaml"), {"id": "2"}, event("3", "b.yaml")]);
    let headers = [("content-type", "application/cloudevents-batch+json")];
    assert_eq!(door.ring(&headers, batch.to_string()).await, 204);
    assert_eq!(door.queued().len(), 2);
    assert_eq!(door.kept("poison").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_acknowledged_counted_and_kept_once_without_the_token() {
    let door = service().await;
    let body = format!("not an event {}", "x".repeat(100_000));
    for _ in 0..2 {
        assert_eq!(
            door.ring(&[("content-type", "text/plain"), ("x-api-key", "hunter2")], body.clone()).await,
            204
        );
    }
    let kept = door.kept("poison");
    assert_eq!(kept.len(), 1);
    let document = kept[0].to_string();
    assert!(!document.contains("Bearer") && !document.contains("hunter2") && document.len() < 100_000);
    let part = STANDARD.decode(kept[0]["body_base64"].as_str().expect("text")).expect("base64");
    assert_eq!(part, &body.as_bytes()[..64 << 10]);
    assert_eq!((&kept[0]["truncated"], &kept[0]["body_bytes"]), (&json!(true), &json!(body.len())));
    assert_eq!(door.metric(r#"dify_poison_total{flaw="encoding"}"#).await, 2);
    assert_eq!(door.task(&json!({"deployment": "x"})).await, 204, "a task that is none is poison too");
    assert_eq!(door.kept("poison").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused() {
    let door = service().await;
    assert_eq!(door.ring(&[JSON], vec![b' '; 15 << 20]).await, 413);
    let large = "x".repeat(70 << 10);
    assert_eq!(door.ring(&[JSON, ("x-large", &large)], ring("prod.yaml").to_string()).await, 431);
    let mut fits = ring("prod.yaml").to_string().into_bytes();
    fits.resize(13 << 20, b' ');
    assert_eq!(door.ring(&[JSON], fits).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_queued_is_to_be_sent_again() {
    let door = service().await;
    let fault =
        |times| Fault { method: None, pattern: "cloudtasks*".into(), kind: FaultKind::Forbidden, times };
    door.google.add_fault(fault(1));
    assert_eq!(door.ring(&[JSON], ring("prod.yaml").to_string()).await, 503);
    assert_eq!(door.ring(&[JSON], ring("prod.yaml").to_string()).await, 204);
    assert_eq!(door.queued().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_rings_for_every_spec_and_for_those_that_went_unseen() {
    let door = service().await;
    for name in ["a.yaml", "b.tfvars", "notes.txt"] {
        std::fs::write(door.specs.path().join(name), "nonsense: [").expect("writes");
    }
    std::fs::create_dir_all(door.state.path().join("status")).expect("a folder");
    for (name, phase) in [("gone", "converged"), ("buried", "withdrawn"), ("a", "converged")] {
        let status = json!({"version": 1, "deployment": name, "phase": phase, "spec": {"object": format!("{name}.yaml")}});
        std::fs::write(door.state.path().join(format!("status/{name}.json")), status.to_string())
            .expect("writes");
    }
    door.google.scan();
    let headers = [
        ("x-cloudscheduler", "true"),
        ("x-cloudscheduler-jobname", "resync"),
        ("x-cloudscheduler-scheduletime", "2026-10-01T12:00:00Z"),
    ];
    assert_eq!(door.ring(&headers, "").await, 204);
    assert_eq!(door.ring(&headers, r#"{"kind":"resync"}"#).await, 204);
    assert_eq!(door.queued().len(), 3, "a, b and gone, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_bucket_to_the_status_and_back() {
    // The embedded cloud's own tokens, which Google's key server would vouch for.
    let door = with(|config| config.jwks_url = None).await;
    door.google.add_trigger("specs", &format!("{}/events", door.url), EVENTS);
    door.resume_queue();
    let spec = door.specs.path().join("prod.yaml");
    std::fs::write(&spec, "no_such_variable: 1").expect("writes");
    door.google.scan();
    let is = |phase: &'static str| {
        move |door: &Service| door.kept("status").first().is_some_and(|s| s["phase"] == phase)
    };
    door.until("the refusal", is("refused")).await;
    std::fs::remove_file(&spec).expect("removes");
    door.google.scan();
    door.until("the withdrawal", is("withdrawn")).await;
    door.until("the end", |door| door.queued().is_empty()).await;
    assert_eq!(door.metric(r#"dify_works_total{outcome="refused"}"#).await, 1);
    assert_eq!(door.metric(r#"dify_works_total{outcome="withdrawn"}"#).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_somebody_works_on_is_left_for_a_moment() {
    let door = service().await;
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    std::fs::create_dir_all(door.state.path().join("lease")).expect("a folder");
    let lease = json!({"holder": "somebody", "expires": expires.to_string()});
    std::fs::write(door.state.path().join("lease/prod.json"), lease.to_string()).expect("writes");
    door.google.scan();
    assert_eq!(door.task(&errand("prod.yaml")).await, 204);
    assert_eq!(door.task(&errand("prod.yaml")).await, 204);
    let queued = door.queued();
    assert!((1..=2).contains(&queued.len()), "{queued:?}");
    let wait = queued[0].eta.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((0..=10).contains(&wait), "{wait} s");
    assert_eq!(door.metric(r#"dify_works_total{outcome="busy"}"#).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_fails_comes_again() {
    let door = service().await;
    let fault = Fault { method: None, pattern: "storage*".into(), kind: FaultKind::Forbidden, times: 1000 };
    door.google.add_fault(fault);
    assert_eq!(door.task(&errand("prod.yaml")).await, 503);
    door.google.clear_faults();
    assert_eq!(door.task(&errand("prod.yaml")).await, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_strangers() {
    let door = service().await;
    assert_eq!(door.get("/livez").await.0, 200);
    assert_eq!(door.get("/readyz").await.0, 200);
    assert!(door.get("/metrics").await.1.contains("# TYPE dify_events_total counter"));
    assert_eq!(door.get("/").await.0, 404);
    assert_eq!(door.get("/events").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_pulls_has_no_way_in_for_events() {
    let door = service().await;
    door.app.pull_only.store(true, Ordering::SeqCst);
    assert_eq!(door.ring(&[JSON], ring("prod.yaml").to_string()).await, 404);
    assert_eq!(door.task(&errand("prod.yaml")).await, 204, "the queue comes in all the same");
    assert_eq!(door.get("/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_one_request_and_no_more() {
    let door = service().await;
    door.broken_clock.store(true, Ordering::SeqCst);
    assert_eq!(door.task(&errand("prod.yaml")).await, 500, "in the work");
    assert_eq!(door.ring(&[JSON], "poison").await, 500, "in the door");
    door.broken_clock.store(false, Ordering::SeqCst);
    assert_eq!(door.task(&errand("prod.yaml")).await, 204);
    assert_eq!(door.ring(&[JSON], ring("prod.yaml").to_string()).await, 204);
    assert_eq!(door.metric(r#"dify_requests_total{route="/events",reply="crashed"}"#).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_nearly_done_is_done_before_it_ends() {
    let mut door = service().await;
    let slow = FaultKind::Slow(Duration::from_millis(400));
    door.google.add_fault(Fault { method: None, pattern: "storage*".into(), kind: slow, times: 3 });
    let errand = errand("prod.yaml");
    let stop = door.stop.take();
    let (status, ()) = tokio::join!(door.task(&errand), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(stop);
    });
    assert_eq!(status, 204);
    ended(&mut door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_it_is_asked_to() {
    let mut door = service().await;
    assert_eq!(door.get("/livez").await.0, 200);
    drop(door.stop.take());
    ended(&mut door).await;
}

async fn ended(door: &mut Service) {
    let ended = tokio::time::timeout(Duration::from_secs(10), &mut door.serving).await;
    ended.expect("in time").expect("without a panic").expect("without an error");
}
