//! What is to be told to people and to other systems: changes of a condition, plans that wait for an approval,
//! what happened. Pure.
//!
//! What was told last is compared with the status as it is now. So nothing is lost when telling fails, because it
//! is still untold at the next look, and whatever is told twice after a crash has the same id both times.

pub mod data;
pub mod event;
pub mod told;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::condition::{Condition, ConditionType, Severity};
use crate::slice::Slice;
use crate::state::status::{ApprovalWanted, Happened, Phase, Status};

pub use told::{Told, ToldCondition};

/// A condition that was told is not told anew for so long: one that changes and comes back meanwhile is not
/// told at all.
pub const HOLD_DOWN: SignedDuration = SignedDuration::from_secs(60);

/// Whoever is told for the first time hears of what happened within this time, not of the whole history.
const NEWS: SignedDuration = SignedDuration::from_hours(1);

/// Most errors that are told with one notice; the status has them all.
const ERRORS: usize = 5;

/// Something to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The same for the same thing however often it is told.
    pub id: String,
    /// The deployment it is about.
    pub deployment: String,
    /// Generation of its spec.
    pub generation: i64,
    /// When it was so.
    pub at: Option<Timestamp>,
    /// What it says.
    pub what: What,
}

/// What a notice says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A slice's condition is another one.
    Condition {
        /// What was told of it before.
        was: Option<ConditionType>,
        /// What it is.
        is: Condition,
    },
    /// Steps wait for somebody's approval.
    Approval(ApprovalWanted),
    /// An entry of the history.
    Happened {
        /// The entry.
        entry: Happened,
        /// How the deployment stands as a whole; only with the newest entry.
        phase: Option<Phase>,
        /// Why it does not stand well; only with the newest entry.
        errors: Vec<String>,
    },
}

/// What there is to tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// What is to be told now.
    pub notices: Vec<Notice>,
    /// What will have been told then.
    pub told: Told,
    /// When to look again at a condition that changed too soon after it was told.
    pub held_until: Option<Timestamp>,
}

impl News {
    /// What will have been told when these could not be: they are told at the next look, and nothing else again.
    pub fn told_but(self, before: Option<&Told>, untold: &[Notice]) -> Told {
        let mut told = self.told;
        for notice in untold {
            match &notice.what {
                What::Condition { is, .. } => {
                    match before.and_then(|before| before.conditions.get(&is.slice)) {
                        Some(was) => told.conditions.insert(is.slice, was.clone()),
                        None => told.conditions.remove(&is.slice),
                    };
                }
                What::Approval(_) => {
                    told.approval = before.map(|before| before.approval.clone()).unwrap_or_default();
                }
                What::Happened { .. } => {
                    told.history.remove(&notice.id);
                }
            }
        }
        told
    }
}

/// What there is to tell to somebody who was told that much; `None` is somebody who never was told anything.
pub fn news(told: Option<&Told>, status: &Status, now: Timestamp) -> News {
    let mut news = News::default();
    let nothing = Told::default();
    for condition in &status.conditions {
        tell_condition(&mut news, told.unwrap_or(&nothing), condition, status, now);
    }
    tell_approval(&mut news, told.unwrap_or(&nothing), status);
    // Newest first in the status; told as it happened.
    let since = if told.is_some() { Timestamp::MIN } else { now.saturating_sub(NEWS).unwrap_or(now) };
    for (place, entry) in status.history.iter().enumerate().rev() {
        let id = history_id(status, entry);
        if !told.is_some_and(|told| told.history.contains(&id)) && entry.at >= since {
            news.notices.push(notice(
                status,
                id.clone(),
                Some(entry.at),
                happened(status, entry, place == 0),
            ));
        }
        news.told.history.insert(id);
    }
    news
}

fn tell_condition(news: &mut News, told: &Told, is: &Condition, status: &Status, now: Timestamp) {
    let was = told.conditions.get(&is.slice);
    let held = was.and_then(|was| was.at.checked_add(HOLD_DOWN).ok()).filter(|until| *until > now);
    match (was, held) {
        (Some(was), _) if was.is_still(is) => {
            news.told.conditions.insert(is.slice, was.clone());
        }
        (Some(was), Some(until)) => {
            news.told.conditions.insert(is.slice, was.clone());
            news.held_until = Some(news.held_until.map_or(until, |earlier| earlier.min(until)));
        }
        (was, _) => {
            news.told.conditions.insert(is.slice, ToldCondition::of(is, now));
            // That all is well is no news of a slice that nobody has heard of.
            if was.is_some() || is.kind != ConditionType::Ready {
                let id = condition_id(status, was, is);
                let what = What::Condition { was: was.map(|was| was.kind), is: is.clone() };
                news.notices.push(notice(status, id, status.observed_at, what));
            }
        }
    }
}

fn tell_approval(news: &mut News, told: &Told, status: &Status) {
    let Some(wanted) = status.approval.as_ref().filter(|wanted| !wanted.hash.is_empty()) else { return };
    if told.approval != wanted.hash {
        let id = id(&[&status.deployment, "approval", &wanted.hash, &status.spec.generation.to_string()]);
        news.notices.push(notice(status, id, status.observed_at, What::Approval(wanted.clone())));
    }
    news.told.approval = wanted.hash.clone();
}

fn happened(status: &Status, entry: &Happened, newest: bool) -> What {
    let errors = status.findings.iter().filter(|finding| newest && finding.severity == Severity::Error);
    What::Happened {
        entry: entry.clone(),
        phase: newest.then_some(status.phase),
        errors: errors.take(ERRORS).map(|finding| finding.message.clone()).collect(),
    }
}

fn notice(status: &Status, id: String, at: Option<Timestamp>, what: What) -> Notice {
    let (deployment, generation) = (status.deployment.clone(), status.spec.generation);
    Notice { id, deployment, generation, at, what }
}

/// What was told before makes one change of a slice another than the same change a day later.
fn condition_id(status: &Status, was: Option<&ToldCondition>, is: &Condition) -> String {
    let Status { deployment, .. } = status;
    let before = was.map(|was| format!("{:?}/{:?}/{}", was.kind, was.reason, was.at)).unwrap_or_default();
    let after = format!("{:?}/{:?}", is.kind, is.reason);
    id(&[deployment, "condition", is.slice.name(), &before, &after])
}

fn history_id(status: &Status, entry: &Happened) -> String {
    let Happened { at, generation, cause, what, about: _ } = entry;
    id(&[&status.deployment, "history", &at.to_string(), &generation.to_string(), cause, what])
}

fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

impl Notice {
    /// The slice it is about, when it is about one.
    pub fn slice(&self) -> Option<Slice> {
        match &self.what {
            What::Condition { is, .. } => Some(is.slice),
            What::Approval(_) | What::Happened { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
