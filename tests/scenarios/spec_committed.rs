//! A spec file dropped into the bucket becomes a running Dify, and stays one.

use dify_reconciler::converge::Outcome;
use dify_reconciler::resources::kubernetes::Kind;
use dify_reconciler::state::status::Phase;

use crate::harness::{MINIMAL, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_install_converges_and_a_second_look_writes_nothing() {
    let stage = Stage::new().await;
    let work = stage.save("prod.yaml", MINIMAL).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());

    let status = stage.status(&work).await;
    assert_eq!(status.phase, Phase::Converged);
    assert!(status.outputs["service_url"].as_str().is_some_and(|url| url.starts_with("http://")));

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());

    let mark = stage.mark();
    let work = stage.save("prod.yaml", MINIMAL).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "the same text again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_instances_touch_the_autoscaler_alone() {
    let (stage, _) = Stage::standing(MINIMAL).await;

    let mark = stage.mark();
    let work = stage.save("prod.yaml", &format!("{MINIMAL}max_instance_count: 5\n")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let writes = stage.writes_since(mark);
    assert!(
        writes.iter().all(|write| write.contains("horizontalpodautoscalers") || write.contains("instances/")),
        "{writes:#?}"
    );
    let autoscaler = stage.object("HorizontalPodAutoscaler", "").expect("an autoscaler");
    assert_eq!(autoscaler.pointer("/spec/maxReplicas"), Some(&5.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_migrated_before_anything_serves_it() {
    let (stage, _) = Stage::standing(&format!("{MINIMAL}application_version: 1.17.0\n")).await;

    stage
        .kubernetes
        .faults()
        .fail_jobs(&format!("{}-migrate-1-17-1", stage.namespace()), "column exists already");
    let work = stage.save("prod.yaml", &format!("{MINIMAL}application_version: 1.17.1\n")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let status = stage.status(&work).await;
    assert!(
        status.findings.iter().any(|finding| finding.message.contains("column exists already")),
        "the tail of the Job's log is told: {:#?}",
        status.findings
    );
    let api = stage.object("Deployment", "").expect("the API");
    let image = api.pointer("/spec/template/spec/containers/0/image").and_then(|image| image.as_str());
    assert!(
        image.is_some_and(|image| image.contains("dify-api:deployed-1.17.0-")),
        "the old version keeps serving: {image:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_spec_leaves_everything_as_it_was() {
    let (stage, _) = Stage::standing(MINIMAL).await;

    let mark = stage.mark();
    let work =
        stage.save("prod.yaml", "project_id: demo-project\nmax_instance_count: many\nworkers: 3\n").await;
    assert_eq!(stage.settle(&work).await, Outcome::Refused);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    let status = stage.status(&work).await;
    assert_eq!(status.phase, Phase::Refused);
    assert_eq!(status.findings.len(), 2, "all errors at once: {:#?}", status.findings);
    assert!(status.findings[0].message.contains("line 2, column 21"), "{:#?}", status.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_deletes_in_the_cluster_comes_back() {
    let (stage, work) = Stage::standing(MINIMAL).await;

    stage.delete(Kind::Service, "-web").await;
    assert!(stage.object("Service", "-web").is_none());
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert!(stage.object("Service", "-web").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_secret_is_not_drawn_anew_over_a_live_database() {
    let (stage, work) = Stage::standing(MINIMAL).await;

    let mark = stage.mark();
    stage.forget_secret("secret-key");
    let outcome = stage.once(&work).await;
    assert!(!matches!(outcome, Outcome::Converged), "{outcome:?}");
    let writes = stage.writes_since(mark);
    assert!(!writes.iter().any(|write| write.contains("addVersion")), "{writes:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_spec_leaves_what_it_made() {
    let (stage, _) = Stage::standing(MINIMAL).await;

    let mark = stage.mark();
    let work = stage.withdraw("prod.yaml").await;
    assert_eq!(stage.settle(&work).await, Outcome::Withdrawn);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(stage.status(&work).await.phase, Phase::Withdrawn);
}
