//! What people order: pauses hold writes back and nothing else; the command line leaves orders where works read them.

use std::path::Path;

use assert_cmd::Command;
use dify_reconciler::cloud::Precondition;
use dify_reconciler::condition::Reason;
use dify_reconciler::converge::Outcome;
use dify_reconciler::slice::Slice;
use dify_reconciler::state::orders::{self, Orders, Pause};
use dify_reconciler::state::status::{ApprovalWanted, Status, object_name};
use jiff::SignedDuration;

use crate::harness::{MINIMAL, Pace, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_slice_is_looked_at_and_not_written_until_its_time_is_over() {
    let (stage, _) = Stage::standing_at(MINIMAL, Pace::Instant).await;

    let at = stage.clock.now();
    let until = Some(at + SignedDuration::from_hours(2));
    let pause = Pause { slice: Some(Slice::Workload), until, reason: "release freeze".into(), at };
    let ordered = orders::change(&stage.converger.state, "prod", |orders| orders.pause_for(pause.clone()));
    ordered.await.expect("the state bucket can be written");

    let mark = stage.mark();
    let work = stage.save("prod.yaml", &format!("{MINIMAL}max_instance_count: 5\n")).await;
    for _ in 0..3 {
        assert!(matches!(stage.once(&work).await, Outcome::Pending(_)));
    }
    let scaled = |writes: Vec<String>| writes.iter().any(|write| write.contains("horizontalpodautoscalers"));
    assert!(!scaled(stage.writes_since(mark)), "the other slices go on, this one does not");
    let status = stage.status(&work).await;
    let told = status.findings.iter().find(|finding| finding.reason == Reason::Paused);
    assert!(told.is_some_and(|finding| finding.message.contains("release freeze")), "{:#?}", status.findings);

    stage.clock.advance(std::time::Duration::from_secs(2 * 3600));
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert!(scaled(stage.writes_since(mark)));
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_cannot_be_understood_hold_everything() {
    let (stage, _) = Stage::standing_at(MINIMAL, Pace::Instant).await;
    let orders =
        r#"{"pauses": [{"slice": "of-a-later-version", "reason": "freeze", "at": "2026-11-23T00:00:00Z"}]}"#;
    let name = orders::object_name("prod");
    let written = stage.converger.cloud.objects.write(
        "state",
        &name,
        orders.to_owned().into(),
        "application/json",
        Precondition::None,
    );
    written.await.expect("the orders are written");
    let mark = stage.mark();
    let work = stage.save("prod.yaml", &format!("{MINIMAL}max_instance_count: 5\n")).await;
    for _ in 0..3 {
        assert!(!matches!(stage.once(&work).await, Outcome::Converged));
    }
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    let findings = stage.status(&work).await.findings;
    assert!(findings.iter().any(|finding| finding.message.contains(&name)), "{findings:#?}");
    let resumed = |orders: &mut Orders| {
        orders.resume(None);
    };
    let refused = orders::change(&stage.converger.state, "prod", resumed).await;
    assert!(refused.is_err(), "nothing is written over it");
}

/// A state directory with the status of one deployment.
fn state_directory(approval: Option<ApprovalWanted>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let status = Status { deployment: "prod".into(), approval, ..Status::default() };
    let path = directory.path().join(object_name("prod"));
    std::fs::create_dir_all(path.parent().expect("it has one")).expect("made");
    std::fs::write(path, serde_json::to_vec(&status).expect("JSON")).expect("written");
    directory
}

fn command(directory: &Path, words: &[&str]) -> (i32, String) {
    let output = Command::cargo_bin("dify-reconciler")
        .expect("the binary is built")
        .args(words)
        .arg("--state-dir")
        .arg(directory)
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

fn kept(directory: &Path) -> Orders {
    let text = std::fs::read(directory.join(orders::object_name("prod"))).expect("orders were written");
    serde_json::from_slice(&text).expect("they are JSON")
}

#[test]
fn only_the_plan_that_waits_can_be_approved() {
    let wanted = ApprovalWanted { hash: "5f2c".into(), steps: vec!["- Disk d".into()], generation: Some(3) };
    let directory = state_directory(Some(wanted));
    let (code, text) = command(directory.path(), &["approve", "prod", "0000"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("5f2c waits"), "{text}");
    assert_eq!(command(directory.path(), &["approve", "other", "5f2c"]).0, 2);
    assert_eq!(command(directory.path(), &["approve", "prod", "5f2c"]).0, 0);
    assert!(kept(directory.path()).covers(&["- Disk d".to_owned()], 3));
}

#[test]
fn a_pause_needs_a_reason_and_can_be_ended() {
    let directory = state_directory(None);
    assert_eq!(command(directory.path(), &["pause", "prod"]).0, 2, "a reason is asked for");
    let words = ["pause", "prod", "--slice", "workload", "--for", "2h", "--reason", "freeze"];
    let (code, text) = command(directory.path(), &words);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("workload is paused until"), "{text}");
    let (code, text) = command(directory.path(), &["pause", "prod", "--slice", "engine", "--reason", "x"]);
    assert_eq!(code, 2);
    assert!(text.contains("expected one of project, network"), "{text}");
    assert_eq!(command(directory.path(), &["resume", "prod"]).0, 2, "everything was never paused");
    assert_eq!(command(directory.path(), &["resume", "prod", "--slice", "workload"]).0, 0);
    assert!(kept(directory.path()).pauses.is_empty());
}
