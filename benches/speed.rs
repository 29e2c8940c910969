//! How fast it is: start, memory, a look that finds nothing to do, planning, an event, a first install. Prints a
//! table.
//!
//! Each figure is the median of several runs of the release build, on this machine, over loopback.

#[path = "../tests/harness/mod.rs"]
mod harness;
#[path = "../tests/door/issuer.rs"]
#[allow(dead_code, reason = "the door's own tests use the rest")]
mod issuer;
#[path = "../tests/door/service.rs"]
#[allow(dead_code, reason = "the door's own tests use the rest")]
mod service;

#[path = "speed/door.rs"]
mod door;
#[path = "speed/install.rs"]
mod install;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dify_reconciler::converge::Outcome;
use dify_reconciler::converge::execute::Memory;
use dify_reconciler::converge::{Admission, Work, scene};
use dify_reconciler::inventory::{Inventory, Sighting};
use dify_reconciler::plan;
use dify_reconciler::resources::{self, Declared, ResourceId};

use harness::{MINIMAL, Stage};

/// Runs of each measurement.
const RUNS: usize = 9;

fn main() {
    let (start, memory_kib) = start();
    println!("| what | measured |\n|---|---|");
    println!("| `serve`: from start to the first 200 | {:.1} ms |", start.as_secs_f64() * 1e3);
    println!("| `serve`: resident memory then | {:.1} MB |", memory_kib as f64 / 1024.0);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(reconcile());
    runtime.block_on(door::measure());
    runtime.block_on(install::measure());
}

fn median<T: Ord>(mut figures: Vec<T>) -> T {
    figures.sort();
    figures.swap_remove(figures.len() / 2)
}

/// Time from starting the service to its first 200, and its resident memory in KiB.
fn start() -> (Duration, u64) {
    let runs: Vec<(Duration, u64)> = (0..RUNS).map(|_| start_once()).collect();
    (median(runs.iter().map(|run| run.0).collect()), median(runs.iter().map(|run| run.1).collect()))
}

fn start_once() -> (Duration, u64) {
    let port =
        std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("it").port();
    let began = Instant::now();
    let mut service = service(port);
    while !answers(port) {
        assert!(began.elapsed() < Duration::from_secs(10), "the service does not come up");
        std::thread::sleep(Duration::from_micros(200));
    }
    let took = began.elapsed();
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", service.id())).expect("the process's status");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let resident = resident.trim().trim_end_matches("kB").trim().parse().expect("a number");
    service.kill().and_then(|()| service.wait()).expect("it ends");
    (took, resident)
}

fn service(port: u16) -> Child {
    Command::new(env!("CARGO_BIN_EXE_dify-reconciler"))
        .arg("serve")
        .env_clear()
        .envs([
            ("PROJECT_ID", "demo-project"),
            ("SPEC_BUCKET", "demo-specs"),
            ("STATE_BUCKET", "demo-state"),
            ("QUEUE", "projects/demo-project/locations/us-central1/queues/dify"),
            ("SERVICE_URL", "http://127.0.0.1"),
            ("TASKS_SERVICE_ACCOUNT", "tasks@demo-project.iam.gserviceaccount.com"),
            ("EVENT_SERVICE_ACCOUNTS", "events@demo-project.iam.gserviceaccount.com"),
            ("PORT", &port.to_string()),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the service starts")
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let sent = stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    sent.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

/// A look at the converged default deployment, and planning it as it is and a thousand resources strong.
async fn reconcile() {
    let stage = Stage::instant().await;
    let work = stage.save("prod.yaml", MINIMAL).await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let scene = admitted(&stage, &work).await;
    let (seen, _) = stage.converger.look(&scene, &mut Memory::default()).await;
    let declared = resources::declare(&scene.context(&seen));

    let mark = stage.mark();
    assert_eq!(stage.once(&work).await, Outcome::Converged);
    let (calls, writes) = (stage.calls_since(mark), stage.writes_since(mark).len());
    let ratio = calls as f64 / declared.len() as f64;
    println!(
        "| reconcile with nothing to do, {} resources | {calls} calls ({ratio:.2} a resource), {writes} writes |",
        declared.len()
    );
    let declaring = timed(|| resources::declare(&scene.context(&seen)).len());
    println!("| declaring {} resources | {:.1} ms |", declared.len(), declaring.as_secs_f64() * 1e3);
    let (many, seen) = thousand(&declared, &seen);
    let planning = timed(|| plan::plan(&many, &seen, i64::MAX).unchanged);
    println!("| planning {} resources, nothing to do | {:.1} ms |", many.len(), planning.as_secs_f64() * 1e3);
}

async fn admitted(stage: &Stage, work: &Work) -> dify_reconciler::converge::Scene {
    match scene::admit(&stage.converger, work).await.expect("the spec can be read") {
        Admission::Admitted(scene) => *scene,
        _ => panic!("the spec is not admitted"),
    }
}

fn timed<T>(mut work: impl FnMut() -> T) -> Duration {
    let runs = (0..RUNS).map(|_| {
        let began = Instant::now();
        std::hint::black_box(work());
        began.elapsed()
    });
    median(runs.collect())
}

/// The deployment again and again under other names, until there are a thousand resources.
fn thousand(declared: &[Declared], seen: &Inventory) -> (Vec<Declared>, Inventory) {
    let (mut many, mut sightings) = (Vec::new(), Inventory::default());
    let mut copy = 0;
    while many.len() < 1000 {
        copy += 1;
        let renamed = |id: &ResourceId| ResourceId { kind: id.kind, name: format!("{}-{copy}", id.name) };
        for resource in declared {
            let sighting = seen.body(&resource.id).cloned().map_or(Sighting::Absent, Sighting::Present);
            sightings.note(renamed(&resource.id), sighting);
            many.push(Declared {
                id: renamed(&resource.id),
                needs: resource.needs.iter().map(renamed).collect(),
                ..resource.clone()
            });
        }
    }
    (many, sightings)
}
