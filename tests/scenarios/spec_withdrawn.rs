//! A spec goes: what becomes of its deployment is what the spec said last. Nothing that holds data goes unasked.

use dify_reconciler::converge::{Outcome, Work};
use dify_reconciler::state::orders::{self, Approval};
use dify_reconciler::state::status::{ApprovalWanted, Phase};

use crate::harness::{MINIMAL, Pace, Stage};

const DESTROY: &str = "project_id: demo-project\ndeletion_policy: destroy\n";

/// Approves what waits for it, as the command line does.
async fn approve(stage: &Stage, work: &Work, wanted: ApprovalWanted) {
    let at = stage.clock.now();
    let approval = Approval {
        hash: wanted.hash,
        covers: wanted.steps,
        generation: wanted.generation,
        at,
        by: "ann".into(),
    };
    let noted = orders::change(&stage.converger.state, &work.deployment, |orders| {
        orders.approve(approval.clone());
    });
    noted.await.expect("the state bucket can be written");
}

/// What there is in either cloud that a deployment made.
fn made(stage: &Stage) -> Vec<String> {
    let ours = |path: &str, body: &str| {
        !path.contains("/operations/") && body.contains("dify-reconciler") && !path.contains("/o/")
    };
    let world = stage.world().into_iter();
    world.filter(|(path, body)| ours(path, &body.to_string())).map(|(path, _)| path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn destroying_takes_the_workload_at_once_and_data_only_when_that_is_approved() {
    let (stage, _) = Stage::standing(DESTROY).await;
    let work = stage.withdraw("prod.yaml").await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled, "{:#?}", stage.status(&work).await.findings);

    let status = stage.status(&work).await;
    assert_eq!(status.phase, Phase::Stalled);
    let wanted = status.approval.expect("the removal of data waits for an approval");
    for data in ["SqlInstance", "Bucket", "Disk", "Secret(GCP)"] {
        assert!(wanted.steps.iter().any(|step| step.contains(data)), "{data}: {:#?}", wanted.steps);
    }
    assert!(stage.kubernetes.list("Deployment", &stage.namespace()).is_empty());
    let left = made(&stage);
    assert!(
        !left.iter().any(|path| path.contains("globalAddresses") || path.contains("/firewalls/")),
        "{left:#?}"
    );

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "without an approval nothing more goes");

    let mut other = wanted.clone();
    other.steps.pop();
    approve(&stage, &work, other).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "what was approved is not what is planned");

    approve(&stage, &work, wanted).await;
    assert_eq!(stage.settle(&work).await, Outcome::Withdrawn, "{:#?}", stage.status(&work).await);
    assert_eq!(stage.status(&work).await.phase, Phase::Withdrawn);
    assert_eq!(made(&stage), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_stays_and_is_nobodys() {
    let spec = format!("{MINIMAL}deletion_policy: orphan\n");
    let (stage, _) = Stage::standing_at(&spec, Pace::Instant).await;
    let (first, mark) = (stage.namespace(), stage.mark());
    let work = stage.withdraw("prod.yaml").await;
    assert_eq!(stage.settle(&work).await, Outcome::Withdrawn);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    assert!(stage.kubernetes.get("Deployment", &first, &first).is_some());

    let work = stage.save("prod.yaml", &spec).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let namespaces = stage.kubernetes.list("Namespace", "").into_iter();
    let ours = namespaces.filter(|body| body.to_string().contains("dify-reconciler/deployment"));
    assert_eq!(ours.count(), 2, "a spec of the same name is another deployment");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_changed_spec_no_longer_names_goes_unless_it_holds_data() {
    let (stage, _) = Stage::standing(MINIMAL).await;
    assert!(made(&stage).iter().any(|path| path.contains("/disks/")));

    let elsewhere = format!("{MINIMAL}enable_nfs: false\nredis_host: 10.0.0.9\n");
    let work = stage.save("prod.yaml", &elsewhere).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    let left = made(&stage);
    assert!(!left.iter().any(|path| path.contains("compute") && path.contains("/instances/")), "{left:#?}");
    assert!(left.iter().any(|path| path.contains("/disks/")), "the disk holds data: {left:#?}");

    let status = stage.status(&work).await;
    let wanted = status.approval.expect("the disk is offered for removal");
    assert!(
        wanted.steps.iter().all(|step| step.contains("Disk") || step.contains("Secret(GCP)")),
        "{wanted:#?}"
    );
    approve(&stage, &work, wanted).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert!(!made(&stage).iter().any(|path| path.contains("/disks/")));
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_spec_is_not_withdrawn() {
    let (stage, old) = Stage::standing_at(DESTROY, Pace::Instant).await;
    let namespace = stage.namespace();
    let new =
        stage.save("prod.json", r#"{"project_id": "demo-project", "deletion_policy": "destroy"}"#).await;
    assert_eq!(stage.settle(&new).await, Outcome::Refused, "two specs of one deployment");

    stage.withdraw("prod.yaml").await;
    let mark = stage.mark();
    assert_eq!(stage.settle(&old).await, Outcome::Converged, "the ring of the name that is gone");
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    let status = stage.status(&new).await;
    assert_eq!((status.phase, status.spec.object.as_str()), (Phase::Converged, "prod.json"));
    assert_eq!(stage.settle(&new).await, Outcome::Converged);
    assert_eq!(stage.namespace(), namespace, "it is the same deployment");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_for_the_spec_that_it_was_given_for() {
    let (stage, _) = Stage::standing_at(MINIMAL, Pace::Instant).await;
    let elsewhere = format!("{MINIMAL}enable_nfs: false\nredis_host: 10.0.0.9\n");
    let disks = |stage: &Stage| made(stage).iter().filter(|path| path.contains("/disks/")).count();
    let work = stage.converged(&elsewhere).await;
    let wanted = stage.status(&work).await.approval.expect("the disk is offered for removal");
    approve(&stage, &work, wanted.clone()).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(disks(&stage), 0);

    stage.converged(MINIMAL).await;
    assert_eq!(disks(&stage), 1);
    let work = stage.converged(&elsewhere).await;
    assert_eq!(disks(&stage), 1, "it has the name of one that was approved, and is another");
    assert_eq!(stage.status(&work).await.approval.map(|again| again.steps), Some(wanted.steps));
}
