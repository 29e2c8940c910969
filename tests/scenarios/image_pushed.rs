//! An image is pushed under the tag that runs: what becomes of it is the spec's to say.

use std::time::Duration;

use dify_reconciler::condition::{Reason, Severity};
use dify_reconciler::converge::{Hint, Outcome, Work};
use dify_reconciler::handlers::image_pushed::WRITES;
use dify_reconciler::state::orders::{self, Approval};

use crate::harness::{MINIMAL, Stage};

const API: &str = "langgenius/dify-api";
const WEB: &str = "langgenius/dify-web";
const TAG: &str = "1.17.1";

fn spec(policy: &str) -> String {
    format!("{MINIMAL}image_policy: {policy}\n")
}

/// A deployment that runs, and the work that a push sets in motion.
async fn running(policy: &str) -> (Stage, Work) {
    let (stage, work) = Stage::standing(&spec(policy)).await;
    let hint = Some(Hint::Image { image: format!("docker.io/{API}") });
    (stage, Work { slices: WRITES.to_vec(), hint, ..work })
}

/// The images of everything that runs the release.
fn images(stage: &Stage) -> Vec<String> {
    ["", "-worker", "-beat", "-web"].map(|name| stage.image("Deployment", name)).to_vec()
}

fn all_run(stage: &Stage, api: &str, web: &str) {
    let expected = [api, api, api, web];
    let images = images(stage);
    assert!(images.iter().zip(expected).all(|(image, digest)| image.ends_with(digest)), "{images:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_tag_changes_nothing_as_long_as_images_are_pinned() {
    let (stage, work) = running("{mode: pin}").await;
    let before = images(&stage);
    stage.google.push_image(API, TAG, "another");

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(images(&stage), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_remembers_nothing_and_a_registry_that_moved_do_not_move_what_is_pinned() {
    let (mut stage, work) = running("{mode: pin}").await;
    let before = images(&stage);
    stage.google.push_image(API, TAG, "another");
    stage.google.remove("storage/b/state/images/prod.json");
    stage.reborn();

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(images(&stage), before, "what runs decides when the record is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_tag_is_rolled_out_by_digest_behind_its_migration() {
    let (stage, work) = running("{mode: follow}").await;
    let web = stage.image("Deployment", "-web").rsplit('@').next().expect("a digest").to_owned();
    let pushed = stage.google.push_image(API, TAG, "another");

    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    all_run(&stage, &pushed, &web);
    let jobs = stage.kubernetes.list("Job", &stage.namespace());
    assert!(jobs.iter().any(|job| job.to_string().contains(&pushed)), "the schema was brought to it first");

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_does_not_run_is_taken_back_and_not_tried_again() {
    let (stage, work) = running("{mode: follow}").await;
    let before = images(&stage);
    let pushed = stage.google.push_image(API, TAG, "broken");
    stage.kubernetes.faults().broken_image(&pushed);

    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert_eq!(images(&stage), before, "the last healthy digests run again");
    let told = |status: dify_reconciler::state::status::Status| {
        status.findings.into_iter().find(|finding| finding.reason == Reason::RolloutFailed)
    };
    let finding = told(stage.status(&work).await).expect("the user is told");
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.message.contains("did not get healthy") && finding.subject.unwrap().contains(&pushed));

    let mark = stage.mark();
    stage.clock.advance(Duration::from_secs(3600));
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "it is not tried again");
    assert!(told(stage.status(&work).await).is_some(), "and still told");

    let web = before[3].rsplit('@').next().expect("a digest");
    let mended = stage.google.push_image(API, TAG, "mended");
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    all_run(&stage, &mended, web);
    assert!(told(stage.status(&work).await).is_none(), "the next push is a new candidate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_takes_the_image_back_and_nothing_ever_served_it() {
    let (stage, work) = running("{mode: follow}").await;
    let before = images(&stage);
    stage.kubernetes.faults().fail_jobs(&format!("{}-migrate", stage.namespace()), "no such revision");
    stage.google.push_image(API, TAG, "half");

    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert_eq!(images(&stage), before);
    let findings = stage.status(&work).await.findings;
    assert!(findings.iter().any(|finding| finding.message.contains("no such revision")), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_images_of_one_release_move_together_and_go_back_together() {
    let (stage, work) = running("{mode: follow}").await;
    let before = images(&stage);
    let (api, web) = (stage.google.push_image(API, TAG, "two"), stage.google.push_image(WEB, TAG, "two"));
    stage.kubernetes.faults().broken_image(&web);

    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(images(&stage), before, "{api} ran, but its web image did not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_image_soaks_before_it_is_rolled_out() {
    let (stage, work) = running("{mode: follow, soak_secs: 3600}").await;
    let before = images(&stage);
    let pushed = stage.google.push_image(API, TAG, "another");

    let mark = stage.mark();
    assert!(matches!(stage.until_quiet(&work).await, Outcome::Pending(_)));
    stage.clock.advance(Duration::from_secs(3400));
    assert!(matches!(stage.until_quiet(&work).await, Outcome::Pending(_)));
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(images(&stage), before);

    stage.clock.advance(Duration::from_secs(300));
    assert_eq!(stage.until_quiet(&work).await, Outcome::Converged);
    assert!(stage.image("Deployment", "-worker").ends_with(&pushed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_image_waits_for_the_approval_of_exactly_itself() {
    let (stage, work) = running("{mode: follow, approval: approve}").await;
    let before = images(&stage);
    stage.google.push_image(API, TAG, "first");

    let mark = stage.mark();
    assert!(matches!(stage.until_quiet(&work).await, Outcome::Pending(_)));
    let first = stage.status(&work).await.approval.expect("an approval is wanted");
    assert!(first.steps[0].contains(API), "{first:#?}");

    // Somebody pushes once more before the first push is approved.
    let pushed = stage.google.push_image(API, TAG, "second");
    approve(&stage, &first.hash).await;
    assert!(matches!(stage.until_quiet(&work).await, Outcome::Pending(_)));
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert_eq!(images(&stage), before);

    let second = stage.status(&work).await.approval.expect("another approval is wanted");
    assert_ne!(first.hash, second.hash);
    approve(&stage, &second.hash).await;
    assert_eq!(stage.until_quiet(&work).await, Outcome::Converged);
    assert!(stage.image("Deployment", "").ends_with(&pushed));
    assert_eq!(stage.status(&work).await.approval, None);
}

async fn approve(stage: &Stage, hash: &str) {
    let approval = Approval {
        hash: hash.into(),
        covers: Vec::new(),
        generation: None,
        at: stage.clock.now(),
        by: "ann".into(),
    };
    let change = |orders: &mut orders::Orders| orders.approve(approval.clone());
    orders::change(&stage.converger.state, "prod", change).await.expect("it is ordered");
}
