//! The command line: one file a subcommand.

pub mod apply;
pub mod backups;
pub mod bells;
pub mod convert;
pub mod dev;
pub mod explain;
pub mod orders;
pub mod plan;
pub mod progress;
pub mod schema;
pub mod send;
pub mod serve;
pub mod status;
pub mod validate;
pub mod world;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Nothing failed; with `plan --detailed-exitcode` also: nothing would change.
pub const FINE: u8 = 0;
/// Something failed or stalled.
pub const FAILED: u8 = 1;
/// The input was wrong; nothing was changed.
pub const WRONG_INPUT: u8 = 2;
/// `plan --detailed-exitcode`: there are changes.
pub const CHANGES: u8 = 3;

/// What a command may fail with, for people.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes a Dify deployment on Google Cloud be what its spec file says, and keeps it so.
#[derive(Parser)]
#[command(name = "dify-reconciler", version, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 fine or no change, 1 failed, 2 wrong input, 3 changes (plan --detailed-exitcode)

Examples:
  dify-reconciler dev                          everything on this machine, on an embedded cloud
  dify-reconciler validate prod.yaml           every error of a spec, with its place
  dify-reconciler plan prod.yaml --embedded    what a first install would make
  dify-reconciler explain redis_host           what a variable means and risks"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service against a cloud embedded in the process, with a directory as the spec bucket
    Dev(dev::Args),
    /// Check specs and show every error with its line and column
    Validate(validate::Args),
    /// Show what would be done for a spec, and do nothing
    Plan(plan::Args),
    /// Put a spec into the spec bucket and converge it from here
    Apply(apply::Args),
    /// Show the status of a deployment
    Status(status::Args),
    /// Approve the plan that waits for it, by its hash
    Approve(orders::ApproveArgs),
    /// Stop writing for a while: everything, or one slice
    Pause(orders::PauseArgs),
    /// End a pause
    Resume(orders::ResumeArgs),
    /// Replace a password or a key now, however old it is
    Rotate(orders::RotateArgs),
    /// Make a backup now
    Backup(backups::BackupArgs),
    /// Restore a backup, after a safety backup
    Restore(backups::RestoreArgs),
    /// Show the backups
    Backups(backups::BackupArgs),
    /// Say what a variable means, how it may change and what it risks
    Explain(explain::Args),
    /// Print the JSON Schema of the spec, for editors
    Schema,
    /// Turn a terraform.tfvars into a commented YAML spec
    Convert(convert::Args),
    /// Send an event from a file to a service
    Send(send::Args),
    /// Run the service
    Serve(serve::Args),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Validate(args) => validate::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Schema => schema::run(),
        Command::Convert(args) => convert::run(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "dify-reconciler", &mut std::io::stdout());
            Ok(FINE)
        }
        command => on_runtime(command),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(FAILED)
        }
    }
}

fn on_runtime(command: Command) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Dev(args) => dev::run(args).await,
            Command::Plan(args) => plan::run(args).await,
            Command::Apply(args) => apply::run(args).await,
            Command::Status(args) => status::run(args).await,
            Command::Approve(args) => orders::approve(args).await,
            Command::Pause(args) => orders::pause(args).await,
            Command::Resume(args) => orders::resume(args).await,
            Command::Rotate(args) => orders::rotate(args).await,
            Command::Backup(args) => backups::backup(args).await,
            Command::Restore(args) => backups::restore(args).await,
            Command::Backups(args) => backups::list(args).await,
            Command::Send(args) => send::run(args).await,
            Command::Serve(args) => serve::run(args).await,
            Command::Validate(_)
            | Command::Explain(_)
            | Command::Schema
            | Command::Convert(_)
            | Command::Completions { .. } => Ok(FINE),
        }
    })
}

/// A spec file's name and text; `None` when it is refused, after every error was shown.
fn checked_spec(path: &std::path::Path) -> Result<Option<(String, String)>, Failure> {
    let text = read_file(path)?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    match crate::spec::read(&name, &text) {
        Ok(_) => Ok(Some((name, text))),
        Err(report) => {
            let graphical = std::io::stderr().is_terminal();
            eprint!("{}", crate::spec::report::render(&report.findings, &name, &text, graphical));
            Ok(None)
        }
    }
}

/// Prints text. That nobody reads on, as with `| head`, is no failure.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Reads a file, or says which one could not be read.
fn read_file(path: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}
