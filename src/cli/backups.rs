//! `backup`, `restore`, `backups`: what people order of backups, and which there are.

use jiff::Timestamp;

use crate::backup::{Slot, due};
use crate::state::orders::Request;

use super::orders::{self, Place, request, status};
use super::{FINE, Failure, WRONG_INPUT};

/// Arguments of `backup`.
#[derive(clap::Args)]
#[command(after_help = "Example: dify-reconciler backup prod

The next look begins it; `dify-reconciler backups prod` shows it when it is complete.")]
pub struct BackupArgs {
    /// The deployment: its spec file's stem
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Arguments of `restore`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  dify-reconciler restore prod 20261126T020000Z
  dify-reconciler restore prod --call-off         one that cannot be finished: Dify starts on what there is

A safety backup is made first. Then what writes is stopped, databases, buckets and the share are brought back to what
they were, the schema is brought up to the running version, and everything is started again. It is done once.")]
pub struct RestoreArgs {
    /// The deployment: its spec file's stem
    name: String,
    /// The backup, as `backups` shows it
    #[arg(required_unless_present = "call_off")]
    slot: Option<String>,
    /// Take the order back that is not done yet
    #[arg(long, conflicts_with = "slot")]
    call_off: bool,
    #[command(flatten)]
    place: Place,
}

/// Orders a backup now.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn backup(args: BackupArgs) -> Result<u8, Failure> {
    let at = Timestamp::now();
    let order = Request { what: due::BACKUP.into(), of: String::new(), at };
    let code = request(&args.place, &args.name, order).await?;
    if code == FINE {
        super::print(&format!("the backup {} of {} is ordered\n", Slot::at(at), args.name));
    }
    Ok(code)
}

/// Orders a backup to be restored, or takes that order back.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn restore(args: RestoreArgs) -> Result<u8, Failure> {
    match &args.slot {
        Some(slot) => order(&args, slot).await,
        None => call_off(&args).await,
    }
}

async fn call_off(args: &RestoreArgs) -> Result<u8, Failure> {
    if !orders::call_off(&args.place, &args.name, due::RESTORE).await? {
        eprintln!("error: nobody ordered a restore of {}", args.name);
        return Ok(WRONG_INPUT);
    }
    super::print(&format!("{}: no backup is to be restored any more\n", args.name));
    Ok(FINE)
}

async fn order(args: &RestoreArgs, slot: &str) -> Result<u8, Failure> {
    let Some(status) = status(&args.place, &args.name).await? else { return Ok(WRONG_INPUT) };
    let known = status.outputs.get("backups").and_then(|all| all.as_array()).cloned().unwrap_or_default();
    if slot.parse::<Slot>().is_err() || !known.iter().any(|one| one["slot"] == slot) {
        eprintln!("error: {} has no backup {slot}", args.name);
        eprintln!("  `dify-reconciler backups {}` shows which there are.", args.name);
        return Ok(WRONG_INPUT);
    }
    let at = Timestamp::now();
    let order = Request { what: due::RESTORE.into(), of: slot.to_owned(), at };
    let code = request(&args.place, &args.name, order).await?;
    if code == FINE {
        let safety = Slot::at(at);
        super::print(&format!("{} will be restored to {slot} after the safety backup {safety}\n", args.name));
    }
    Ok(code)
}

/// Shows the complete backups that the last look saw.
///
/// # Errors
/// When the state cannot be read.
pub async fn list(args: BackupArgs) -> Result<u8, Failure> {
    let Some(status) = status(&args.place, &args.name).await? else { return Ok(WRONG_INPUT) };
    let known = status.outputs.get("backups").and_then(|all| all.as_array()).cloned().unwrap_or_default();
    let mut text = String::new();
    for one in &known {
        let word = |name: &str| one[name].as_str().unwrap_or("-").to_owned();
        let restore = one["restore_seconds"].as_u64().map_or("-".into(), |secs| format!("{secs} s"));
        let bytes = one["bytes"].as_u64().unwrap_or_default();
        text += &format!("{}  {bytes:>14}  {:<20}  {restore}\n", word("slot"), word("verified_at"));
    }
    let head = format!("{:<16}  {:>14}  {:<20}  {}\n", "SLOT", "BYTES", "TRIED", "RESTORED IN");
    super::print(&if known.is_empty() { "there is no complete backup\n".into() } else { head + &text });
    Ok(FINE)
}
