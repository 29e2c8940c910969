//! How fast the door is: an event accepted, events a second on one core, memory; beside it a Python receiver that
//! does the same decoding. Prints a table.
//!
//! The service is its own process, on one core where `taskset` is there; the embedded cloud with the queue and
//! whoever rings are this process. Each event carries a token that is verified. The Python receiver
//! (functions-framework, installed into a directory of its own) verifies nothing and queues nothing, so it is
//! compared with events that the door verifies, decodes and has no work for.

#[path = "../tests/door/issuer.rs"]
#[allow(dead_code, reason = "the door's tests use the rest")]
mod issuer;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dify_reconciler::cloud::wire;
use dify_reconciler::embedded::clock::Clock;
use dify_reconciler::embedded::google::{Delays, Options, Server};
use serde_json::json;

use issuer::{Issuer, Token};

const QUEUE: &str = "projects/p/locations/us-central1/queues/dify";
const EVENTS: &str = "events@p.iam.gserviceaccount.com";
/// Events one after another, for the time that one takes.
const ONE_BY_ONE: u64 = 1000;
/// Connections that ring at the same time, for the number a second: fewer than the door takes at once.
const AT_ONCE: usize = 16;
/// How long is rung.
const RINGING: Duration = Duration::from_secs(5);

/// Who is rung, and how.
#[derive(Clone)]
struct Target {
    client: reqwest::Client,
    url: String,
    authorization: String,
    next: Arc<AtomicU64>,
}

impl Target {
    fn new(url: String, authorization: String) -> Self {
        Self {
            client: wire::build_client().expect("a client"),
            url,
            authorization,
            next: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Rings once, for another generation each time; answers how long it took.
    async fn ring(&self, object: &str) -> Duration {
        let generation = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let data = json!({"kind": "storage#object", "bucket": "specs", "name": object, "generation": generation,
            "metageneration": "1", "contentType": "application/yaml", "size": "352", "storageClass": "STANDARD",
            "timeCreated": "2026-11-23T00:00:00.000Z", "updated": "2026-11-23T00:00:00.000Z"});
        let request = self
            .client
            .post(&self.url)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .header("ce-specversion", "1.0")
            .header("ce-id", &generation)
            .header("ce-source", "//storage.googleapis.com/projects/_/buckets/specs")
            .header("ce-type", "google.cloud.storage.object.v1.finalized")
            .header("ce-subject", format!("objects/{object}"))
            .body(data.to_string());
        let began = Instant::now();
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.bytes().await.expect("a whole answer");
        began.elapsed()
    }

    /// Rings on many connections for some seconds; answers how often a second.
    async fn rate(&self, object: &'static str) -> f64 {
        let began = Instant::now();
        let ringing = (0..AT_ONCE).map(|_| {
            let target = self.clone();
            tokio::spawn(async move {
                let mut count = 0_u32;
                while began.elapsed() < RINGING {
                    target.ring(object).await;
                    count += 1;
                }
                count
            })
        });
        let counts = futures::future::join_all(ringing).await;
        let total: u32 = counts.into_iter().map(|count| count.expect("nobody panics")).sum();
        f64::from(total) / began.elapsed().as_secs_f64()
    }

    async fn wait(&self, path: &str) {
        let began = Instant::now();
        let url = format!("{}{path}", self.url.trim_end_matches("/events"));
        while self.client.get(&url).send().await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "{url} does not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(measure());
}

async fn measure() {
    let google =
        Server::start(Options { delays: Delays::none(), ..Options::new(Clock::running(1.0), "p", "1") })
            .expect("an embedded cloud");
    google.seed_queue(QUEUE, 10);
    // What is queued stays there.
    let path = format!("cloudtasks/{QUEUE}");
    let mut queue = google.get(&path).expect("a queue");
    queue["state"] = json!("PAUSED");
    google.put(&path, queue);
    let issuer = Issuer::start();
    let port = free_port();
    let door = format!("http://127.0.0.1:{port}");
    let mut service = service(&google, &issuer, &door, port);
    let target = Target::new(format!("{door}/events"), Token::of(EVENTS, &door).header());
    target.wait("/livez").await;
    target.ring("prod.yaml").await;

    let mut times = Vec::new();
    for _ in 0..ONE_BY_ONE {
        times.push(target.ring("prod.yaml").await);
    }
    times.sort_unstable();
    let place = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e3;
    println!("| what | measured |\n|---|---|");
    println!(
        "| event accepted and queued, one by one | median {:.2} ms, p99 {:.2} ms |",
        place(50),
        place(99)
    );
    let queued = target.rate("prod.yaml").await;
    println!("| events accepted and queued, {} | {queued:.0} a second |", core());
    let decoded = target.rate("notes.txt").await;
    println!("| events verified and decoded, nothing to queue, {} | {decoded:.0} a second |", core());
    println!("| resident memory after that | {:.1} MB |", resident_kib(service.id()) as f64 / 1024.0);
    service.kill().and_then(|()| service.wait()).expect("it ends");
    match python(free_port()) {
        Ok((mut receiver, url)) => {
            let target = Target::new(url, String::new());
            target.wait("/").await;
            target.ring("notes.txt").await;
            let rate = target.rate("notes.txt").await;
            let memory = tree_kib(receiver.id()) as f64 / 1024.0;
            println!(
                "| functions-framework (Python), decoding alone, {} | {rate:.0} a second, {memory:.1} MB |",
                core()
            );
            println!("| the door does so many times as much | {:.1} |", decoded / rate);
            receiver.kill().and_then(|()| receiver.wait()).expect("it ends");
        }
        Err(why) => println!("| functions-framework (Python) | not measured: {why} |"),
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("it").port()
}

fn core() -> &'static str {
    if has("taskset") { "one core" } else { "all cores" }
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// A program on the first core, where that can be had.
fn on_one_core(program: &Path) -> Command {
    if !has("taskset") {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program);
    command
}

fn service(google: &Server, issuer: &Issuer, door: &str, port: u16) -> Child {
    on_one_core(Path::new(env!("CARGO_BIN_EXE_dify-reconciler")))
        .arg("serve")
        .env_remove("KUBECONFIG")
        .envs([
            ("PROJECT_ID", "p-bench"),
            ("SPEC_BUCKET", "specs"),
            ("STATE_BUCKET", "state"),
            ("QUEUE", QUEUE),
            ("SERVICE_URL", door),
            ("TASKS_SERVICE_ACCOUNT", "tasks@p.iam.gserviceaccount.com"),
            ("EVENT_SERVICE_ACCOUNTS", EVENTS),
            ("ENDPOINT_BASE", google.url()),
            ("JWKS_URL", &issuer.url),
            ("LOG", "warn"),
            ("PORT", &port.to_string()),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the service starts")
}

const RECEIVER: &str = r#"
import functions_framework

@functions_framework.cloud_event
def receive(event):
    data = event.data
    if event["type"] != "google.cloud.storage.object.v1.finalized":
        return
    key = f"finalized/{data['bucket']}/{data['name']}/{int(data['generation'])}"
    if data["bucket"] != "specs" or not data["name"].endswith(".yaml"):
        return
    print(key)
"#;

/// The Python receiver, with its own server in one process, and its address.
fn python(port: u16) -> Result<(Child, String), String> {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("receiver");
    let framework = place.join("bin/functions-framework");
    if !framework.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        run(Command::new(place.join("bin/pip")).args(["install", "--quiet", "functions-framework==3.*"]))?;
    }
    std::fs::write(place.join("receiver.py"), RECEIVER).map_err(|error| error.to_string())?;
    let receiver = on_one_core(&framework)
        .args(["--target", "receive", "--signature-type", "cloudevent", "--host", "127.0.0.1"])
        .args(["--source", "receiver.py", "--port", &port.to_string()])
        .current_dir(&place)
        .env("WEB_CONCURRENCY", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    Ok((receiver, format!("http://127.0.0.1:{port}/")))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(text.lines().last().unwrap_or_default().to_owned()) }
}

fn status(process: u32, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    value.trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
}

fn resident_kib(process: u32) -> u64 {
    status(process, "VmRSS:")
}

/// The resident memory of a process and of those that it started, in KiB.
fn tree_kib(process: u32) -> u64 {
    let all = std::fs::read_dir("/proc").expect("the processes").flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = ids.filter(|id| status(*id, "PPid:") == u64::from(process));
    resident_kib(process) + children.map(tree_kib).sum::<u64>()
}
