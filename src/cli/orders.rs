//! `approve`, `pause`, `resume`, `rotate`: what people order for a deployment, written to the state bucket.

use std::path::PathBuf;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::cloud::Cloud;
use crate::config::{Config, Purpose};
use crate::rotation::wish;
use crate::slice::Slice;
use crate::state::State;
use crate::state::orders::{self, Approval, Orders, Pause, Request};
use crate::state::status::{self, Status};

use super::{FINE, Failure, WRONG_INPUT};

/// Where the state is.
#[derive(clap::Args)]
pub struct Place {
    /// Use this directory as the state bucket, as `dev` does
    #[arg(long)]
    pub state_dir: Option<PathBuf>,
}

/// Arguments of `approve`.
#[derive(clap::Args)]
#[command(after_help = "Example: dify-reconciler approve prod 5f2c9c… --state-dir dev-state

The hash is in the status, beside the steps that wait for it. A plan that has changed since has another hash.")]
pub struct ApproveArgs {
    /// The deployment: its spec file's stem
    name: String,
    /// The hash of the plan, as the status shows it
    hash: String,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `pause`.
#[derive(clap::Args)]
#[command(
    after_help = "Example: dify-reconciler pause prod --slice workload --for 2h --reason 'release freeze'"
)]
pub struct PauseArgs {
    /// The deployment: its spec file's stem
    name: String,
    /// Only this slice
    #[arg(long, value_parser = slice)]
    slice: Option<Slice>,
    /// How long: 30m, 2h, 1d; until `resume` when it is not given
    #[arg(long = "for", value_parser = duration)]
    duration: Option<SignedDuration>,
    /// Why, for whoever reads the status
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `resume`.
#[derive(clap::Args)]
#[command(after_help = "Example: dify-reconciler resume prod --slice workload")]
pub struct ResumeArgs {
    /// The deployment: its spec file's stem
    name: String,
    /// Only the pause of this slice
    #[arg(long, value_parser = slice)]
    slice: Option<Slice>,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `rotate`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  dify-reconciler rotate prod                       the database password, without a failed login
  dify-reconciler rotate prod plugin-daemon-key     the key that API and plugin daemon share

No call is refused meanwhile: Redis takes two passwords, and what knows one key only gets a second server beside it.
SECRET_KEY is never rotated.")]
pub struct RotateArgs {
    /// The deployment: its spec file's stem
    name: String,
    /// The secret, by its id or the end of it; the database password when it is not given
    secret: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Orders a rotation; the next look begins it.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn rotate(args: RotateArgs) -> Result<u8, Failure> {
    let of = args.secret.unwrap_or_default();
    let what = if of.is_empty() { "the database password".to_owned() } else { of.clone() };
    let order = Request { what: wish::ORDER.into(), of, at: Timestamp::now() };
    let code = request(&args.place, &args.name, order).await?;
    if code == FINE {
        super::print(&format!("{}: {what} is to be rotated; the next look begins it\n", args.name));
    }
    Ok(code)
}

/// Approves the plan that waits for it.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn approve(args: ApproveArgs) -> Result<u8, Failure> {
    let desk = Desk::of(&args.place)?;
    let Some(kept) = desk.status(&args.name).await? else { return unknown(&args.name) };
    let waiting = kept.approval.as_ref().map(|approval| approval.hash.as_str()).unwrap_or_default();
    if waiting != args.hash {
        let waits =
            if waiting.is_empty() { "no plan waits for one".into() } else { format!("{waiting} waits") };
        eprintln!("error: no plan of {} has the hash {}: {waits}", args.name, args.hash);
        eprintln!("  Look at it with `dify-reconciler status {}`, and approve what it shows.", args.name);
        return Ok(WRONG_INPUT);
    }
    let by = std::env::var("USER").unwrap_or_default();
    let (hash, wanted) = (args.hash.clone(), kept.approval.unwrap_or_default());
    let approval =
        Approval { hash, covers: wanted.steps, generation: wanted.generation, at: Timestamp::now(), by };
    desk.change(&args.name, |orders| orders.approve(approval.clone())).await?;
    super::print(&format!("approved {} of {}; the next look carries it out\n", args.hash, args.name));
    Ok(FINE)
}

/// Pauses a deployment or a slice of it.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn pause(args: PauseArgs) -> Result<u8, Failure> {
    let desk = Desk::of(&args.place)?;
    if desk.status(&args.name).await?.is_none() {
        return unknown(&args.name);
    }
    let at = Timestamp::now();
    let until = args.duration.map(|duration| at.checked_add(duration)).transpose()?;
    let pause = Pause { slice: args.slice, until, reason: args.reason, at };
    desk.change(&args.name, |orders| orders.pause_for(pause.clone())).await?;
    let what = args.slice.map_or("everything", Slice::name);
    let end = until.map_or("until it is resumed".to_owned(), |until| format!("until {until}"));
    super::print(&format!("{}: {what} is paused {end}\n", args.name));
    Ok(FINE)
}

/// Ends a pause.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn resume(args: ResumeArgs) -> Result<u8, Failure> {
    let desk = Desk::of(&args.place)?;
    let was = desk.orders(&args.name).await?;
    if !was.pauses.iter().any(|pause| pause.slice == args.slice) {
        let what = args.slice.map_or("everything", Slice::name);
        eprintln!("error: there is no pause of {what} of {} to end", args.name);
        return Ok(WRONG_INPUT);
    }
    desk.change(&args.name, |orders| {
        orders.resume(args.slice);
    })
    .await?;
    super::print(&format!("{}: resumed\n", args.name));
    Ok(FINE)
}

/// Orders and status: in the state bucket of the environment, or in the directory that stands for it.
enum Desk {
    Bucket(State),
    Directory(PathBuf),
}

impl Desk {
    fn of(place: &Place) -> Result<Self, Failure> {
        if let Some(directory) = &place.state_dir {
            return Ok(Self::Directory(directory.clone()));
        }
        let config = Config::from_env(Purpose::CommandLine)?;
        if config.state_bucket.is_empty() {
            return Err("no state bucket: set STATE_BUCKET, or give --state-dir".into());
        }
        Ok(Self::Bucket(State::new(Cloud::connect(&config).objects.clone(), config.state_bucket)))
    }

    /// The status of a deployment, when there is such a deployment.
    async fn status(&self, name: &str) -> Result<Option<Status>, Failure> {
        match self {
            Self::Bucket(state) => {
                let (status, generation) = status::read(state, name).await?;
                Ok(generation.map(|_| status))
            }
            Self::Directory(directory) => file(&directory.join(status::object_name(name))),
        }
    }

    async fn orders(&self, name: &str) -> Result<Orders, Failure> {
        match self {
            Self::Bucket(state) => Ok(orders::read(state, name).await?),
            Self::Directory(directory) => {
                Ok(file(&directory.join(orders::object_name(name)))?.unwrap_or_default())
            }
        }
    }

    async fn change(&self, name: &str, change: impl Fn(&mut Orders)) -> Result<(), Failure> {
        match self {
            Self::Bucket(state) => Ok(orders::change(state, name, change).await.map(drop)?),
            Self::Directory(directory) => {
                let mut orders = self.orders(name).await?;
                change(&mut orders);
                let path = directory.join(orders::object_name(name));
                std::fs::create_dir_all(path.parent().unwrap_or(directory))?;
                // Renamed into its place, so that the running service never reads half of it.
                let part = path.with_extension("json.tmp");
                std::fs::write(&part, serde_json::to_vec_pretty(&orders)?)?;
                Ok(std::fs::rename(part, path)?)
            }
        }
    }
}

/// Notes that a procedure is to be begun, for the commands that begin one.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn request(place: &Place, name: &str, request: Request) -> Result<u8, Failure> {
    let desk = Desk::of(place)?;
    if desk.status(name).await?.is_none() {
        return unknown(name);
    }
    desk.change(name, |orders| orders.request(request.clone())).await?;
    Ok(FINE)
}

/// Takes back what was requested of a procedure. Says whether there was anything.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn call_off(place: &Place, name: &str, what: &str) -> Result<bool, Failure> {
    let desk = Desk::of(place)?;
    if desk.orders(name).await?.requested(what).is_none() {
        return Ok(false);
    }
    desk.change(name, |orders| {
        orders.call_off(what);
    })
    .await?;
    Ok(true)
}

/// The status of a deployment; says so when there is no such deployment.
///
/// # Errors
/// When the state cannot be read.
pub async fn status(place: &Place, name: &str) -> Result<Option<Status>, Failure> {
    let status = Desk::of(place)?.status(name).await?;
    if status.is_none() {
        unknown(name)?;
    }
    Ok(status)
}

fn file<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> Result<Option<T>, Failure> {
    match path.exists() {
        true => Ok(Some(serde_json::from_str(&super::read_file(path)?)?)),
        false => Ok(None),
    }
}

fn unknown(name: &str) -> Result<u8, Failure> {
    eprintln!("error: there is no deployment {name}");
    Ok(WRONG_INPUT)
}

fn slice(name: &str) -> Result<Slice, String> {
    let names = || Slice::ALL.map(Slice::name).join(", ");
    Slice::ALL
        .into_iter()
        .find(|slice| slice.name() == name)
        .ok_or_else(|| format!("expected one of {}", names()))
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    SignedDuration::from_str(text)
        .ok()
        .filter(|duration| duration.is_positive())
        .ok_or_else(|| "expected a time such as 30m or 2h".into())
}
