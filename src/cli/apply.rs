//! `apply`: a spec into the bucket, and converged from here.

use std::path::PathBuf;
use std::time::Duration;

use crate::cloud::objects::{Precondition, WriteError};
use crate::config::{Config, Purpose};
use crate::converge::{Converger, Outcome, Work};
use crate::state::status;

use super::progress::Progress;
use super::{FAILED, FINE, Failure, WRONG_INPUT, world};

/// Arguments of `apply`.
#[derive(clap::Args)]
#[command(after_help = "Example: dify-reconciler apply prod.yaml

The spec is written to SPEC_BUCKET, which also rings the service's bell if one runs: whoever has the
deployment's lease works, the other one waits.")]
pub struct Args {
    /// The spec file
    spec: PathBuf,
    /// Give up after this many seconds; what was begun goes on when it is applied again
    #[arg(long, default_value_t = 3600)]
    timeout_secs: u64,
}

/// Writes the spec and works until it has converged.
///
/// # Errors
/// When the spec cannot be read or the buckets cannot be written.
pub async fn run(args: Args) -> Result<u8, Failure> {
    let Some((name, text)) = super::checked_spec(&args.spec)? else { return Ok(WRONG_INPUT) };
    let config = Config::from_env(Purpose::CommandLine)?;
    let _telemetry = crate::telemetry::init(&config);
    let converger = world::converger(&config);
    put(&converger, &name, &text).await?;
    let work = Work::on(&name, "apply");
    let deadline = Duration::from_secs(args.timeout_secs);
    match tokio::time::timeout(deadline, until_settled(&converger, &work)).await {
        Ok(code) => code,
        Err(_) => {
            eprintln!("error: not converged within {} s; apply again to go on", args.timeout_secs);
            Ok(FAILED)
        }
    }
}

/// Writes the spec object, unless the bucket has the very same text already.
async fn put(converger: &Converger, name: &str, text: &str) -> Result<(), Failure> {
    let bucket = &converger.spec_bucket;
    let live = converger.cloud.objects.read(bucket, name, None).await?;
    if live.as_ref().is_some_and(|object| object.content == text.as_bytes()) {
        return Ok(());
    }
    let precondition =
        live.map_or(Precondition::Absent, |object| Precondition::Generation(object.generation));
    let written = converger
        .cloud
        .objects
        .write(bucket, name, text.to_owned().into(), "application/yaml", precondition)
        .await;
    match written {
        Ok(_) => Ok(()),
        Err(WriteError::Conflict) => {
            Err(format!("{name} was changed in {bucket} meanwhile: look, then apply again").into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn until_settled(converger: &Converger, work: &Work) -> Result<u8, Failure> {
    let mut progress = Progress::new();
    loop {
        let outcome = converger.work(work).await?;
        let (status, _) = status::read(&converger.state, &work.deployment).await?;
        progress.show(&status);
        match outcome {
            Outcome::Converged => {
                progress.print(&super::status::text(&status));
                return Ok(FINE);
            }
            Outcome::Stalled | Outcome::Withdrawn => return Ok(FAILED),
            Outcome::Refused => return Ok(WRONG_INPUT),
            // The command line may write every slice.
            Outcome::HandedOver => {}
            Outcome::Pending(pause) => tokio::time::sleep(pause).await,
            Outcome::Busy(_) => tokio::time::sleep(Duration::from_secs(2)).await,
        }
    }
}
