//! The index for people: every variable and every rule as Markdown tables.

use std::fmt::Write as _;

use super::explain::{convergence, default_text, mutability};
use super::names::ALIASES;
use super::shape;
use super::validate::{Decided, Kind, RULES};
use super::variable::{Risk, Variable};
use super::{VARIABLES, variable::Convergence};

/// Titles of the module's groups; 30 is ours.
const GROUPS: &[(u8, &str)] = &[
    (0, "Metadata and wiring"),
    (1, "Project"),
    (2, "Deployment environment"),
    (3, "Application identity"),
    (4, "Runtime and scaling"),
    (5, "Environment and secrets"),
    (6, "GKE"),
    (7, "StatefulSet"),
    (8, "Resource quota"),
    (9, "Reliability"),
    (10, "Observability"),
    (11, "Jobs and further services"),
    (12, "CI/CD and delivery"),
    (13, "NFS"),
    (14, "Storage, registry and probes"),
    (16, "Database"),
    (17, "Backup"),
    (18, "Custom SQL"),
    (19, "Domain and network"),
    (20, "Sign-in (IAP)"),
    (21, "Firewall, CDN and Redis"),
    (22, "Perimeter"),
    (30, "Not in the module"),
];

/// Longest default that is shown in a table.
const LONGEST_DEFAULT: usize = 60;

/// The whole document.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Variables\n\nGenerated from `src/spec/variables.rs` and `src/spec/validate/table.rs`; \
         change those and run the tests with `UPDATE_DOCS=1`.\n\n",
    );
    let converged = VARIABLES.iter().filter(|row| row.convergence == Convergence::Converged).count();
    let idle = VARIABLES.iter().filter(|row| row.convergence == Convergence::NotConverged).count();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} variables: {converged} made so and kept so, {idle} read and checked only (`NotConverged`), {} accepted \
         without effect.\n",
        VARIABLES.len(),
        VARIABLES.len() - converged - idle
    );
    text.push_str(&aliases());
    for (group, title) in GROUPS {
        text.push_str(&section(*group, title));
    }
    text.push_str(&rules());
    text
}

/// One line for each variable, for the README: name, type, default and slice. `*` marks what nothing is made of yet.
pub fn compact() -> String {
    let mut text = String::from("| Variable | Type | Default | Slice |\n|---|---|---|---|\n");
    for variable in VARIABLES {
        let shape = shape::of(variable.name).map(shape::Shape::name).unwrap_or_default();
        let mark = if variable.convergence == Convergence::NotConverged { " *" } else { "" };
        let cells = [
            format!("`{}`{mark}", variable.name),
            shape,
            shown_default(variable.name),
            variable.slice.name().to_owned(),
        ];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text
}

/// A default as a cell, unless it is too long for one.
fn shown_default(name: &str) -> String {
    let default = default_text(name);
    if default.len() > LONGEST_DEFAULT { "(see `explain`)".to_owned() } else { format!("`{default}`") }
}

fn aliases() -> String {
    let mut text = String::from("Other names that are accepted: ");
    let pairs: Vec<_> =
        ALIASES.iter().map(|(alias, variable)| format!("`{alias}` for `{variable}`")).collect();
    text.push_str(&pairs.join(", "));
    text.push_str(".\n\n");
    text
}

fn section(group: u8, title: &str) -> String {
    let mut text = format!(
        "## {title}\n\n| Variable | Type | Default | Slice | May change | If wrong | Is | Meaning |\n|---|---|---|---|---|---|---|---|\n"
    );
    for variable in VARIABLES.iter().filter(|variable| variable.group == group) {
        text.push_str(&row(variable));
    }
    text.push('\n');
    text
}

fn row(variable: &Variable) -> String {
    let shape = shape::of(variable.name).map(shape::Shape::name).unwrap_or_default();
    let default = shown_default(variable.name);
    let risk = match variable.risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
        Risk::Critical => "critical",
    };
    let cells = [
        format!("`{}`", variable.name),
        shape,
        default,
        variable.slice.name().to_owned(),
        mutability(variable),
        risk.to_owned(),
        convergence(variable).to_owned(),
        variable.description.to_owned(),
    ];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

fn rules() -> String {
    let mut text = String::from(
        "## Rules\n\n| Rule | Kind | What is wrong | Decided | Variables |\n|---|---|---|---|---|\n",
    );
    for rule in RULES {
        let kind = match rule.kind {
            Kind::Refuse => "refuses",
            Kind::Warn => "warns",
            Kind::Guard => "guards",
            Kind::Watch => "watches",
        };
        let decided = match rule.decided {
            Decided::Admission => "when read".to_owned(),
            Decided::Change => "when changed".to_owned(),
            Decided::Runtime => "while converging".to_owned(),
            Decided::Under(rules) => format!("under {}", rules.join(", ")),
        };
        let variables: Vec<_> = rule.variables.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(
            text,
            "| {} | {kind} | {} | {decided} | {} |",
            rule.id,
            rule.summary,
            variables.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_in_a_section() {
        let text = markdown();
        for variable in VARIABLES {
            assert!(GROUPS.iter().any(|(group, _)| *group == variable.group), "{}", variable.name);
            assert!(text.contains(&format!("| `{}` |", variable.name)), "{}", variable.name);
        }
    }
}
