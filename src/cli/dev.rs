//! `dev`: the service and an embedded cloud, on this machine, with no account.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::http;
use crate::state::status::{Phase, Status};

use super::bells;
use super::progress::{self, Progress};
use super::world::{self, CALLER, SPEC_BUCKET, World};
use super::{FAILED, FINE, Failure};

/// How often the status directory is looked at for the display.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long nothing may have been asked of the embedded cloud before the work counts as done: longer than
/// the first tick takes to arrive.
const QUIET: Duration = Duration::from_millis(1500);

/// The spec that an empty directory begins with.
const EXAMPLE: &str = include_str!("../../infra/examples/minimal.yaml");

/// Arguments of `dev`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  dify-reconciler dev                           then edit ./dev-bucket/example.yaml
  dify-reconciler dev --exit-when-converged     for scripts: 0 converged, 1 stalled
  dify-reconciler dev --kubeconfig kind.conf    with a real cluster")]
pub struct Args {
    /// Directory that is the spec bucket; an example spec is put there when it is empty
    #[arg(long, default_value = "./dev-bucket")]
    bucket_dir: PathBuf,
    #[command(flatten)]
    world: world::Options,
    /// End when every deployment has converged or stalled
    #[arg(long)]
    exit_when_converged: bool,
    /// Project of the embedded cloud; the first spec's when left out
    #[arg(long)]
    project: Option<String>,
}

/// Runs until Ctrl-C, or until everything has converged.
///
/// # Errors
/// When the embedded cloud or the service cannot be started.
pub async fn run(args: Args) -> Result<u8, Failure> {
    std::fs::create_dir_all(&args.bucket_dir)?;
    seed_example(&args.bucket_dir)?;
    let project = args
        .project
        .clone()
        .or_else(|| world::project_of(&args.bucket_dir))
        .unwrap_or_else(|| "demo-project".into());
    let world = World::start(&args.world, &args.bucket_dir, &project)?;
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let door = format!("http://{}", listener.local_addr()?);
    let config = world.config(Some(&door))?;
    let _telemetry = crate::telemetry::init(&config);
    let converger = world::converger(&config);
    let cloud = converger.cloud.clone();
    let app = http::App::new(config, converger)?;
    let service = tokio::spawn(http::serve(app, listener));

    world.google.add_trigger_with_audience(SPEC_BUCKET, &format!("{door}/events"), CALLER, &door);
    bells::hang(&world, &cloud, &door).await?;
    println!("{}", banner(&args, &world, &door, &project));
    let code = tokio::select! {
        code = watch(&args, &world) => code,
        _ = tokio::signal::ctrl_c() => FINE,
        ended = service => {
            ended??;
            FAILED
        }
    };
    world.shut_down()?;
    Ok(code)
}

fn banner(args: &Args, world: &World, door: &str, project: &str) -> String {
    let cluster = match &world.kubernetes {
        Some(kubernetes) => kubernetes.url(),
        None => "the cluster of the kubeconfig".to_owned(),
    };
    format!(
        "service   {door}\ngoogle    {} (embedded, project {project})\ncluster   {cluster}\nspecs     {}\nstatus    {}\n\
         Save a spec there and watch. Ctrl-C ends; the next run finds what this one made.\n",
        world.google.url(),
        args.bucket_dir.display(),
        args.world.state_dir.join("status").display(),
    )
}

/// Puts an example spec into an empty bucket.
fn seed_example(bucket_dir: &Path) -> Result<(), Failure> {
    let specs = std::fs::read_dir(bucket_dir)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| crate::converge::work::is_spec(name));
    if specs.count() == 0 {
        std::fs::write(bucket_dir.join("example.yaml"), EXAMPLE)?;
    }
    Ok(())
}

/// Shows statuses as they change; ends only when asked to.
async fn watch(args: &Args, world: &World) -> u8 {
    let mut progress = Progress::new();
    let mut shown_outputs = std::collections::BTreeMap::new();
    let (mut heard, mut quiet_since) = (world.google.seq(), Instant::now());
    loop {
        let statuses = statuses(&args.world.state_dir);
        for status in &statuses {
            progress.show(status);
            let converged = (status.spec.generation, status.plan.hash.clone());
            if status.phase == Phase::Converged
                && shown_outputs.insert(status.deployment.clone(), converged.clone()) != Some(converged)
            {
                progress.print(&outputs(status, &args.world.state_dir));
            }
        }
        if !world.google.idle() || world.google.seq() != heard {
            (heard, quiet_since) = (world.google.seq(), Instant::now());
        }
        let quiet = quiet_since.elapsed() > QUIET;
        if args.exit_when_converged && quiet && all_ended(&args.bucket_dir, &statuses) {
            let fine = statuses.iter().all(|status| status.phase == Phase::Converged);
            return if fine { FINE } else { FAILED };
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn outputs(status: &Status, state_dir: &Path) -> String {
    let mut lines = vec![format!("{} has converged. Outputs:", status.deployment)];
    lines.extend(status.outputs.iter().map(|(name, value)| format!("  {name} = {value}")));
    let document = state_dir.join(crate::state::status::object_name(&status.deployment));
    lines.push(format!("The whole status: {}", document.display()));
    if !std::io::stdout().is_terminal() {
        return lines.join("\n");
    }
    format!("\n{}\n", lines.join("\n"))
}

fn statuses(state_dir: &Path) -> Vec<Status> {
    let Ok(entries) = std::fs::read_dir(state_dir.join("status")) else { return Vec::new() };
    let mut statuses: Vec<Status> = entries
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .filter_map(|text| serde_json::from_str(&text).ok())
        .collect();
    statuses.sort_by(|a, b| a.deployment.cmp(&b.deployment));
    statuses
}

/// Whether every spec in the bucket has a status that is an end, and is about that very spec.
fn all_ended(bucket_dir: &Path, statuses: &[Status]) -> bool {
    let Ok(entries) = std::fs::read_dir(bucket_dir) else { return false };
    let specs: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    specs.iter().all(|path| {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return true };
        if !crate::converge::work::is_spec(name) {
            return true;
        }
        let ended = |status: &Status| progress::ended(status) && is_about(status, path);
        statuses.iter().any(|status| status.spec.object == name && ended(status))
    })
}

/// Whether a status is about the file as it is now: written after the file was.
fn is_about(status: &Status, file: &Path) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let modified = modified.and_then(|time| Timestamp::try_from(time).ok());
    match (modified, status.observed_at) {
        (Some(modified), Some(observed)) => observed >= modified,
        _ => false,
    }
}
