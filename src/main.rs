//! Process start.

use std::process::ExitCode;

fn main() -> ExitCode {
    dify_reconciler::cli::run()
}
