//! A backup is due: found by looking, made by Jobs, complete with its manifest, tried, and in time removed.

use dify_reconciler::cloud::Precondition;
use dify_reconciler::converge::{Hint, Outcome, Work};
use dify_reconciler::embedded::kubernetes::Delays;
use dify_reconciler::events;
use dify_reconciler::handlers::{self, Motion};
use dify_reconciler::resources::kubernetes::Kind;
use dify_reconciler::slice::Slice;
use dify_reconciler::state::orders::{self, Request};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{MINIMAL, Pace, Stage};

/// A deployment that has converged, an hour before its first backup is due.
async fn deployed(spec: &str) -> (Stage, Work) {
    Stage::standing_at(spec, Pace::Instant).await
}

/// The same with a backup, six hours later, when somebody orders that it be restored.
async fn restoring() -> (Stage, Work) {
    let (stage, work) = deployed(MINIMAL).await;
    until(&stage, "2026-11-23T02:00:07Z");
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    until(&stage, "2026-11-23T08:00:00Z");
    order(&stage, "restore", "20261123T020000Z").await;
    (stage, work)
}

fn until(stage: &Stage, time: &str) {
    let time: jiff::Timestamp = time.parse().expect("a time");
    let left: SignedDuration = time.duration_since(stage.clock.now());
    stage.clock.advance(left.try_into().expect("it is to come"));
}

/// The slots of all complete backups.
pub fn backups(stage: &Stage) -> Vec<String> {
    let paths = stage.google.paths("storage/b/");
    let mut slots: Vec<String> = paths
        .iter()
        .filter_map(|path| path.strip_suffix("/manifest.json")?.rsplit('/').next().map(str::to_owned))
        .filter(|slot| slot.ends_with('Z'))
        .collect();
    slots.sort();
    slots
}

/// Somebody orders a procedure now.
pub async fn order(stage: &Stage, what: &str, of: &str) {
    let request = Request { what: what.into(), of: of.into(), at: stage.clock.now() };
    orders::change(&stage.converger.state, "prod", |orders| orders.request(request.clone()))
        .await
        .expect("orders");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_backup_ends_with_its_manifest_and_is_tried_and_then_nothing_is_written() {
    let (stage, work) = deployed(MINIMAL).await;
    assert_eq!(backups(&stage), Vec::<String>::new(), "nothing was due yet");

    until(&stage, "2026-11-23T02:00:07Z");
    let job = std::time::Duration::from_secs(42);
    stage.kubernetes.set_delays(Delays { job, ..Delays::NONE });
    // The bell of the scheduler, whose work may write nothing but backups.
    let hint = Some(Hint::Backup { slot: "2026-11-23T02:00:00Z".into(), is_order: false });
    let bell = Work { hint, slices: vec![Slice::Backup], cause: "backup due".into(), ..work.clone() };
    let mark = stage.mark();
    assert_eq!(stage.settle(&bell).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert_eq!(backups(&stage), ["20261123T020000Z"]);
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());

    let writes = stage.writes_since(mark);
    let place = |part: &str| {
        let found = writes.iter().position(|write| write.contains(part));
        found.unwrap_or_else(|| panic!("{part}: {writes:#?}"))
    };
    let objects = writes.iter().filter(|write| write.contains("/upload/storage/")).count();
    assert_eq!(objects, 2, "the first object and the last: {writes:#?}");
    assert!(place("020000z-application") < place("020000z-storage"), "rows before what they name");
    assert!(place("020000z-storage") < place("trial-20261123t020000z"), "it is tried");
    assert!(writes.iter().any(|write| write.contains("trial-20261123t020000z")), "it was tried: {writes:#?}");

    let status = stage.status(&work).await;
    let shown = &status.outputs["backups"][0];
    assert_eq!(shown["slot"], "20261123T020000Z");
    assert_eq!(shown["restore_seconds"], 84, "{shown}");
    assert!(shown["verified_at"].is_string());
    assert!(
        stage
            .kubernetes
            .list("Job", "")
            .iter()
            .all(|job| job.pointer("/metadata/labels/component") != Some(&"backup".into()))
    );

    let mark = stage.mark();
    for _ in 0..2 {
        // The same bell again, and the one of the trial.
        assert_eq!(stage.settle(&bell).await, Outcome::Converged);
        assert_eq!(stage.settle(&work).await, Outcome::Converged);
    }
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

/// The work that a call of somebody's own scheduler asks for, by the way of the door.
fn called(kind: &str, deployment: Option<&str>, schedule_time: &str) -> Work {
    let headers = [
        ("x-cloudscheduler", "true"),
        ("x-cloudscheduler-jobname", "nightly"),
        ("x-cloudscheduler-scheduletime", schedule_time),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let body = json!({"kind": kind, "deployment": deployment});
    let envelope = events::open(&headers, body.to_string().as_bytes()).remove(0).expect("it opens");
    match handlers::motion(&events::decode(&envelope).expect("it decodes"), "specs") {
        Motion::ConvergeConcerned(concerned) => concerned.work("prod.yaml"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_names_a_deployment_gets_one_backup_for_each_time_of_its_schedule() {
    let (stage, work) = deployed(MINIMAL).await;
    until(&stage, "2026-11-23T04:00:00Z");
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(backups(&stage), ["20261123T020000Z"], "the spec's own schedule");

    until(&stage, "2026-11-23T10:05:00Z");
    let [first, second] = ["2026-11-23T09:00:00Z", "2026-11-23T11:00:00+01:00"];
    assert_eq!(stage.settle(&called("backup", None, first)).await, Outcome::Converged);
    assert_eq!(backups(&stage).len(), 1, "who names none asks for a look");
    for time in [first, first, second, first, second] {
        assert_eq!(stage.settle(&called("backup", Some("prod"), time)).await, Outcome::Converged);
    }
    assert_eq!(backups(&stage), ["20261123T020000Z", "20261123T090000Z", "20261123T100000Z"]);

    let tried = async || stage.status(&work).await.outputs["backups"][0]["verified_at"].clone();
    assert!(tried().await.is_null(), "a trial is due once a week");
    for _ in 0..2 {
        let call = called("backup-verify", Some("prod"), "2026-11-23T10:04:00Z");
        assert_eq!(stage.settle(&call).await, Outcome::Converged);
        assert!(tried().await.is_string(), "it was ordered");
    }
    let mark = stage.mark();
    for time in [first, "tomorrow", "", "2026-11-23T22:00:00Z"] {
        // What is no time, or not come yet, is a look.
        assert_eq!(stage.settle(&called("backup", Some("prod"), time)).await, Outcome::Converged);
    }
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_bell_is_made_up_for_by_the_next_look_and_once_only() {
    let (stage, work) = deployed(MINIMAL).await;
    until(&stage, "2026-11-25T09:30:00Z");
    let job = std::time::Duration::from_secs(60);
    stage.kubernetes.set_delays(Delays { job, ..Delays::NONE });
    assert_eq!(stage.once(&work).await, Outcome::Pending(std::time::Duration::from_secs(5)));
    let status = stage.status(&work).await;
    let finding = status.findings.iter().find(|finding| finding.message.contains("overdue"));
    assert!(
        finding.is_some_and(|finding| finding.message.contains("20261125T020000Z")),
        "{:#?}",
        status.findings
    );
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(backups(&stage), ["20261125T020000Z"], "what was missed before is not made up for");
    let status = stage.status(&work).await;
    assert!(!status.findings.iter().any(|finding| finding.message.contains("overdue")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_makes_one_now() {
    let (stage, work) = deployed(MINIMAL).await;
    order(&stage, "backup", "").await;
    let slot = dify_reconciler::backup::Slot::at(stage.clock.now()).to_string();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(backups(&stage), [slot]);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_backups_go_and_the_last_good_one_never_does() {
    let (stage, work) = deployed(&format!("{MINIMAL}backup_retention_days: 2\n")).await;
    for day in 23..=26 {
        until(&stage, &format!("2026-11-{day}T02:05:00Z"));
        assert_eq!(stage.settle(&work).await, Outcome::Converged);
    }
    assert_eq!(backups(&stage), ["20261125T020000Z", "20261126T020000Z"]);
    let left = |slot: &str| {
        stage
            .google
            .paths("storage/b/")
            .into_iter()
            .filter(|path| path.contains(&format!("/o/prod/{slot}")))
            .count()
    };
    assert_eq!(left("20261123T020000Z"), 0, "all of it is swept away");

    // Backups fail from now on, for weeks.
    stage.kubernetes.faults().fail_jobs(&format!("{}-backup-2026", stage.namespace()), "no space left");
    until(&stage, "2026-12-20T12:00:00Z");
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let status = stage.status(&work).await;
    assert!(
        status.findings.iter().any(|finding| finding.message.contains("no space left")),
        "{:#?}",
        status.findings
    );
    assert!(backups(&stage).contains(&"20261126T020000Z".to_owned()), "{:?}", backups(&stage));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_makes_a_safety_backup_stops_what_writes_and_is_done_once() {
    let (stage, work) = restoring().await;
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    assert_eq!(backups(&stage), ["20261123T020000Z", "20261123T080000Z"]);
    let writes = stage.writes_since(mark);
    let first = |part: &str| {
        writes.iter().position(|write| write.contains(part)).unwrap_or_else(|| panic!("{part}: {writes:#?}"))
    };
    let restore = first("backup-r-20261123t080000z");
    let stopped =
        writes[..restore].iter().rposition(|write| write.contains("deployments/")).expect("it was stopped");
    assert!(stopped > first("backup-20261123t080000z-application"), "safety first: {writes:#?}");
    assert!(
        writes[restore..].iter().any(|write| write.contains("-migrate-")),
        "the schema is brought up again"
    );
    let api = stage.object("Deployment", "").expect("the API");
    assert_ne!(api.pointer("/spec/replicas"), Some(&Value::from(0)), "it is back");

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_fails_says_that_dify_stands_still_and_can_be_called_off() {
    let (stage, work) = restoring().await;
    stage
        .kubernetes
        .faults()
        .fail_jobs(&format!("{}-backup-r-", stage.namespace()), "relation exists already");
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let replicas = |stage: &Stage| {
        let api = stage.object("Deployment", "").expect("the API");
        api.pointer("/spec/replicas").cloned()
    };
    assert_eq!(replicas(&stage), Some(Value::from(0)));
    let findings = stage.status(&work).await.findings;
    let told = findings.iter().find(|finding| finding.message.contains("Dify stands still"));
    assert!(told.is_some_and(|told| told.help.contains("restore prod --call-off")), "{findings:#?}");
    assert!(!findings.iter().any(|finding| finding.help.contains("keeps running")), "{findings:#?}");

    let called_off = |orders: &mut orders::Orders| {
        orders.call_off("restore");
    };
    orders::change(&stage.converger.state, "prod", called_off).await.expect("orders");
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    assert_ne!(replicas(&stage), Some(Value::from(0)), "it is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_of_nothing_changes_nothing_and_says_so() {
    let (stage, work) = deployed(MINIMAL).await;
    order(&stage, "restore", "20200101T000000Z").await;
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
    let status = stage.status(&work).await;
    assert!(
        status.findings.iter().any(|finding| finding.message.contains("20200101T000000Z")),
        "{:#?}",
        status.findings
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_done_once_and_after_a_safety_backup() {
    let (stage, _) = deployed(MINIMAL).await;
    let import =
        "enable_backup_import: true\nbackup_uri: gs://theirs/old.sql\nacknowledge: [enable_backup_import]\n";
    let work = stage.save("prod.yaml", &format!("{MINIMAL}{import}")).await;
    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await);
    let writes = stage.writes_since(mark);
    let first = |part: &str| {
        writes.iter().position(|write| write.contains(part)).unwrap_or_else(|| panic!("{part}: {writes:#?}"))
    };
    assert!(first("-application") < first("backup-i-"), "{writes:#?}");
    assert_eq!(backups(&stage).len(), 1);

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new(), "left on, it is not done again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_a_bucket_comes_back_with_a_restore() {
    let (stage, work) = deployed(MINIMAL).await;
    let objects = &stage.converger.cloud.objects;
    let (bucket, key) = (format!("{}-storage", stage.namespace()), "privkeys/t/private.pem");
    let content = "the key".to_owned().into();
    objects.write(&bucket, key, content, "text/plain", Precondition::None).await.expect("a key");
    until(&stage, "2026-11-23T02:00:07Z");
    assert_eq!(stage.settle(&work).await, Outcome::Converged);

    objects.delete(&bucket, key, None).await.expect("somebody deletes it");
    until(&stage, "2026-11-23T08:00:00Z");
    order(&stage, "restore", "20261123T020000Z").await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
    let back = objects.read(&bucket, key, None).await.expect("the bucket can be read").expect("it is back");
    assert_eq!(back.content, "the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_was_damaged_is_found_by_its_trial() {
    let (stage, work) = deployed(MINIMAL).await;
    until(&stage, "2026-11-23T02:00:07Z");
    let trial = format!("{}-backup-trial-", stage.namespace());
    stage.kubernetes.faults().hang_jobs(&trial);
    for _ in 0..3 {
        assert!(matches!(stage.once(&work).await, Outcome::Pending(_)), "the trial goes on and on");
        stage.clock.advance(std::time::Duration::from_secs(10));
    }
    let bucket = format!("{}-backups", stage.namespace());
    let (dump, noise) = ("prod/20261123T020000Z/application.dump", "noise".to_owned().into());
    let objects = &stage.converger.cloud.objects;
    objects.write(&bucket, dump, noise, "text/plain", Precondition::None).await.expect("it is damaged");

    stage.kubernetes.faults().clear();
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let status = stage.status(&work).await;
    let said = |finding: &dify_reconciler::condition::Finding| finding.message.contains("it is damaged");
    assert!(status.findings.iter().any(said), "{:#?}", status.findings);
    assert!(status.outputs["backups"][0]["verified_at"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_a_file_that_is_not_there_says_so_and_goes_on_when_it_is() {
    let (stage, _) = deployed(MINIMAL).await;
    let bucket = format!("{}-backups", stage.namespace());
    let import = "enable_backup_import: true\nbackup_uri: old.sql\nacknowledge: [enable_backup_import]\n";
    let work = stage.save("prod.yaml", &format!("{MINIMAL}{import}")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let findings = stage.status(&work).await.findings;
    let missing = format!("gs://{bucket}/old.sql");
    assert!(findings.iter().any(|finding| finding.message.contains(&missing)), "{findings:#?}");

    let (objects, dump) = (&stage.converger.cloud.objects, "SELECT 1;".to_owned().into());
    objects.write(&bucket, "old.sql", dump, "text/plain", Precondition::None).await.expect("it is put there");
    let jobs = stage.kubernetes.list("Job", "");
    let names = jobs.iter().filter_map(|job| job["metadata"]["name"].as_str());
    let job = names.into_iter().find(|name| name.contains("-backup-i-")).expect("an import");
    stage.delete(Kind::Job, job.strip_prefix(&stage.namespace()).expect("ours")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.findings);
}
