//! Each handler from the door to the status: an event arrives as it really looks, and three things are kept as they came
//! out: the plan that it comes to, the traffic that it makes to both clouds, and the status afterwards.
//!
//! The traffic is sorted: calls of one round go side by side. Reads are told once however often they are made, writes with
//! their number. What differs from run to run is taken out of all three.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;
use std::time::Duration;

use dify_reconciler::converge::execute::Memory;
use dify_reconciler::converge::{Admission, Work, scene};
use dify_reconciler::plan::render;
use dify_reconciler::state::status::Status;
use regex::Regex;
use serde_json::{Value, json};

use crate::door::{Door, Sample};
use crate::harness::{MINIMAL, Mark, Stage};
use crate::rotating::{add_version, make_secret};

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
/// A deployment whose names are the same in every run.
const NAMED: &str = "deployment_id: 0a1b2c3d\n";
const IMAGE: &str = "us-docker.pkg.dev/demo-project/apps/dify-api";

/// A converged deployment behind a door.
async fn standing(more: &str, prepare: impl FnOnce(&Stage)) -> (Stage, Door, Work) {
    let mut stage = Stage::instant().await;
    prepare(&stage);
    let door = Door::open(&mut stage).await;
    let work = stage.converged(&format!("{MINIMAL}{NAMED}{more}")).await;
    (stage, door, work)
}

/// Rings, looks at what is queued and at the plan of it, lets the queue do it, and keeps what came out.
async fn rung(name: &str, stage: &Stage, door: &Door, sample: Sample) {
    door.hold_queue(stage, true);
    door.ring(stage, &sample).await;
    let queued = door.queued(stage);
    let [errand] = &queued[..] else { panic!("{name}: one work is queued: {queued:#?}") };
    let work = &errand.work;
    let slices: Vec<&str> = work.slices.iter().map(|slice| slice.name()).collect();
    let mut plan =
        format!("cause: {}\nmay write: {}\nhint: {:?}\n\n", work.cause, slices.join(", "), work.hint);
    plan.push_str(&planned(stage, work).await);

    let mark = stage.mark();
    door.hold_queue(stage, false);
    door.work_for(stage, HOUR).await;
    let status = stage.status(work).await;
    insta::assert_snapshot!(format!("{name}-plan"), steady(&plan));
    insta::assert_snapshot!(format!("{name}-traffic"), traffic(stage, mark));
    insta::assert_snapshot!(format!("{name}-status"), told(status));
}

/// What the work would do first, by a look of its own that writes nothing.
async fn planned(stage: &Stage, work: &Work) -> String {
    match scene::admit(&stage.converger, work).await.expect("the buckets can be read") {
        Admission::Admitted(scene) => {
            let (_, plan) = stage.converger.look(&scene, &mut Memory::default()).await;
            render::text(&plan)
        }
        Admission::Refused(_) => "the spec is refused\n".into(),
        Admission::Withdrawn => "the spec is gone\n".into(),
    }
}

fn traffic(stage: &Stage, mark: Mark) -> String {
    let mut reads: BTreeMap<String, usize> = BTreeMap::new();
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    let google = stage.google_requests_since(mark).into_iter().map(|request| {
        let name = request.query.iter().find(|(name, _)| name == "name").map(|(_, value)| value.clone());
        let path = format!(
            "{}{}{}",
            request.host,
            request.path,
            name.map(|name| format!("?name={name}")).unwrap_or_default()
        );
        (request.write, format!("{} {path}", request.method))
    });
    let kubernetes = stage
        .kubernetes_requests_since(mark)
        .into_iter()
        .map(|(write, method, path)| (write, format!("{method} kubernetes{path}")));
    for (write, line) in google.chain(kubernetes) {
        *if write { &mut writes } else { &mut reads }.entry(steady(&line)).or_default() += 1;
    }
    // How often the lease and the status are written, and the work is told, depends on how often is looked.
    let counted = |line: &str| !line.contains("/b/state/") && !line.contains("cloudtasks.");
    let mut text = String::from("writes\n");
    for (line, count) in &writes {
        let times = if counted(line) { format!("{count} × ") } else { String::new() };
        let _ = writeln!(text, "  {times}{line}");
    }
    text.push_str("reads\n");
    for line in reads.keys() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// The status without what says when and what only this run has.
fn told(status: Status) -> String {
    let mut body = serde_json::to_value(status).expect("JSON");
    for field in ["observed_at", "operations"] {
        body.as_object_mut().expect("an object").remove(field);
    }
    // What was there before the event is not told again; the first entries are about it.
    for entry in body["history"].as_array_mut().into_iter().flatten() {
        entry["at"] = json!("TIME");
    }
    let history: Vec<Value> = body["history"].as_array().cloned().unwrap_or_default();
    let new = history.iter().take_while(|entry| entry["cause"] != "test").cloned().collect::<Vec<_>>();
    body["history"] = new.into();
    steady(&format!("{body:#}\n"))
}

/// What is drawn, counted or measured, and what stands in its place.
static UNSTEADY: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        (r"sha256:[0-9a-f]{64}", "sha256:DIGEST"),
        (r"\b[0-9a-f]{64}\b", "HASH"),
        (r"\b[0-9a-f]{40}\b", "HASH"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
        (r"127\.0\.0\.1:\d+", "HOST"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "TIME"),
        (r"\b\d{9,}\b", "NUMBER"),
    ];
    rules.map(|(pattern, put)| (Regex::new(pattern).expect("a pattern"), put)).into()
});

/// A text without what is drawn, counted or measured.
fn steady(text: &str) -> String {
    let put = |text: String, (pattern, put): &(Regex, &str)| pattern.replace_all(&text, *put).into_owned();
    UNSTEADY.iter().fold(text.to_owned(), put)
}

#[tokio::test(flavor = "multi_thread")]
async fn spec_committed() {
    let (stage, door, _) = standing("", |_| {}).await;
    stage.save("prod.yaml", &format!("{MINIMAL}{NAMED}max_instance_count: 5\n")).await;
    let sample = Sample::read("spec_committed/binary").about(&[("acme-dify-specs", "specs")]);
    rung("spec_committed", &stage, &door, sample).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spec_withdrawn() {
    let (stage, door, _) = standing("", |_| {}).await;
    stage.withdraw("prod.yaml").await;
    let sample = Sample::read("spec_withdrawn/binary-deleted").about(&[("acme-dify-specs", "specs")]);
    rung("spec_withdrawn", &stage, &door, sample).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_due() {
    let (stage, door, _) = standing("backup_schedule: ''\n", |_| {}).await;
    stage.clock.advance(30 * DAY);
    let now = stage.clock.now().to_string();
    let sample = Sample::read("rotation_due/push").about(&[("2026-10-01T12:00:19.301482-07:00", &now)]);
    rung("rotation_due", &stage, &door, sample).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_changed() {
    let (stage, door, _) = standing("", |_| {}).await;
    make_secret(&stage, "team-smtp", "first").await;
    let text = format!("{MINIMAL}{NAMED}secret_environment_variables: {{SMTP_PASSWORD: team-smtp}}\n");
    stage.converged(&text).await;
    add_version(&stage, "team-smtp", "second").await;
    let ours = "appdifydemo0a1b2c3d-db-password-a";
    let sample = Sample::read("secret_changed/push-version-added").about(&[(ours, "team-smtp")]);
    rung("secret_changed", &stage, &door, sample).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn image_pushed() {
    let (stage, door, _) = standing("image_policy: {mode: follow}\n", |_| {}).await;
    stage.google.push_image("langgenius/dify-api", "1.17.1", "another");
    rung("image_pushed", &stage, &door, Sample::read("image_pushed/push-tagged")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn image_built() {
    let text = format!("container_image: {IMAGE}:stable\nimage_policy: {{mode: follow}}\n");
    let seed = |stage: &Stage| {
        stage.google.seed_image("demo-project/apps/dify-api", "stable");
    };
    let (stage, door, _) = standing(&text, seed).await;
    let digest = stage.google.push_image("demo-project/apps/dify-api", "stable", "built");
    let id = "0b3ee4f2-7e10-4a63-9a4e-5f6f9d1c2a77";
    stage.google.seed_build(json!({
        "name": format!("projects/demo-project/locations/europe-west1/builds/{id}"), "id": id,
        "projectId": "demo-project", "status": "SUCCESS", "createTime": stage.clock.now().to_string(),
        "results": {"images": [{"name": format!("{IMAGE}:stable"), "digest": digest}]},
    }));
    rung("image_built", &stage, &door, Sample::read("image_built/push-success")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rollout_promoted() {
    const PIPELINE: &str = "projects/demo-project/locations/us-central1/deliveryPipelines/dify";
    let text = format!(
        "container_image: {IMAGE}:1\nenable_cloud_deploy: true\ndelivery_pipeline: dify\n\
         gateway_backend_stage: prod\ncloud_deploy_stages: [{{name: prod, target_name: prod, \
         require_approval: true}}]\nenable_cicd_trigger: true\n\
         github_repository_url: https://github.com/a/b\ngithub_app_installation_id: 1\n"
    );
    let seed = |stage: &Stage| {
        stage.google.seed_image("demo-project/apps/dify-api", "1");
        stage.google.seed_delivery(json!({ "name": PIPELINE }));
    };
    let (stage, door, _) = standing(&text, seed).await;
    let digest = stage.google.push_image("demo-project/apps/dify-api", "1", "promoted");
    let now = stage.clock.now().to_string();
    stage.google.seed_delivery(json!({
        "name": format!("{PIPELINE}/releases/one"), "renderState": "SUCCEEDED",
        "buildArtifacts": [{"image": "dify-api", "tag": format!("{IMAGE}@{digest}")}],
    }));
    stage.google.seed_delivery(json!({
        "name": format!("{PIPELINE}/releases/one/rollouts/one-1"), "targetId": "prod", "state": "SUCCEEDED",
        "approvalState": "APPROVED", "createTime": now, "approveTime": now, "deployEndTime": now,
    }));
    rung("rollout_promoted", &stage, &door, Sample::read("rollout_promoted/push-succeeded")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_due() {
    let (stage, door, _) = standing("", |_| {}).await;
    let due: jiff::Timestamp = "2026-11-24T02:00:05Z".parse().expect("a time");
    stage.clock.advance(Duration::try_from(due.duration_since(stage.clock.now())).expect("it is to come"));
    let sample =
        Sample::read("backup_due/scheduler").about(&[("2026-10-01T02:00:00+02:00", "2026-11-24T02:00:00Z")]);
    rung("backup_due", &stage, &door, sample).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resync_tick() {
    let (stage, door, _) = standing("", |_| {}).await;
    stage.delete(dify_reconciler::resources::kubernetes::Kind::Deployment, "-web").await;
    rung("resync_tick", &stage, &door, Sample::read("resync_tick/scheduler")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_entry() {
    let (stage, door, _) = standing("", |_| {}).await;
    let path = "storage/b/appdifydemo0a1b2c3d-storage";
    let mut bucket = stage.google.get(path).expect("Dify's bucket");
    bucket["versioning"]["enabled"] = json!(false);
    stage.google.put(path, bucket);
    rung("audit_entry", &stage, &door, Sample::read("audit_entry/binary-bucket-updated")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_changed() {
    let domain = "enable_custom_domain: true\napplication_domains: [dify.example.com]\n";
    let (stage, door, _) = standing(domain, |stage| stage.google.point_dns("dify.example.com")).await;
    let ours = stage.google.paths("certificatemanager/projects/demo-project/locations/global/certificates/");
    let certificate =
        ours.first().expect("a certificate").trim_start_matches("certificatemanager/").to_owned();
    stage.google.remove(&format!("certificatemanager/{certificate}"));
    let sample = Sample::read("certificate_changed/binary-deleted");
    let short = certificate.rsplit('/').next().expect("a name").to_owned();
    let sample = sample.about(&[("appdifydemo0a1b2c3d-dify-example-com", &short)]);
    rung("certificate_changed", &stage, &door, sample).await;
}
