//! Something happened to a rollout: the image that was promoted to this deployment's stage runs.

use dify_reconciler::condition::{Finding, Reason};
use dify_reconciler::converge::{Hint, Outcome, Work};
use dify_reconciler::handlers::rollout_promoted::WRITES;
use dify_reconciler::slice::Slice;
use serde_json::json;

use crate::harness::{MINIMAL, Pace, Stage};

const IMAGE: &str = "us-docker.pkg.dev/demo-project/apps/dify-api";
const PIPELINE: &str = "projects/demo-project/locations/us-central1/deliveryPipelines/dify";

/// A deployment that is the stage `prod` of a pipeline to which nothing was promoted yet.
async fn running() -> (Stage, Work) {
    let stage = Stage::instant().await;
    stage.google.seed_image("demo-project/apps/dify-api", "1");
    stage.google.seed_delivery(json!({"name": PIPELINE}));
    let spec = format!(
        "{MINIMAL}container_image: {IMAGE}:1\nenable_cloud_deploy: true\ndelivery_pipeline: dify\n\
         gateway_backend_stage: prod\ncloud_deploy_stages: [{{name: dev, target_name: dev}}, \
         {{name: prod, target_name: prod, require_approval: true}}]\nenable_cicd_trigger: true\n\
         github_repository_url: https://github.com/a/b\ngithub_app_installation_id: 1\n"
    );
    let work = stage.converged(&spec).await;
    let hint = Hint::Rollout { resource: format!("{PIPELINE}/releases/one/rollouts/one-1") };
    (stage.copy_at(Pace::Real), Work { slices: WRITES.to_vec(), hint: Some(hint), ..work })
}

/// A digest that names its release.
fn digest(release: &str) -> String {
    format!("sha256:{}", hex::encode(format!("{release:->32}")))
}

/// A release of an image, by whatever follows its repository.
fn release(stage: &Stage, name: &str, version: &str) {
    stage.google.seed_delivery(json!({
        "name": format!("{PIPELINE}/releases/{name}"), "renderState": "SUCCEEDED",
        "buildArtifacts": [{"image": "dify-api", "tag": format!("{IMAGE}{version}")}],
    }));
}

/// A rollout of a release, now.
fn rollout(stage: &Stage, release: &str, number: u8, target: &str, state: &str, approval: &str) {
    let now = stage.clock.now().to_string();
    stage.google.seed_delivery(json!({
        "name": format!("{PIPELINE}/releases/{release}/rollouts/{release}-{number}"), "targetId": target,
        "state": state, "approvalState": approval, "createTime": now, "approveTime": now, "deployEndTime": now,
    }));
    stage.clock.advance(std::time::Duration::from_secs(60));
}

fn told(findings: &[Finding], what: &str) -> bool {
    findings.iter().any(|finding| finding.slice == Slice::Delivery && finding.message.contains(what))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_succeeded_for_the_stage_runs_and_a_rollback_is_a_promotion_too() {
    let (stage, work) = running().await;
    assert!(told(&stage.status(&work).await.findings, "nothing was promoted to prod"));
    let before = stage.image("Deployment", "");

    for name in ["one", "two"] {
        release(&stage, name, &format!("@{}", digest(name)));
        rollout(&stage, name, 1, "dev", "SUCCEEDED", "DOES_NOT_NEED_APPROVAL");
    }
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "another stage is another deployment's");
    assert_eq!(stage.image("Deployment", ""), before);

    rollout(&stage, "one", 2, "prod", "SUCCEEDED", "APPROVED");
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert!(stage.image("Deployment", "-worker").ends_with(&digest("one")));
    assert!(told(&stage.status(&work).await.findings, "one/one-2 was promoted to prod, approved at"));

    rollout(&stage, "two", 2, "prod", "SUCCEEDED", "APPROVED");
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert!(stage.image("Deployment", "").ends_with(&digest("two")));

    rollout(&stage, "one", 3, "prod", "SUCCEEDED", "APPROVED");
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert!(stage.image("Deployment", "").ends_with(&digest("one")));

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_waited_for_and_shown() {
    let (stage, work) = running().await;
    let before = stage.image("Deployment", "");
    release(&stage, "one", &format!("@{}", digest("one")));
    rollout(&stage, "one", 1, "prod", "PENDING_APPROVAL", "NEEDS_APPROVAL");

    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let findings = stage.status(&work).await.findings;
    assert!(told(&findings, "one/one-1 to prod waits for approval"), "{findings:#?}");
    assert_eq!(stage.image("Deployment", ""), before);

    rollout(&stage, "one", 1, "prod", "APPROVAL_REJECTED", "REJECTED");
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert!(told(&stage.status(&work).await.findings, "was not approved"));
    assert_eq!(stage.image("Deployment", ""), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_image_that_does_not_run_goes_back_to_the_one_before() {
    let (stage, work) = running().await;
    release(&stage, "one", &format!("@{}", digest("one")));
    rollout(&stage, "one", 1, "prod", "SUCCEEDED", "APPROVED");
    stage.settle(&work).await;

    stage.kubernetes.faults().broken_image(&digest("two"));
    release(&stage, "two", &format!("@{}", digest("two")));
    rollout(&stage, "two", 1, "prod", "SUCCEEDED", "APPROVED");
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert!(stage.image("Deployment", "").ends_with(&digest("one")));
    let findings = stage.status(&work).await.findings;
    assert!(findings.iter().any(|finding| finding.reason == Reason::RolloutFailed), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_names_a_tag_is_not_rolled_out_and_a_lost_pipeline_changes_nothing() {
    let (stage, work) = running().await;
    let before = stage.image("Deployment", "");
    release(&stage, "one", ":2");
    rollout(&stage, "one", 1, "prod", "SUCCEEDED", "APPROVED");
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert!(told(&stage.status(&work).await.findings, "by tag: it is not rolled out"));
    assert_eq!(stage.image("Deployment", ""), before);

    stage.google.remove(&format!("clouddeploy/{PIPELINE}"));
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert!(told(&stage.status(&work).await.findings, "could not be read"));
}
