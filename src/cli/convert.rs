//! `convert`: from a terraform.tfvars to a commented YAML spec.

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::spec;

use super::{FINE, Failure, WRONG_INPUT};

/// Arguments of `convert`.
#[derive(clap::Args)]
#[command(after_help = "Example: dify-reconciler convert terraform.tfvars > prod.yaml")]
pub struct Args {
    /// The tfvars file
    tfvars: PathBuf,
}

/// Prints the YAML spec.
///
/// # Errors
/// When the file cannot be read.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let text = super::read_file(&args.tfvars)?;
    match spec::convert::tfvars_to_yaml(&text) {
        Ok(yaml) => {
            super::print(&yaml);
            Ok(FINE)
        }
        Err(report) => {
            let name = args.tfvars.display().to_string();
            let graphical = std::io::stderr().is_terminal();
            eprint!("{}", spec::report::render(&report.findings, &name, &text, graphical));
            Ok(WRONG_INPUT)
        }
    }
}
