//! The machine: from what was seen to the one thing to be done next.
//!
//! PostgreSQL has one password per role, and with a new one the old one is dead at once. So two roles take turns:
//!
//! ```text
//! settled ─draw─► set ─► test ─► switch ═► roll out ─draw─► drain ─► set ─► test ─► disable ─► settled
//!         the idle login's new password  ║  the outgoing login's password is replaced by another
//! ```
//!
//! Each arrow is one call, and each state is recognised by looking: by the enabled versions of the two secrets, by
//! the mark on one of them, by the password changes that Cloud SQL tells of, and by the Jobs that tried to log in.
//! The switch is the only commit point. Before it, whoever logs in does not notice anything; after it, the old
//! password works until everybody has gone.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// How often a password is set and tried before somebody has to look.
pub const ATTEMPTS: u32 = 5;

/// One of the two logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Side {
    A,
    B,
}

impl Side {
    /// Both.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// The other one.
    pub fn other(self) -> Self {
        if self == Side::A { Side::B } else { Side::A }
    }

    /// Its letter in names.
    pub fn letter(self) -> &'static str {
        if self == Side::A { "a" } else { "b" }
    }

    /// The end of its secret's name.
    pub fn secret(self) -> &'static str {
        if self == Side::A { "db-password-a" } else { "db-password-b" }
    }

    /// Its place among the two.
    pub fn index(self) -> usize {
        usize::from(self == Side::B)
    }
}

/// An enabled version of a login's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub created: Timestamp,
}

/// Who logs in: what the switch writes, as one label on the secret of the login `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The login in use.
    pub side: Side,
    /// The version of its password.
    pub version: u64,
    /// The other login's passwords up to this version were known to somebody before the switch, and have to go.
    pub outgoing: u64,
}

impl Mark {
    /// Reads the label's value: `b-2-1`.
    pub fn parse(label: &str) -> Option<Self> {
        let mut parts = label.split('-');
        let side = match parts.next()? {
            "a" => Side::A,
            "b" => Side::B,
            _ => return None,
        };
        let mark = Self { side, version: parts.next()?.parse().ok()?, outgoing: parts.next()?.parse().ok()? };
        parts.next().is_none().then_some(mark)
    }

    /// The label's value.
    pub fn label(self) -> String {
        format!("{}-{}-{}", self.side.letter(), self.version, self.outgoing)
    }
}

/// How the newest Job stands that tried to log in with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Which attempt it is, from 0.
    pub attempt: u32,
    /// What came of it.
    pub result: TrialResult,
}

/// What came of trying to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialResult {
    /// It is not known yet.
    Running,
    /// It logged in, and acts as the owner.
    LoggedIn,
    /// It could not log in, as was known at this time.
    Failed(Timestamp),
}

/// Why a rotation should begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Somebody ordered one at this time.
    pub ordered: Option<Timestamp>,
    /// The secret's own schedule told of one at this time.
    pub reminded: Option<Timestamp>,
    /// How old the password in use may become by itself, in seconds.
    pub most_secs: Option<u64>,
    /// The period of the schedule, in seconds; half of it tells a second message from another rotation.
    pub period_secs: u64,
}

/// Everything the machine looks at.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Now.
    pub at: Timestamp,
    /// The mark, once there was a switch.
    pub mark: Option<Mark>,
    /// The version that is used of the login in use.
    pub version: u64,
    /// Enabled versions of each login's secret.
    pub versions: [Vec<Version>; 2],
    /// Newest trial of each password that was tried.
    pub trials: BTreeMap<(Side, u64), Trial>,
    /// When each password change began that ended well, whosever it was.
    pub changes: Vec<Timestamp>,
    /// What started when and may still log in with what was in use then.
    pub users: Vec<(Timestamp, String)>,
    /// Seconds between the end of the rollout and the end of the old password.
    pub drain_secs: u32,
    /// Why a rotation should begin.
    pub wish: Wish,
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrow {
    /// A new version of the login's secret is drawn. When it replaces one that was in use, everything must have
    /// been rolled out before: from then on the drain is counted.
    Draw(Side),
    /// The login's role gets the password of this version.
    Set(Side, u64),
    /// Somebody tries to log in with it.
    Test(Side, u64, u32),
    /// From now on everybody logs in so.
    Switch(Mark),
    /// This version is disabled.
    Disable(Side, u64),
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: no rotation is due.
    Settled,
    /// This.
    Take(Arrow),
    /// Nothing yet, because of this.
    Wait(String),
    /// For this time, and why.
    Until(Timestamp, String),
    /// Nothing by itself: this password was set and tried as often as makes sense.
    Stuck(Side, u64),
}

/// Which password is being brought to a login's role.
pub fn next(sight: &Sight) -> Next {
    let (serving, idle) = sides(sight);
    match retiring(sight) {
        Some(mark) => retire(sight, mark, idle),
        None => prepare(sight, serving, idle),
    }
}

/// The password that is brought to an idle login now, and has to be tried.
pub fn on_trial(sight: &Sight) -> Option<(Side, u64)> {
    let (_, idle) = sides(sight);
    let version = match retiring(sight) {
        Some(mark) => newest(sight, idle).filter(|newest| newest.number > mark.outgoing)?,
        None => drawn(sight, idle)?,
    };
    Some((idle, version.number))
}

fn sides(sight: &Sight) -> (Side, Side) {
    let serving = sight.mark.map_or(Side::A, |mark| mark.side);
    (serving, serving.other())
}

/// Whether a password is still good that somebody knew before the switch.
fn retiring(sight: &Sight) -> Option<Mark> {
    let mark = sight.mark?;
    let outgoing = &sight.versions[mark.side.other().index()];
    outgoing.iter().any(|version| version.number <= mark.outgoing).then_some(mark)
}

/// Towards the switch.
fn prepare(sight: &Sight, serving: Side, idle: Side) -> Next {
    let Some(version) = drawn(sight, idle) else {
        return if due(sight, serving) { Next::Take(Arrow::Draw(idle)) } else { Next::Settled };
    };
    if let Some(next) = bring(sight, idle, version.number, version.created) {
        return next;
    }
    let outgoing = newest(sight, serving).map_or(sight.version, |newest| newest.number);
    let mark = Mark { side: idle, version: version.number, outgoing: outgoing.max(sight.version) };
    Next::Take(Arrow::Switch(mark))
}

/// After the switch.
fn retire(sight: &Sight, mark: Mark, idle: Side) -> Next {
    let Some(replacement) = newest(sight, idle).filter(|newest| newest.number > mark.outgoing) else {
        return Next::Take(Arrow::Draw(idle));
    };
    // At least a second, so that no earlier password change can be taken for this one's.
    let drained = replacement.created + SignedDuration::from_secs(i64::from(sight.drain_secs.max(1)));
    if sight.at < drained {
        let why = format!("the old password of the login {} ends at {drained}", idle.letter());
        return Next::Until(drained, why);
    }
    let replaced = sight.trials.contains_key(&(idle, replacement.number));
    if let Some((_, user)) = sight.users.iter().find(|(since, _)| !replaced && *since <= replacement.created)
    {
        return Next::Wait(format!("{user} may still log in with the old password"));
    }
    if let Some(next) = bring(sight, idle, replacement.number, drained) {
        return next;
    }
    // What was in use goes last: as long as it is there, the rest is not forgotten.
    let stale = |side: Side, below: u64| {
        let all = sight.versions[side.index()].iter().map(|version| version.number);
        all.filter(|number| *number < below).max().map(|number| Arrow::Disable(side, number))
    };
    let stale = stale(mark.side, mark.version).or_else(|| stale(idle, replacement.number));
    stale.map_or(Next::Settled, Next::Take)
}

/// Sets a password and tries it, until it works. `None` when it does.
fn bring(sight: &Sight, side: Side, version: u64, since: Timestamp) -> Option<Next> {
    let trial = sight.trials.get(&(side, version));
    let (attempt, since) = match trial.map(|trial| (trial.attempt, trial.result)) {
        None => (0, since),
        Some((_, TrialResult::LoggedIn)) => return None,
        Some((_, TrialResult::Running)) => {
            return Some(Next::Wait(format!(
                "the new password of the login {} is being tried",
                side.letter()
            )));
        }
        Some((attempt, TrialResult::Failed(_))) if attempt + 1 >= ATTEMPTS => {
            return Some(Next::Stuck(side, version));
        }
        Some((attempt, TrialResult::Failed(at))) => (attempt + 1, at),
    };
    // That the change was of this login and of this password, the trial shows.
    let set = sight.changes.iter().any(|begun| *begun >= since);
    Some(Next::Take(if set { Arrow::Test(side, version, attempt) } else { Arrow::Set(side, version) }))
}

/// A version of the idle login that is meant to be used next: newer than the one that its role has. A rotation
/// drew it, or a person added it.
fn drawn(sight: &Sight, idle: Side) -> Option<&Version> {
    let known = sight.versions[idle.index()].iter().map(|version| version.number).min()?;
    newest(sight, idle).filter(|newest| newest.number > known)
}

fn newest(sight: &Sight, side: Side) -> Option<&Version> {
    sight.versions[side.index()].iter().max_by_key(|version| version.number)
}

/// Whether the password in use is older than it should be.
fn due(sight: &Sight, serving: Side) -> bool {
    let in_use = sight.versions[serving.index()].iter().find(|version| version.number == sight.version);
    in_use.is_some_and(|version| wanted(&sight.wish, version.created, sight.at))
}

/// Whether a secret whose newest version was made then should have another one.
pub fn wanted(wish: &Wish, created: Timestamp, at: Timestamp) -> bool {
    let age_secs = u64::try_from(at.duration_since(created).as_secs()).unwrap_or(0);
    wish.ordered.is_some_and(|ordered| created < ordered)
        || wish.reminded.is_some_and(|reminded| created < reminded && age_secs >= wish.period_secs / 2)
        || wish.most_secs.is_some_and(|most| age_secs >= most)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
