//! A build is said to have ended: what it pushed is rolled out when that is true, and nothing is otherwise.

use dify_reconciler::converge::{Hint, Outcome, Work};
use dify_reconciler::handlers::image_built::WRITES;
use serde_json::{Value, json};

use crate::harness::{MINIMAL, Pace, Stage};

const IMAGE: &str = "us-docker.pkg.dev/demo-project/apps/dify-api";
const TRIGGER: &str = "projects/demo-project/locations/us-central1/triggers/t-1";

/// A deployment that follows the tag `stable` of an image that is built.
async fn running(policy: &str) -> (Stage, Work) {
    let stage = Stage::instant().await;
    stage.google.seed_image("demo-project/apps/dify-api", "stable");
    let text = format!("{MINIMAL}container_image: {IMAGE}:stable\nimage_policy: {policy}\n");
    let work = stage.converged(&text).await;
    (stage.copy_at(Pace::Real), work)
}

/// The work that a message about a build sets in motion.
fn told(work: &Work, build: &str) -> Work {
    let hint = Hint::Build { build: build.into(), location: "us-central1".into() };
    Work { slices: WRITES.to_vec(), hint: Some(hint), ..work.clone() }
}

fn push(stage: &Stage, content: &str) -> String {
    stage.google.push_image("demo-project/apps/dify-api", "stable", content)
}

/// A build as Cloud Build knows it.
fn build(stage: &Stage, id: &str, status: &str, trigger: &str, digest: Option<&str>) {
    let images = digest.map(|digest| json!([{"name": format!("{IMAGE}:stable"), "digest": digest}]));
    stage.google.seed_build(json!({
        "name": format!("projects/demo-project/locations/us-central1/builds/{id}"), "id": id,
        "projectId": "demo-project", "status": status, "buildTriggerId": trigger,
        "createTime": stage.clock.now().to_string(), "results": {"images": images.unwrap_or(Value::Null)},
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_succeeded_is_rolled_out_by_digest() {
    let (stage, work) = running("{mode: follow}").await;
    let digest = push(&stage, "built");
    build(&stage, "b-1", "SUCCESS", "t-1", Some(&digest));

    let told = told(&work, "b-1");
    assert_eq!(stage.settle(&told).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert!(stage.image("Deployment", "-worker").ends_with(&digest));

    let mark = stage.mark();
    assert_eq!(stage.settle(&told).await, Outcome::Converged, "the message again");
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_message_changes_nothing() {
    let (stage, work) = running("{mode: follow}").await;
    let before = stage.image("Deployment", "");
    push(&stage, "not announced by anybody");

    let mark = stage.mark();
    assert_eq!(stage.settle(&told(&work, "no-such-build")).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(stage.image("Deployment", ""), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_overtook_another_is_no_news() {
    let (stage, work) = running("{mode: follow}").await;
    let digest = push(&stage, "built");
    build(&stage, "b-1", "SUCCESS", "t-1", Some(&digest));
    stage.settle(&told(&work, "b-1")).await;

    // The next build is at work, and somebody says that it succeeded; the tag has moved already.
    push(&stage, "half a build");
    build(&stage, "b-2", "WORKING", "t-1", None);
    let mark = stage.mark();
    assert_eq!(stage.settle(&told(&work, "b-2")).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert!(stage.image("Deployment", "").ends_with(&digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_named_trigger_built_is_rolled_out() {
    let (stage, work) = running(&format!("{{mode: follow, build_trigger: {TRIGGER}}}")).await;
    let before = stage.image("Deployment", "");

    // Somebody pushes by hand, and announces a build of their own that did.
    let digest = push(&stage, "by hand");
    build(&stage, "b-1", "SUCCESS", "another-trigger", Some(&digest));
    let mark = stage.mark();
    assert!(matches!(stage.until_quiet(&told(&work, "b-1")).await, Outcome::Pending(_)));
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(stage.image("Deployment", ""), before);
    let waiting = stage.status(&work).await.plan.waiting;
    assert!(waiting.iter().any(|one| one.on[0].contains(TRIGGER)), "the user is told why: {waiting:#?}");

    let digest = push(&stage, "by the trigger");
    build(&stage, "b-2", "SUCCESS", "t-1", Some(&digest));
    assert_eq!(stage.until_quiet(&told(&work, "b-2")).await, Outcome::Converged);
    assert!(stage.image("Deployment", "").ends_with(&digest));
}
