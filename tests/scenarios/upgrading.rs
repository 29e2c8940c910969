//! Another version or image changes the schema: a backup first, then the migration, then what serves.

use std::time::Duration;

use dify_reconciler::condition::{Finding, Reason, Severity};
use dify_reconciler::converge::{Outcome, Work};
use dify_reconciler::resources::kubernetes::Kind;
use dify_reconciler::slice::Slice;
use dify_reconciler::state::orders::{self, Approval};
use serde_json::Value;

use crate::backup_due::backups;
use crate::harness::{MINIMAL, Pace, Stage};

const API: &str = "langgenius/dify-api";

fn version(version: &str) -> String {
    format!("{MINIMAL}application_version: {version}\n")
}

/// A deployment of this spec that has converged.
async fn running(spec: &str) -> (Stage, Work) {
    let (stage, work) = Stage::standing_at(spec, Pace::Instant).await;
    assert_eq!(backups(&stage), Vec::<String>::new(), "of an empty database there is nothing to keep");
    (stage, work)
}

/// Objects that say that a backup was wanted before a migration.
fn wanted(stage: &Stage) -> Vec<String> {
    let paths = stage.google.paths("storage/b/").into_iter();
    paths.filter(|path| path.contains("/o/prod/migrations/")).collect()
}

async fn told(stage: &Stage, work: &Work) -> Option<Finding> {
    let findings = stage.status(work).await.findings;
    findings.into_iter().find(|finding| finding.reason == Reason::NoBackupBeforeMigration)
}

/// The names of the backup Jobs that failed.
fn failed(stage: &Stage) -> Vec<String> {
    let jobs = stage.kubernetes.list("Job", "");
    let name = |job: &Value| job["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    jobs.iter().filter(|job| job["status"]["failed"] == 1).map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_backed_up_for_once_then_migrated_to_then_rolled_out() {
    let (stage, _) = running(&version("1.17.0")).await;
    let mark = stage.mark();
    let work = stage.save("prod.yaml", &version("1.17.1")).await;
    let outcome = stage.once(&work).await;
    assert!(matches!(outcome, Outcome::Pending(_) | Outcome::Converged), "{outcome:?}");
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);

    assert_eq!(backups(&stage).len(), 1, "one, and no second");
    let (slot, bucket) = (backups(&stage).remove(0), format!("{}-backups", stage.namespace()));
    let objects = &stage.converger.cloud.objects;
    let manifest =
        objects.read(&bucket, &format!("prod/{slot}/manifest.json"), None).await.expect("it is read");
    let manifest: Value = serde_json::from_slice(&manifest.expect("a manifest").content).expect("JSON");
    assert_eq!(manifest["application_version"], "1.17.0", "the version that the data is of");
    let writes = stage.writes_since(mark);
    let first = |part: &str| {
        writes.iter().position(|write| write.contains(part)).unwrap_or_else(|| panic!("{part}: {writes:#?}"))
    };
    // The first object, the marker that asks for it, and last the manifest.
    let manifest = writes.iter().rposition(|write| write.contains("/upload/storage/")).expect("a manifest");
    let migrated = first("-migrate-1-17-1");
    assert!(manifest < migrated, "it is complete before: {writes:#?}");
    let serves = format!("deployments/{}", stage.namespace());
    let rolled = writes.iter().position(|write| write.ends_with(&serves)).expect("it is rolled out");
    assert!(migrated < rolled, "{writes:#?}");
    assert_eq!(wanted(&stage), Vec::<String>::new(), "what asked for it goes when the release stands");

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    stage.clock.advance(Duration::from_secs(600));
    let work = stage.save("prod.yaml", &format!("{}max_instance_count: 5\n", version("1.17.1"))).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(backups(&stage).len(), 1, "what leaves the schema alone makes none");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_for_it_is_shown_with_its_reason() {
    let (stage, _) = running(&version("1.17.0")).await;
    stage.kubernetes.faults().hang_jobs(&format!("{}-backup-", stage.namespace()));
    let work = stage.save("prod.yaml", &version("1.17.1")).await;
    stage.once(&work).await;
    let plan = stage.status(&work).await.plan;
    let migration = plan.waiting.iter().find(|waiting| waiting.resource.contains("-migrate-1-17-1"));
    let on = &migration.expect("the migration waits").on;
    assert!(
        on.iter().any(|why| why.contains("a backup is made before the schema changes to 1.17.1")),
        "{on:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_fails_holds_the_migration_until_it_is_mended() {
    let (stage, _) = running(&version("1.17.0")).await;
    let fault = format!("{}-backup-2026", stage.namespace());
    stage.kubernetes.faults().fail_jobs(&fault, "permission denied for table accounts");
    let work = stage.save("prod.yaml", &version("1.17.1")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);

    let finding = told(&stage, &work).await.expect("the user is told why");
    assert_eq!((finding.severity, finding.slice), (Severity::Error, Slice::Migration));
    let status = stage.status(&work).await;
    assert!(status.findings.iter().any(|finding| finding.message.contains("permission denied for table")));
    assert!(stage.image("Deployment", "").contains("dify-api:deployed-1.17.0-"), "what ran keeps running");
    let jobs = stage.kubernetes.list("Job", "");
    assert!(!jobs.iter().any(|job| job.to_string().contains("migrate-1-17-1")), "nothing was migrated");
    let mark = stage.mark();
    stage.clock.advance(Duration::from_secs(600));
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());

    stage.kubernetes.faults().clear();
    for job in failed(&stage) {
        stage.delete(Kind::Job, job.strip_prefix(&stage.namespace()).expect("ours")).await;
    }
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_eq!(backups(&stage).len(), 1);
    assert!(stage.image("Deployment", "").contains("dify-api:deployed-1.17.1-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn going_without_a_backup_that_failed_is_approved_for_that_one_only() {
    let (stage, _) = running(&version("1.16.1")).await;
    stage.kubernetes.faults().fail_jobs(&format!("{}-backup-2026", stage.namespace()), "no space left");
    let work = stage.save("prod.yaml", &version("1.17.0")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let approval = stage.status(&work).await.approval.expect("something can be approved");
    assert!(approval.steps[0].contains("without the backup"), "{approval:?}");
    assert!(told(&stage, &work).await.is_some_and(|finding| finding.help.contains(&approval.hash)));

    let (hash, covers, by) = (approval.hash.clone(), approval.steps.clone(), "ann".to_owned());
    let given = Approval { hash, covers, generation: None, at: stage.clock.now(), by };
    orders::change(&stage.converger.state, "prod", |orders| orders.approve(given.clone()))
        .await
        .expect("orders");
    stage.settle(&work).await;
    assert!(stage.image("Deployment", "").contains("dify-api:deployed-1.17.0-"), "it went on");
    assert_eq!(backups(&stage), Vec::<String>::new());

    let work = stage.save("prod.yaml", &version("1.17.1")).await;
    stage.clock.advance(Duration::from_secs(60));
    assert_eq!(stage.settle(&work).await, Outcome::Stalled, "the next version asks again");
    let again = stage.status(&work).await.approval.expect("something can be approved");
    assert_ne!(again.hash, approval.hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_backups_a_new_version_is_migrated_to_with_a_warning() {
    let off = |text: &str| format!("{}backup_schedule: ''\n", version(text));
    let (stage, _) = running(&off("1.17.0")).await;
    stage.kubernetes.faults().hang_jobs(&format!("{}-migrate-1-17-1", stage.namespace()));
    let work = stage.save("prod.yaml", &off("1.17.1")).await;
    stage.once(&work).await;
    let finding = told(&stage, &work).await.expect("the user is warned");
    assert_eq!(finding.severity, Severity::Warning);

    stage.kubernetes.faults().clear();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(backups(&stage), Vec::<String>::new());
    assert!(told(&stage, &work).await.is_none(), "it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_image_that_a_tag_moves_to_has_its_own_backup_even_one_that_ran_before() {
    let (stage, work) = running(&format!("{MINIMAL}image_policy: {{mode: follow}}\n")).await;
    for (count, image) in [(1, "one"), (2, "two"), (3, "one")] {
        stage.clock.advance(Duration::from_secs(60));
        let pushed = stage.google.push_image(API, "1.17.1", image);
        assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
        assert!(stage.image("Deployment", "").ends_with(&pushed), "{image}");
        assert_eq!(backups(&stage).len(), count, "{image}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_nobody_wants_any_more_leaves_no_wish_behind() {
    let (stage, _) = running(&version("1.16.1")).await;
    stage.kubernetes.faults().hang_jobs(&format!("{}-backup-", stage.namespace()));
    for wish in ["1.17.0", "1.17.1"] {
        let work = stage.save("prod.yaml", &version(wish)).await;
        stage.once(&work).await;
        let names = wanted(&stage);
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(names[0].contains(&wish.replace('.', "-")), "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_brings_the_schema_up_again_without_another_backup() {
    let (stage, _) = running(&version("1.17.0")).await;
    let work = stage.save("prod.yaml", &version("1.17.1")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let slot = backups(&stage).remove(0);
    stage.clock.advance(Duration::from_secs(600));
    crate::backup_due::order(&stage, "restore", &slot).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(backups(&stage).len(), 2, "the safety backup alone");
}
