//! Findings that come from the index alone: what is asked for and not made yet.

use super::Spec;
use super::finding::{Finding, Severity};
use super::parse::{Given, Reading};
use super::variable::Convergence;
use super::{VARIABLES, defaults};

/// A warning for every variable that was set to something else than its default and of which this
/// version makes nothing.
pub fn not_converged(reading: &Reading) -> Vec<Finding> {
    let mut found = not_converged_in(&reading.spec, &reading.given);
    for finding in &mut found {
        finding.span = reading.document.find(&finding.path);
    }
    found
}

pub(super) fn not_converged_in(spec: &Spec, given: &Given) -> Vec<Finding> {
    let idle = VARIABLES.iter().filter(|variable| variable.convergence == Convergence::NotConverged);
    idle.filter(|variable| given.contains(variable.name) && defaults::differs(spec, variable.name))
        .map(|variable| {
            Finding::new("NotConverged", Severity::Warning, variable.name)
                .message(format!("`{}` is set, and NOTHING IS MADE OF IT YET", variable.name))
                .help(format!(
                    "This version reads and checks it only. Do not rely on it: {}",
                    variable.description
                ))
        })
        .collect()
}
