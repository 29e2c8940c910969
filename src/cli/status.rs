//! `status`: how a deployment stands.

use std::path::PathBuf;

use crate::cloud::Cloud;
use crate::condition::ConditionType;
use crate::config::Config;
use crate::state::status::{self, Phase, Status};
use crate::state::{State, status::object_name};

use super::{FAILED, FINE, Failure, WRONG_INPUT};

/// Arguments of `status`.
#[derive(clap::Args)]
#[command(after_help = "Example: dify-reconciler status prod --state-dir dev-state")]
pub struct Args {
    /// The deployment: its spec file's stem
    name: String,
    /// Read the status from this directory instead of the state bucket
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// text or json
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// Prints the status.
///
/// # Errors
/// When it cannot be read.
pub async fn run(args: Args) -> Result<u8, Failure> {
    let status = match &args.state_dir {
        Some(directory) => from_directory(directory, &args.name)?,
        None => from_bucket(&args.name).await?,
    };
    let Some(status) = status else {
        eprintln!("error: there is no deployment {}", args.name);
        return Ok(WRONG_INPUT);
    };
    if args.format == "json" {
        super::print(&format!("{}\n", serde_json::to_string_pretty(&status)?));
    } else {
        super::print(&text(&status));
    }
    Ok(if matches!(status.phase, Phase::Stalled | Phase::Refused) { FAILED } else { FINE })
}

fn from_directory(directory: &std::path::Path, name: &str) -> Result<Option<Status>, Failure> {
    let path = directory.join(object_name(name));
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&super::read_file(&path)?)?))
}

async fn from_bucket(name: &str) -> Result<Option<Status>, Failure> {
    let config = Config::from_env(crate::config::Purpose::CommandLine)?;
    let cloud = Cloud::connect(&config);
    let state = State::new(cloud.objects.clone(), config.state_bucket);
    let (status, generation) = status::read(&state, name).await?;
    Ok(generation.map(|_| status))
}

/// A status as text: phase, slices, findings, outputs.
pub fn text(status: &Status) -> String {
    let mut lines = vec![format!(
        "{}: {} (generation {})",
        status.deployment,
        format!("{:?}", status.phase).to_lowercase(),
        status.spec.generation
    )];
    for condition in &status.conditions {
        let mark = match condition.kind {
            ConditionType::Ready => "ok",
            ConditionType::Reconciling => "..",
            ConditionType::Stalled => "!!",
        };
        lines.push(format!("  {mark} {:14} {}", condition.slice.name(), condition.message));
    }
    if let Some(approval) = &status.approval {
        lines.push(format!("waits for `dify-reconciler approve {} {}`:", status.deployment, approval.hash));
        lines.extend(approval.steps.iter().map(|step| format!("  {step}")));
    }
    lines.extend(status.findings.iter().map(crate::plan::render::finding_line));
    lines.push("outputs:".into());
    lines.extend(status.outputs.iter().map(|(name, value)| match value {
        serde_json::Value::String(text) => format!("  {name} = {text}"),
        other => format!("  {name} = {other}"),
    }));
    lines.push(String::new());
    lines.join("\n")
}
