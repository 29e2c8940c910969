//! What a rule is.

use crate::spec::Spec;
use crate::spec::finding::{Finding, Severity};
use crate::spec::parse::Given;

/// How a rule acts, in the words of the list of pitfalls it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Refuses the spec.
    Refuse,
    /// Warns.
    Warn,
    /// Guards a change: it needs an acknowledgement.
    Guard,
    /// Watches the running state and shows as a condition.
    Watch,
}

/// When a rule is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// When the spec is read, from the spec alone.
    Admission,
    /// When a spec is compared with the one before (`change.rs`).
    Change,
    /// While converging, from what is seen in the cloud.
    Runtime,
    /// By the rules named, which say the same or more.
    Under(&'static [&'static str]),
}

/// A function that applies a rule. What it finds carries the rule's id afterwards.
pub type Check = fn(&Spec, &Given) -> Vec<Finding>;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// `V-nn`: consolidated validations of the module. `P-nn`: its pitfalls. `D-nn`: Dify's own.
    pub id: &'static str,
    /// How much a finding weighs, as a rule; a check may find less.
    pub severity: Severity,
    /// How it acts.
    pub kind: Kind,
    /// When it is decided.
    pub decided: Decided,
    /// What it says is wrong.
    pub summary: &'static str,
    /// The function, for rules decided at admission.
    pub check: Option<Check>,
    /// The variables it is about.
    pub variables: &'static [&'static str],
}
