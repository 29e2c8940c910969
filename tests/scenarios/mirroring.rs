//! Images run from the deployment's own repository, and how they get there.

use dify_reconciler::condition::Reason;
use dify_reconciler::converge::{Outcome, Work};
use dify_reconciler::embedded::google::{Fault, FaultKind};
use serde_json::Value;

use crate::harness::{MINIMAL, Pace, Stage};

const API: &str = "langgenius/dify-api";
const TAG: &str = "1.17.1";
const HOST: &str = "us-central1-docker.pkg.dev/demo-project/";

async fn settled(stage: &Stage, work: &Work) {
    assert_eq!(stage.settle(work).await, Outcome::Converged, "{:#?}", stage.status(work).await);
}

async fn running(more: &str) -> (Stage, Work) {
    Stage::standing_at(&format!("{MINIMAL}{more}"), Pace::Instant).await
}

/// Every image of every pod in the cluster.
fn images(stage: &Stage) -> Vec<String> {
    let kinds = ["Deployment", "Job", "CronJob", "StatefulSet"];
    let objects: Vec<Value> =
        kinds.iter().flat_map(|kind| stage.kubernetes.list(kind, &stage.namespace())).collect();
    let mut found = Vec::new();
    objects.iter().for_each(|object| collect(object, &mut found));
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("image").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// The documents of copies of an image.
fn copies(stage: &Stage, name: &str) -> Vec<String> {
    let package = format!("/dockerImages/docker.io%2F{}@", name.replace('/', "%2F"));
    let paths = stage.google.paths("artifactregistry/");
    paths.into_iter().filter(|path| path.contains(&package)).collect()
}

/// Calls to the repository that wrote something.
fn pushes(stage: &Stage, since: u64) -> Vec<String> {
    let writes = stage.google.writes_since(since).into_iter();
    writes
        .filter(|call| call.path.starts_with("/v2/"))
        .map(|call| format!("{} {}", call.method, call.path))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_from_the_deployments_own_repository_by_the_digest_of_its_source() {
    let stage = Stage::instant().await;
    let source = stage.google.seed_image(API, TAG);
    let work = stage.save("prod.yaml", MINIMAL).await;
    settled(&stage, &work).await;

    let images = images(&stage);
    assert!(images.len() > 10, "{images:#?}");
    assert!(images.iter().all(|image| image.starts_with(HOST) && image.contains("@sha256:")), "{images:#?}");
    assert!(stage.image("Deployment", "").ends_with(&format!("@{source}")));

    let mark = stage.mark();
    assert_eq!(stage.once(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_twice_and_a_shared_layer_is_sent_once() {
    let stage = Stage::instant().await;
    stage.converged(MINIMAL).await;
    let mut closed: Vec<String> = Vec::new();
    let mut manifests: Vec<String> = Vec::new();
    for call in stage
        .google
        .requests()
        .into_iter()
        .filter(|call| call.method == "PUT" && call.path.starts_with("/v2/"))
    {
        assert_eq!(call.status, 201, "{} {}", call.path, call.status);
        match call.query.iter().find(|(name, _)| name == "digest") {
            Some((_, digest)) => closed.push(digest.clone()),
            None => manifests.push(call.path),
        }
    }
    for mut all in [closed, manifests] {
        let count = all.len();
        all.sort();
        all.dedup();
        assert!(count > 5 && all.len() == count, "{all:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_somebody_deleted_is_made_again_from_what_is_left() {
    let (stage, work) = running("").await;
    let image = stage.image("Deployment", "");
    for copy in copies(&stage, API) {
        stage.google.remove(&copy);
    }
    let seq = stage.google.seq();
    settled(&stage, &work).await;
    let pushed = pushes(&stage, seq);
    assert_eq!(pushed.len(), 2, "two manifests, and no blob: {pushed:#?}");
    assert_eq!(copies(&stage, API).len(), 2);
    assert_eq!(stage.image("Deployment", ""), image);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_tag_was_taken_off_gets_it_back_because_cleanup_goes_by_it() {
    let (stage, work) = running("").await;
    let tagged = |stage: &Stage| {
        let copies = copies(stage, API).into_iter();
        copies
            .filter(|path| stage.google.get(path).is_some_and(|image| image.get("tags").is_some()))
            .collect::<Vec<_>>()
    };
    let [copy] = &tagged(&stage)[..] else { panic!("one of the two has a tag") };
    let mut untagged = stage.google.get(copy).expect("a copy");
    untagged["tags"] = Value::Array(Vec::new());
    untagged["_content"] = "{}".into();
    stage.google.put(copy, untagged);

    settled(&stage, &work).await;
    let image = stage.google.get(copy).expect("a copy");
    assert!(image["tags"][0].as_str().is_some_and(|tag| tag.starts_with("deployed-1.17.1-")), "{image:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_tag_is_copied_before_it_is_rolled_out_and_going_back_copies_nothing() {
    let (stage, work) = running("image_policy: {mode: follow}\n").await;
    let before = stage.image("Deployment", "");
    let pushed = stage.google.push_image(API, TAG, "broken");
    stage.kubernetes.faults().broken_image(&pushed);

    stage.google.add_fault(Fault::new("/manifests/deployed-", FaultKind::Forbidden, 1000).method("PUT"));
    for _ in 0..3 {
        stage.once(&work).await;
        stage.clock.advance(std::time::Duration::from_secs(60));
    }
    let waiting = stage.status(&work).await.plan.waiting;
    let told = |on: &String| on.contains("dify-api:1.17.1 is being copied");
    assert!(waiting.iter().any(|waiting| waiting.on.iter().any(told)), "{waiting:#?}");
    assert_eq!(stage.image("Deployment", ""), before, "what runs does not wait for it");

    stage.google.clear_faults();
    let seq = stage.google.seq();
    settled(&stage, &work).await;
    let digest = pushed.trim_start_matches("sha256:");
    assert!(copies(&stage, API).iter().any(|path| path.ends_with(digest)), "it was copied");
    assert_eq!(stage.image("Deployment", ""), before, "it did not run, and the one before runs again");
    let tags = pushes(&stage, seq).into_iter().filter(|call| call.contains("/manifests/deployed-")).count();
    assert_eq!(tags, 1, "going back copies nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_is_not_what_its_digest_says_is_refused_and_the_image_is_named() {
    let stage = Stage::instant().await;
    stage.google.seed_image(API, TAG);
    let digests = stage.google.paths(&format!("registry-content/{API}/blobs/"));
    let layer = digests.iter().find_map(|path| {
        let digest = path.rsplit('/').next()?;
        let alone =
            stage.google.paths("registry-content/").iter().filter(|other| other.ends_with(digest)).count()
                == 1;
        alone.then_some(digest)
    });
    assert!(stage.google.spoil_blob(API, layer.expect("a blob of its own")));

    let work = stage.save("prod.yaml", MINIMAL).await;
    for _ in 0..20 {
        stage.once(&work).await;
        stage.clock.advance(std::time::Duration::from_secs(60));
    }
    let status = stage.status(&work).await;
    let finding = status.findings.iter().find(|finding| finding.reason == Reason::CallFailed);
    let finding = finding.unwrap_or_else(|| panic!("{:#?}", status.findings));
    assert!(finding.message.contains("langgenius/dify-api:1.17.1"), "{}", finding.message);
    assert!(finding.message.contains("what came for sha256:"), "{}", finding.message);
    let api = copies(&stage, API);
    assert_eq!(api, Vec::<String>::new(), "nothing that is not whole is an image");
    assert!(stage.object("Deployment", "").is_none(), "and nothing runs it");
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_images_run_straight_from_their_sources_and_switched_on_again_from_their_copies() {
    let (stage, _) = running("").await;
    let image = stage.image("Deployment", "");
    let work = stage.save("prod.yaml", &format!("{MINIMAL}enable_image_mirroring: false\n")).await;
    settled(&stage, &work).await;
    let digest = image.rsplit('@').next().expect("a digest");
    assert_eq!(stage.image("Deployment", ""), format!("{API}:{TAG}@{digest}"), "the same image");

    let seq = stage.google.seq();
    let work = stage.save("prod.yaml", MINIMAL).await;
    settled(&stage, &work).await;
    assert_eq!(stage.image("Deployment", ""), image);
    assert_eq!(pushes(&stage, seq), Vec::<String>::new(), "the copies are still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_the_projects_own_registry_stays_where_it_was_built() {
    let stage = Stage::instant().await;
    stage.google.seed_image("demo-project/apps/dify-api", "1");
    let own = "us-docker.pkg.dev/demo-project/apps/dify-api:1";
    let work = stage.save("prod.yaml", &format!("{MINIMAL}container_image: {own}\n")).await;
    settled(&stage, &work).await;
    assert!(stage.image("Deployment", "").starts_with(&format!("{own}@sha256:")));
    assert!(stage.image("Deployment", "-web").starts_with(HOST));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_may_pull_from_the_repository_and_nobody_else_was_let_in() {
    let (stage, _) = running("").await;
    let policies = stage.google.paths("artifactregistry/projects/demo-project/");
    let policy = policies.iter().find(|path| path.ends_with("#iam")).expect("a policy");
    let bindings = stage.google.get(policy).expect("a policy")["bindings"].clone();
    let nodes = "serviceAccount:123456789012-compute@developer.gserviceaccount.com";
    assert_eq!(bindings, serde_json::json!([{"role": "roles/artifactregistry.reader", "members": [nodes]}]));
}
