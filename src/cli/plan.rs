//! `plan`: what would be done for a spec.

use std::path::{Path, PathBuf};

use crate::config::{Config, Purpose};
use crate::converge::execute::Memory;
use crate::converge::{Admission, Converger, Work, scene};
use crate::plan::{Plan, render};

use crate::state::identity::{self, Identity};

use super::world::{self, World};
use super::{CHANGES, FAILED, FINE, Failure, WRONG_INPUT};

/// Stands for a deployment id that was not drawn yet.
const UNDRAWN: &str = "00000000";

/// Arguments of `plan`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  dify-reconciler plan prod.yaml --embedded
  dify-reconciler plan prod.yaml --format markdown > plan.md
  dify-reconciler plan prod.yaml --detailed-exitcode    3 when something would change")]
pub struct Args {
    /// The spec file
    spec: PathBuf,
    /// text, json or markdown
    #[arg(long, default_value = "text", value_parser = ["text", "json", "markdown"])]
    format: String,
    /// Plan against the embedded cloud of --state-dir instead of the configured one
    #[arg(long)]
    embedded: bool,
    #[command(flatten)]
    world: world::Options,
    /// Exit with 3 when something would change
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Prints the plan; changes nothing.
///
/// # Errors
/// When the spec or the clouds cannot be read.
pub async fn run(args: Args) -> Result<u8, Failure> {
    let Some((name, text)) = super::checked_spec(&args.spec)? else { return Ok(WRONG_INPUT) };
    let (converger, _world) = converger(&args)?;
    let Some(plan) = plan(&converger, &name, &text).await? else { return Ok(WRONG_INPUT) };
    match args.format.as_str() {
        "json" => super::print(&format!("{}\n", serde_json::to_string_pretty(&plan)?)),
        "markdown" => super::print(&render::markdown(&plan)),
        _ => super::print(&render::text(&plan)),
    }
    Ok(match plan.has_errors() {
        true => FAILED,
        false if args.detailed_exitcode && changes(&plan) => CHANGES,
        false => FINE,
    })
}

fn changes(plan: &Plan) -> bool {
    !plan.steps.is_empty() || plan.pending.iter().any(|pending| pending.action.is_some())
}

fn converger(args: &Args) -> Result<(Converger, Option<World>), Failure> {
    if !args.embedded {
        return Ok((world::converger(&Config::from_env(Purpose::CommandLine)?), None));
    }
    let project = world::project_in(&args.spec).unwrap_or_else(|| "demo-project".into());
    let bucket = args.spec.parent().filter(|parent| !parent.as_os_str().is_empty());
    let world = World::start(&args.world, bucket.unwrap_or(Path::new(".")), &project)?;
    let converger = world::converger(&world.config(None)?);
    Ok((converger, Some(world)))
}

async fn plan(converger: &Converger, name: &str, text: &str) -> Result<Option<Plan>, Failure> {
    let work = Work::on(name, "plan");
    let identity = match identity::peek(&converger.state, &work.deployment).await? {
        Some(identity) => identity,
        None => {
            eprintln!(
                "note: the deployment id is drawn when the spec is first applied; names show {UNDRAWN}"
            );
            Identity { deployment_id: UNDRAWN.into() }
        }
    };
    // Newer than anything that was ever written: a plan is about a spec that is not in the bucket yet.
    match scene::admit_text(converger, &work, text, i64::MAX, &identity).await? {
        Admission::Admitted(scene) => {
            let (_, plan) = converger.look(&scene, &mut Memory::default()).await;
            Ok(Some(plan))
        }
        Admission::Refused(refusal) => {
            for finding in &refusal.findings {
                eprintln!("{}", render::finding_line(finding));
            }
            Ok(None)
        }
        Admission::Withdrawn => Ok(None),
    }
}
