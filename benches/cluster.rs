//! The Kubernetes half beside `kubectl apply --server-side` and `kpt live apply`: the same objects, the same real API
//! server. Prints a table, or why it cannot.
//!
//! The objects are those of a converged default deployment. Each round writes them into a namespace of its own and
//! then once more, when there is nothing to do. Nobody waits for anything to become ready: no controller runs.

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "../tests/cluster/clusters.rs"]
#[allow(dead_code, reason = "the cluster suite uses the rest")]
mod clusters;
#[path = "../tests/cluster/controllers.rs"]
#[allow(dead_code, reason = "the cluster suite uses the rest")]
mod controllers;
#[path = "../tests/cluster/foreign.rs"]
#[allow(dead_code, reason = "the cluster suite uses the rest")]
mod foreign;
#[path = "../tests/harness/project.rs"]
mod project;
#[path = "../tests/cluster/stage.rs"]
#[allow(dead_code, unused_imports, reason = "the cluster suite uses the rest")]
mod stage;

#[path = "cluster/objects.rs"]
mod objects;
#[path = "cluster/others.rs"]
mod others;

use std::time::{Duration, Instant};

use objects::Objects;
use stage::Stage;

/// Rounds of each.
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(compare());
}

async fn compare() {
    let Some(cluster) = clusters::real().await else { return };
    let stage = Stage::converged(&cluster, "bench", project::MINIMAL).await;
    let objects = Objects::of(&stage).await;
    println!("| {} objects on a real API server | written | nothing to do |\n|---|---|---|", objects.len());
    let mut ours = Vec::new();
    for round in 0..ROUNDS {
        let copy = objects.in_namespace(&format!("bench-ours-{round}"));
        let began = Instant::now();
        copy.apply(&cluster.ours).await;
        let written = began.elapsed();
        let began = Instant::now();
        assert_eq!(copy.differing(&cluster.ours).await, 0, "everything is as it should be");
        ours.push((written, began.elapsed()));
    }
    row("dify-reconciler", ours);
    for tool in [others::KUBECTL, others::KPT] {
        let Some(version) = tool.version() else {
            println!("| {} | not on this machine | |", tool.name);
            continue;
        };
        let rounds = (0..ROUNDS).map(|round| {
            let namespace = format!("bench-{}-{round}", tool.name.split(' ').next().unwrap_or_default());
            let package = objects.in_namespace(&namespace).package();
            tool.prepare(package.path(), &namespace, &cluster.kubeconfig);
            let once = || {
                let began = Instant::now();
                tool.apply(package.path(), &cluster.kubeconfig);
                began.elapsed()
            };
            (once(), once())
        });
        row(&format!("`{}` {version}", tool.name), rounds.collect());
    }
}

fn row(name: &str, rounds: Vec<(Duration, Duration)>) {
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times.swap_remove(times.len() / 2).as_secs_f64() * 1e3
    };
    let (written, again) = rounds.into_iter().unzip();
    println!("| {name} | {:.0} ms | {:.0} ms |", median(written), median(again));
}
