//! A range of releases is followed: what is pushed is told by a message at the door, and what comes of it is the
//! range's to say.

use std::time::Duration;

use dify_reconciler::condition::Reason;
use dify_reconciler::converge::{Outcome, Work};
use dify_reconciler::state::status::{Phase, Status};

use crate::door::{Door, Sample};
use crate::harness::{MINIMAL, Pace, Stage};

const HOST: &str = "us-docker.pkg.dev";
const API: &str = "demo-project/apps/dify-api";
const WEB: &str = "demo-project/apps/dify-web";
const HOUR: Duration = Duration::from_secs(3600);

fn spec(policy: &str) -> String {
    format!(
        "{MINIMAL}application_version: 1.17.0\ncontainer_image: {HOST}/{API}\nweb: {{image: {HOST}/{WEB}}}\n\
         image_policy: {policy}\nbackup_schedule: ''\n"
    )
}

/// A deployment that began with 1.17.0, behind a door.
async fn running(policy: &str) -> (Stage, Door, Work) {
    let stage = Stage::instant().await;
    for name in [API, WEB] {
        stage.google.seed_image(name, "1.17.0");
    }
    let work = stage.converged(&spec(policy)).await;
    let mut stage = stage.copy_at(Pace::Real);
    let door = Door::open(&mut stage).await;
    (stage, door, work)
}

/// Somebody pushes a release of an image, and Artifact Registry tells.
async fn pushed(stage: &Stage, door: &Door, name: &str, version: &str) -> String {
    let digest = stage.google.push_image(name, version, version);
    let sample = Sample::read("image_pushed/push-tagged").about(&[
        ("europe-west1-docker.pkg.dev/acme/dify/dify-api", &format!("{HOST}/{name}")),
        ("sha256:7f2f1f6b1f0f2c9b3a4d5e6f7081920a1b2c3d4e5f60718293a4b5c6d7e8f901", &digest),
        (":1.17.1", &format!(":{version}")),
    ]);
    door.ring(stage, &sample).await;
    door.work_for(stage, 2 * HOUR).await;
    digest
}

/// What the API, its worker and the web front end run.
fn images(stage: &Stage) -> Vec<String> {
    ["", "-worker", "-web"].map(|name| stage.image("Deployment", name)).to_vec()
}

fn run(version: &str, api: &str, web: &str) -> Vec<String> {
    let image = |name: &str, digest: &str| format!("{HOST}/{name}:{version}@{digest}");
    vec![image(API, api), image(API, api), image(WEB, web)]
}

fn waits(status: &Status, what: &str) -> bool {
    status.plan.waiting.iter().flat_map(|waiting| &waiting.on).any(|why| why.contains(what))
}

fn told(status: &Status, reason: Reason) -> Option<String> {
    status.findings.iter().find(|finding| finding.reason == reason).map(|finding| finding.message.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_patch_is_rolled_out_behind_its_migration_and_a_new_minor_is_not() {
    let (stage, door, work) = running("{mode: follow, range: ~1.17.0}").await;
    let api = pushed(&stage, &door, API, "1.17.1").await;
    let web = pushed(&stage, &door, WEB, "1.17.1").await;

    assert_eq!(images(&stage), run("1.17.1", &api, &web));
    let status = stage.status(&work).await;
    assert_eq!(status.phase, Phase::Converged, "{status:#?}");
    assert!(status.history.iter().any(|happened| happened.cause == "gcr INSERT"), "{:#?}", status.history);
    let jobs = stage.kubernetes.list("Job", &stage.namespace());
    let migrated = |job: &&serde_json::Value| job.to_string().contains("migrate-1-17-1");
    assert!(jobs.iter().find(migrated).is_some_and(|job| job.to_string().contains(&api)), "by its own image");
    let config = stage.object("ConfigMap", "-api-env").expect("the API's settings");
    assert!(config["data"].to_string().contains("1.17.1"), "everything is of the release: {config:#}");

    let mark = stage.mark();
    pushed(&stage, &door, API, "1.18.0").await;
    pushed(&stage, &door, WEB, "1.18.0").await;
    assert_eq!(images(&stage), run("1.17.1", &api, &web));
    let writes = stage.writes_since(mark);
    assert!(writes.iter().all(|write| write.contains("/queues/dify/tasks")), "{writes:#?}");
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_waits_for_its_web_image_and_says_so() {
    let (stage, door, work) = running("{mode: follow, range: '>=1.17.0, <1.18'}").await;
    let before = images(&stage);
    let api = pushed(&stage, &door, API, "1.17.1").await;

    let status = stage.status(&work).await;
    assert_eq!(images(&stage), before);
    let why = format!("{HOST}/{API}:1.17.1 is there and {HOST}/{WEB}:1.17.1 is not");
    assert!(waits(&status, &why), "{:#?}", status.plan);

    let web = pushed(&stage, &door, WEB, "1.17.1").await;
    assert_eq!(images(&stage), run("1.17.1", &api, &web));
    assert_eq!(stage.status(&work).await.phase, Phase::Converged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_does_not_run_goes_back_to_the_one_before_and_the_next_one_is_tried() {
    let (stage, door, work) = running("{mode: follow, range: ~1.17.0}").await;
    let before = images(&stage);
    let web = stage.google.push_image(WEB, "1.17.1", "1.17.1");
    stage.kubernetes.faults().broken_image(&web);
    pushed(&stage, &door, API, "1.17.1").await;

    let status = stage.status(&work).await;
    assert_eq!(images(&stage), before, "{status:#?}");
    let why = told(&status, Reason::RolloutFailed).expect("the user is told");
    assert!(why.contains("did not get healthy") && why.contains("1.17.0"), "{why}");

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "it is not tried again");

    let web = stage.google.push_image(WEB, "1.17.2", "1.17.2");
    let api = pushed(&stage, &door, API, "1.17.2").await;
    assert_eq!(images(&stage), run("1.17.2", &api, &web));
    assert_eq!(told(&stage.status(&work).await, Reason::RolloutFailed), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_soaks_and_is_approved_like_a_tag() {
    let (stage, door, work) =
        running("{mode: follow, range: ~1.17.0, approval: approve, soak_secs: 21600}").await;
    let before = images(&stage);
    let web = stage.google.push_image(WEB, "1.17.1", "1.17.1");
    let api = pushed(&stage, &door, API, "1.17.1").await;
    assert!(waits(&stage.status(&work).await, "is rolled out after"));
    door.work_for(&stage, 5 * HOUR).await;

    let wanted = stage.status(&work).await.approval.expect("an approval is wanted");
    assert!(wanted.steps.iter().any(|step| step.contains(&format!("{API}:1.17.1"))), "{wanted:#?}");
    assert_eq!(images(&stage), before);
    let (hash, at) = (wanted.hash, stage.clock.now());
    let approval = dify_reconciler::state::orders::Approval {
        hash,
        covers: vec![],
        generation: None,
        at,
        by: "ann".into(),
    };
    let change = |orders: &mut dify_reconciler::state::orders::Orders| orders.approve(approval.clone());
    dify_reconciler::state::orders::change(&stage.converger.state, "prod", change).await.expect("ordered");
    door.work_for(&stage, HOUR).await;
    assert_eq!(images(&stage), run("1.17.1", &api, &web));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_range_brought_stays_without_its_record_and_without_the_range() {
    let (mut stage, door, work) = running("{mode: follow, range: ~1.17.0}").await;
    let web = stage.google.push_image(WEB, "1.17.1", "1.17.1");
    let api = pushed(&stage, &door, API, "1.17.1").await;
    let now = images(&stage);
    assert_eq!(now, run("1.17.1", &api, &web));

    stage.google.remove("storage/b/state/images/prod.json");
    stage.reborn();
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "what runs decides when the record is lost");

    let work = stage.save("prod.yaml", &spec("{mode: pin}")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(images(&stage), now, "a schema does not go back");
    let status = stage.status(&work).await;
    assert!(
        status.findings.iter().any(|finding| finding.message.contains("which a range brought")),
        "{status:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_install_begins_with_the_newest_release_of_the_range() {
    let mut stage = Stage::new().await;
    let door = Door::open(&mut stage).await;
    for name in [API, WEB] {
        for version in ["1.17.0", "1.17.3"] {
            stage.google.seed_image(name, version);
        }
    }
    let work = stage.save("prod.yaml", &spec("{mode: follow, range: ~1.17.0}")).await;
    door.ring(&stage, &Sample::read("resync_tick/scheduler")).await;
    door.work_for(&stage, 2 * HOUR).await;
    assert_eq!(stage.status(&work).await.phase, Phase::Converged);
    assert!(images(&stage).iter().all(|image| image.contains(":1.17.3@")), "{:#?}", images(&stage));
    let jobs = stage.kubernetes.list("Job", &stage.namespace());
    let older = jobs.iter().filter(|job| job["metadata"]["name"].to_string().contains("migrate-1-17-0"));
    assert_eq!(older.count(), 0, "nothing is made of a release that is not run");
}
