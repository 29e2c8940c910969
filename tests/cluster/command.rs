//! The binary itself, with the cluster of a kubeconfig.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dify_reconciler::resources::kubernetes::Kind;
use serde_json::{Value, json};

use crate::clusters::Cluster;
use crate::controllers;

/// The deployment, which is the spec file's stem.
const DEPLOYMENT: &str = "from-a-file";

/// How long a run may take, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(75);

pub async fn a_kubeconfig_is_enough_to_converge_and_a_second_run_writes_nothing(cluster: Cluster) {
    let folder = tempfile::tempdir().expect("a directory");
    let specs = folder.path().join("specs");
    fs::create_dir(&specs).expect("a directory");
    fs::write(specs.join(format!("{DEPLOYMENT}.yaml")), "project_id: demo-project\n").expect("a spec");

    let playing = controllers::start(cluster.theirs.clone(), DEPLOYMENT);
    let said = converges(&cluster, folder.path()).await;
    playing.abort();
    assert!(said.contains("has converged. Outputs:"), "{said}");
    let status = status(folder.path());
    assert_eq!(status["phase"], "converged", "{status:#}");
    let namespace = status["outputs"]["namespace"].as_str().unwrap_or_else(|| panic!("{status:#}"));
    let before = cluster.theirs.versions(namespace).await;
    assert!(before.len() > 30, "a whole deployment: {before:#?}");
    let gateways = cluster.theirs.list(Kind::Gateway, namespace).await;
    assert_eq!(gateways.len(), 1, "the front door");

    converges(&cluster, folder.path()).await;
    assert_eq!(before, cluster.theirs.versions(namespace).await);

    // So that the run before is known to have looked: the next one sees what somebody has done.
    let (kind, most) = (Kind::HorizontalPodAutoscaler, json!({"spec": {"maxReplicas": 77}}));
    cluster.theirs.edit(kind, namespace, namespace, most).await;
    converges(&cluster, folder.path()).await;
    let scaler = cluster.theirs.get(kind, namespace, namespace).await.expect("it is still there");
    assert_eq!(scaler["spec"]["maxReplicas"], 3);
}

/// Runs until everything has converged; what it said.
async fn converges(cluster: &Cluster, folder: &Path) -> String {
    let (kubeconfig, folder) = (cluster.kubeconfig.clone(), folder.to_owned());
    let run = tokio::task::spawn_blocking(move || run(&kubeconfig, &folder));
    let (code, said) = run.await.expect("the run is watched");
    assert_eq!(code, Some(0), "{said}");
    said
}

/// The exit code, `None` when it had to be stopped, and what was said.
fn run(kubeconfig: &Path, folder: &Path) -> (Option<i32>, String) {
    let log = folder.join("log");
    let file = File::create(&log).expect("a log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_dify-reconciler"))
        .args(["dev", "--exit-when-converged", "--speed", "600"])
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("--bucket-dir")
        .arg(folder.join("specs"))
        .arg("--state-dir")
        .arg(folder.join("state"))
        .stdin(Stdio::null())
        .stderr(file.try_clone().expect("a log"))
        .stdout(file)
        .spawn()
        .expect("the binary can be run");
    let began = Instant::now();
    let code = loop {
        match child.try_wait().expect("the run can be watched") {
            Some(status) => break status.code(),
            None if began.elapsed() > PATIENCE => {
                let _ = child.kill().and_then(|()| child.wait());
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    };
    (code, fs::read_to_string(&log).unwrap_or_default())
}

fn status(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join(format!("state/status/{DEPLOYMENT}.json"))).expect("a status");
    serde_json::from_str(&text).expect("a status is JSON")
}
