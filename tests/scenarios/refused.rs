//! A call that is refused for good: it is told once, and stays told while it is tried again and again.

use dify_reconciler::condition::ConditionType;
use dify_reconciler::converge::Outcome;
use dify_reconciler::embedded::google::Verdict;
use dify_reconciler::slice::Slice;
use dify_reconciler::state::status::{Phase, Status};

use crate::harness::{MINIMAL, Pace, Stage};

fn stalled(status: &Status) -> Vec<Slice> {
    let all = status.conditions.iter().filter(|condition| condition.kind == ConditionType::Stalled);
    all.map(|condition| condition.slice).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stalls_its_slice_without_flapping_and_hides_nothing_else() {
    // A warning and a variable of which nothing is made, which stay told.
    let spec = format!("{MINIMAL}support_users: [a@example.com]\n");
    let (stage, _) = Stage::standing_at(&spec, Pace::Instant).await;
    stage.google.intercept(|call| match call.is_write() && call.path.contains("/repositories/") {
        true => Verdict::FailBefore(
            403,
            r#"{"error": {"code": 403, "message": "not allowed", "status": "PERMISSION_DENIED"}}"#.into(),
        ),
        false => Verdict::Pass,
    });
    let work = stage.save("prod.yaml", &format!("{spec}max_images_to_retain: 3\n")).await;
    assert!(matches!(stage.once(&work).await, Outcome::Pending(_) | Outcome::Stalled));
    let first = stage.status(&work).await;
    assert_eq!((first.phase, stalled(&first)), (Phase::Stalled, vec![Slice::Images]), "{first:#?}");
    let told =
        |status: &Status, what: &str| status.findings.iter().any(|finding| finding.message.contains(what));
    assert!(told(&first, "not allowed") && told(&first, "support_users"), "{:#?}", first.findings);

    for _ in 0..3 {
        stage.clock.advance(std::time::Duration::from_secs(900));
        stage.once(&work).await;
        let again = stage.status(&work).await;
        assert_eq!((again.phase, stalled(&again)), (Phase::Stalled, vec![Slice::Images]));
        assert_eq!(again.history, first.history, "it is no news");
        assert!(told(&again, "not allowed") && told(&again, "support_users"), "{:#?}", again.findings);
    }
    stage.google.clear_intercept();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stalled(&stage.status(&work).await), Vec::new());
}
