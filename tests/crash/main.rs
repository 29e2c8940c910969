//! Dying: the process ends before or after any single call that changes something, and is started again.
//!
//! A read changes nothing, so the worlds that a death can leave behind are the worlds between two writes:
//! dying before and after each write covers them all. How many of those deaths are played, and how to play all of
//! them, [`scenario`] says.

#[path = "../harness/mod.rs"]
mod harness;

mod backup;
mod death;
mod scenario;
mod slots;

use std::time::Duration;

use base64::Engine;
use dify_reconciler::converge::Outcome;

use harness::{MINIMAL, Stage};
use scenario::Scenario;

/// Fixed names, so that two worlds can be compared.
fn spec(more: &str) -> String {
    format!("{MINIMAL}deployment_id: crash001\n{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_install_survives_every_death() {
    Scenario { spec: Some(spec("")), ..Scenario::default() }.survives_every_death().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_upgrade_survives_every_death() {
    let before = Some(spec("application_version: 1.17.0\n"));
    let spec = Some(spec("application_version: 1.17.1\n"));
    Scenario { before, spec, ..Scenario::default() }.survives_every_death().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_scale_survives_every_death() {
    let before = Some(spec(""));
    let spec = Some(spec("max_instance_count: 6\nworker: {replicas: 2}\n"));
    Scenario { before, spec, ..Scenario::default() }.survives_every_death().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_keeps_everything_survives_every_death() {
    let before = Some(spec(""));
    Scenario { before, end: Outcome::Withdrawn, ..Scenario::default() }.survives_every_death().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_a_deployment_down_survives_every_death() {
    let before = Some(spec("deploy_application: false\ndeletion_policy: destroy\n"));
    // Data is left, and waits for somebody's approval.
    Scenario { before, end: Outcome::Stalled, ..Scenario::default() }.survives_every_death().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_the_database_password_survives_every_death() {
    // A short drain: what is waited for there changes nothing, and each look costs.
    let due = spec(
        "enable_auto_password_rotation: true\nsecret_rotation_period: 86400s\nrotation_propagation_delay_sec: 5\n",
    );
    Scenario {
        before: Some(due.clone()),
        ago: Duration::from_secs(25 * 3600),
        spec: Some(due),
        is_long: true,
        // What the worlds are compared without: contents.
        also: |stage| assert!(stage.pods_log_in(), "the pods cannot log in"),
        ..Scenario::default()
    }
    .survives_every_death()
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_redis_password_and_of_keys_between_components_survives_every_death() {
    let spec = spec("rotation_propagation_delay_sec: 5\n");
    let event: fn(&Stage) = |stage| {
        add_version(stage, "redis-password", "RotatedRedisPassword");
        add_version(stage, "code-execution-api-key", "RotatedSandboxKey");
        add_version(stage, "plugin-daemon-key", "RotatedDaemonKey");
        add_version(stage, "inner-api-key-for-plugin", "RotatedInnerKey");
    };
    let (before, event) = (Some(spec.clone()), Some(event));
    let ago = Duration::from_secs(3600);
    let also: fn(&Stage) = |stage| assert!(stage.pods_log_in(), "the pods cannot log in");
    Scenario { before, ago, spec: Some(spec), event, is_long: true, also, ..Scenario::default() }
        .survives_every_death()
        .await;
}

/// Somebody adds the second version of a generated secret.
fn add_version(stage: &Stage, suffix: &str, content: &str) {
    let paths = stage.google.paths("secretmanager/");
    let secret = paths.into_iter().find(|path| path.ends_with(&format!("-{suffix}"))).expect("a secret");
    let first = stage.google.get(&format!("{secret}/versions/1")).expect("a version");
    let name = first["name"].as_str().expect("a name").trim_end_matches('1').to_owned();
    let data = base64::engine::general_purpose::STANDARD.encode(content);
    let added = serde_json::json!({"name": format!("{name}2"), "state": "ENABLED", "etag": "\"added\"",
        "createTime": stage.clock.now().to_string(), "replicationStatus": {"automatic": {}}, "_payload": data,
        "_crc32c": crc32c::crc32c(content.as_bytes()).to_string(), "clientSpecifiedPayloadChecksum": false});
    stage.google.put(&format!("{secret}/versions/2"), added);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_rolled_out_and_taken_back_survives_every_death() {
    let spec = spec("image_policy: {mode: follow}\ndeployment_timeout: 600\n");
    let event: fn(&Stage) = |stage| {
        let pushed = stage.google.push_image("langgenius/dify-api", "1.17.1", "broken");
        stage.kubernetes.faults().broken_image(&pushed);
    };
    let (before, event) = (Some(spec.clone()), Some(event));
    Scenario { before, spec: Some(spec), event, is_long: true, ..Scenario::default() }
        .survives_every_death()
        .await;
}
