//! `validate`: every error of a spec, with its place.

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::spec;

use super::{FINE, Failure, WRONG_INPUT};

/// Arguments of `validate`.
#[derive(clap::Args)]
#[command(after_help = "Example: dify-reconciler validate specs/*.yaml")]
pub struct Args {
    /// Spec files: YAML, JSON or tfvars
    #[arg(required = true)]
    specs: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
}

/// Checks every spec.
///
/// # Errors
/// When a file cannot be read.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let mut code = FINE;
    let graphical = std::io::stderr().is_terminal();
    for path in &args.specs {
        let text = match super::read_file(path) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("error: {error}");
                code = WRONG_INPUT;
                continue;
            }
        };
        let name = path.display().to_string();
        let (findings, refused) = match spec::read(&name, &text) {
            Ok(reading) => (reading.findings, false),
            Err(report) => (report.findings, true),
        };
        eprint!("{}", spec::report::render(&findings, &name, &text, graphical));
        let warned = findings.iter().any(|finding| finding.severity == spec::Severity::Warning);
        if refused || (args.strict && warned) {
            code = WRONG_INPUT;
        } else {
            println!("{name}: valid{}", if warned { ", with warnings" } else { "" });
        }
    }
    Ok(code)
}
