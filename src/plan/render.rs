//! A plan as text for a terminal and as Markdown for a review.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::condition::{Finding, Severity};
use crate::slice::Slice;

use super::{Action, Pending, Plan, Step, consent};

/// The plan as plain text, one line a resource, grouped by slice.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for (slice, entries) in by_slice(plan) {
        let _ = writeln!(out, "{}", slice.name());
        for line in entries {
            let _ = writeln!(out, "  {line}");
        }
    }
    for line in gated_lines(plan) {
        let _ = writeln!(out, "{line}");
    }
    for finding in &plan.findings {
        let _ = writeln!(out, "{}", finding_line(finding));
    }
    let _ = writeln!(out, "{}", summary(plan));
    out
}

/// The plan as Markdown.
pub fn markdown(plan: &Plan) -> String {
    let mut out = format!("**{}**\n\n", summary(plan));
    for (slice, entries) in by_slice(plan) {
        let _ = writeln!(out, "### {}\n\n```diff", slice.name());
        for line in entries {
            let _ = writeln!(out, "{line}");
        }
        out.push_str("```\n\n");
    }
    if !plan.gated.is_empty() {
        let _ = writeln!(out, "```diff\n{}\n```\n", gated_lines(plan).join("\n"));
    }
    for finding in &plan.findings {
        let _ = writeln!(out, "- {}", finding_line(finding));
    }
    out
}

/// What waits for an approval, under the hash that it is approved by.
fn gated_lines(plan: &Plan) -> Vec<String> {
    if plan.gated.is_empty() {
        return Vec::new();
    }
    let title = format!("waits for an approval of {}", consent::hash(&plan.gated));
    std::iter::once(title).chain(consent::lines(&plan.gated).iter().map(|line| format!("  {line}"))).collect()
}

/// `3 to create, 1 to change, 0 to delete, 4 waiting, 80 unchanged`.
pub fn summary(plan: &Plan) -> String {
    let count = |action| plan.steps.iter().filter(|step| step.action == action).count();
    let later = |action| plan.pending.iter().filter(|pending| pending.action == Some(action)).count();
    let waiting = plan.pending.iter().filter(|pending| pending.action.is_none()).count();
    format!(
        "{} to create ({} of them later), {} to change ({} later), {} to delete, {waiting} becoming ready, {} unchanged",
        count(Action::Create) + later(Action::Create),
        later(Action::Create),
        count(Action::Update) + later(Action::Update),
        later(Action::Update),
        count(Action::Delete),
        plan.unchanged
    )
}

fn by_slice(plan: &Plan) -> BTreeMap<Slice, Vec<String>> {
    let mut slices: BTreeMap<Slice, Vec<String>> = BTreeMap::new();
    for step in &plan.steps {
        slices.entry(step.slice).or_default().extend(step_lines(step));
    }
    for pending in &plan.pending {
        slices.entry(pending.slice).or_default().push(pending_line(pending));
    }
    slices
}

fn sign(action: Action) -> char {
    match action {
        Action::Create => '+',
        Action::Update => '~',
        Action::Delete => '-',
    }
}

/// A step as lines: the resource, then each difference.
pub fn step_lines(step: &Step) -> Vec<String> {
    let mut lines = vec![format!("{} {}", sign(step.action), step.resource)];
    for change in &step.changes {
        let from = change.from.as_deref().unwrap_or("(unset)");
        let to = change.to.as_deref().unwrap_or("(unset)");
        lines.push(format!("    {}: {from} -> {to}", change.path));
    }
    lines
}

fn pending_line(pending: &Pending) -> String {
    let sign = pending.action.map_or(' ', sign);
    let waits: Vec<&str> = pending.waits.iter().map(|wait| wait.why.as_str()).collect();
    format!("{sign} {} waits: {}", pending.resource, waits.join("; "))
}

/// One finding as a line: severity, subject, message, help.
pub fn finding_line(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let subject = finding.subject.as_deref().map(|subject| format!(" {subject}:")).unwrap_or_default();
    let help = if finding.help.is_empty() { String::new() } else { format!(" {}", finding.help) };
    format!("{severity}[{:?}]{subject} {}.{help}", finding.reason, finding.message.trim_end_matches('.'))
}
