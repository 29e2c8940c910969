//! `explain`: what a variable means.

use crate::spec;

use super::{FINE, Failure, WRONG_INPUT};

/// Arguments of `explain`.
#[derive(clap::Args)]
#[command(after_help = "Example: dify-reconciler explain redis_host")]
pub struct Args {
    /// The variable's name
    variable: String,
}

/// Prints the explanation.
///
/// # Errors
/// Never; an unknown name is wrong input.
pub fn run(args: &Args) -> Result<u8, Failure> {
    match spec::explain::explain(&args.variable) {
        Some(explanation) => {
            super::print(&explanation.text());
            Ok(FINE)
        }
        None => {
            let near = spec::names::nearest_variable(&args.variable)
                .map(|name| format!(" Did you mean {name}?"))
                .unwrap_or_default();
            eprintln!("error: there is no variable {}.{near}", args.variable);
            Ok(WRONG_INPUT)
        }
    }
}
