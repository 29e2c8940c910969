//! Live progress: a tree of slices on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::condition::{Condition, ConditionType};
use crate::state::status::{Phase, Status};

/// Shows the statuses of deployments as they change.
pub struct Progress {
    started: Instant,
    display: Display,
    shown: BTreeMap<String, Status>,
}

enum Display {
    Tree { bars: MultiProgress, deployments: BTreeMap<String, Tree> },
    Lines,
}

/// The bars of one deployment.
struct Tree {
    head: ProgressBar,
    slices: BTreeMap<&'static str, ProgressBar>,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// A tree when standard output is a terminal, lines when it is not.
    pub fn new() -> Self {
        let display = if std::io::stdout().is_terminal() {
            Display::Tree { bars: MultiProgress::new(), deployments: BTreeMap::new() }
        } else {
            Display::Lines
        };
        Self { started: Instant::now(), display, shown: BTreeMap::new() }
    }

    /// Shows a status, if it says anything new.
    pub fn show(&mut self, status: &Status) {
        let old = self.shown.get(&status.deployment);
        if old.is_some_and(|old| same(old, status)) {
            return;
        }
        let elapsed = self.started.elapsed();
        match &mut self.display {
            Display::Tree { bars, deployments } => {
                let tree = deployments
                    .entry(status.deployment.clone())
                    .or_insert_with(|| Tree { head: bar(bars), slices: BTreeMap::new() });
                draw(bars, tree, status, elapsed);
            }
            Display::Lines => {
                for line in lines(old, status) {
                    println!("{:>7.1}s {}: {line}", elapsed.as_secs_f64(), status.deployment);
                }
            }
        }
        self.shown.insert(status.deployment.clone(), status.clone());
    }

    /// Prints lines below (or between) what is shown.
    pub fn print(&self, text: &str) {
        match &self.display {
            Display::Tree { bars, .. } => bars.suspend(|| println!("{text}")),
            Display::Lines => println!("{text}"),
        }
    }
}

fn same(old: &Status, new: &Status) -> bool {
    old.phase == new.phase
        && old.spec == new.spec
        && old.plan == new.plan
        && old.findings == new.findings
        && old.conditions == new.conditions
}

fn bar(bars: &MultiProgress) -> ProgressBar {
    let bar = bars.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    bar
}

fn draw(bars: &MultiProgress, tree: &mut Tree, status: &Status, elapsed: Duration) {
    let phase = format!("{:?}", status.phase).to_lowercase();
    let secs = elapsed.as_secs();
    tree.head.set_message(format!("{}  {phase}  {secs}s  {}", status.deployment, status.plan.summary));
    for condition in &status.conditions {
        let bar = tree.slices.entry(condition.slice.name()).or_insert_with(|| bar(bars));
        bar.set_message(format!("├─ {}", slice_line(condition)));
    }
}

fn slice_line(condition: &Condition) -> String {
    let mark = match condition.kind {
        ConditionType::Ready => "✓",
        ConditionType::Reconciling => "…",
        ConditionType::Stalled => "✗",
    };
    let first = condition.message.lines().next().unwrap_or_default();
    format!("{mark} {:14} {first}", condition.slice.name())
}

/// What is new in a status, line by line.
fn lines(old: Option<&Status>, new: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    if old.map(|old| &old.plan.steps) != Some(&new.plan.steps) {
        lines.extend(new.plan.steps.iter().cloned());
    }
    for condition in &new.conditions {
        let before = old.and_then(|old| old.conditions.iter().find(|other| other.slice == condition.slice));
        if condition.kind != ConditionType::Ready
            && before.map(|before| &before.message) != Some(&condition.message)
        {
            lines.push(slice_line(condition));
        }
    }
    let known = |finding| old.is_some_and(|old| old.findings.contains(finding));
    let news = new.findings.iter().filter(|finding| !known(finding));
    lines.extend(news.map(crate::plan::render::finding_line));
    if old.map(|old| (old.phase, old.spec.generation)) != Some((new.phase, new.spec.generation)) {
        let phase = format!("{:?}", new.phase).to_lowercase();
        lines.push(format!("{phase} (generation {})", new.spec.generation));
    }
    lines
}

/// Whether a deployment's status is an end: nothing will change by itself.
pub fn ended(status: &Status) -> bool {
    matches!(status.phase, Phase::Converged | Phase::Stalled | Phase::Refused | Phase::Withdrawn)
}
