//! What the queue brings back: work, and what follows from how it ended.
//!
//! | | |
//! |---|---|
//! | Reads | what the work's slices need |
//! | Plans | what the work's slices ask for |
//! | Writes | the slices that the work names, and no others |

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::converge::work::{is_spec, stem};
use crate::converge::{Outcome, Work};
use crate::events::{Flaw, Poison};
use crate::slice::Slice;

/// The slices that this handler may write; each work narrows them to its own.
pub const WRITES: &[Slice] = &Slice::ALL;

/// No wait is longer, so that what the user does is seen within minutes even when no event tells of it.
const LONGEST: Duration = Duration::from_secs(600);
/// The widest grid of [`due`]: with its margin it stays below [`LONGEST`].
const LONGEST_CELL_SECS: u32 = 512;
/// A worker that has the deployment is mostly done long before its lease runs out.
const BUSY_AGAIN: Duration = Duration::from_secs(10);
/// How much longer each wait is than the one of the same kind before. A quarter keeps the time that is lost
/// between the end of a wait and its discovery at a quarter of the wait, at a handful of looks a minute.
const GROWTH: f64 = 1.25;

/// A work on its way through the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// What is to be done.
    #[serde(flatten)]
    pub work: Work,
    /// The wait that the last look asked for, in seconds: it tells the kind of waiting.
    #[serde(default)]
    pub wait_secs: u64,
    /// How many looks in a row asked for that wait.
    #[serde(default)]
    pub looks: u32,
}

/// An errand to be queued, and when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// The errand.
    pub errand: Errand,
    /// When.
    pub at: Timestamp,
}

impl Errand {
    /// The first errand of a work.
    pub fn new(work: Work) -> Self {
        Self { work, wait_secs: 0, looks: 0 }
    }

    /// Reads what the queue brings.
    ///
    /// # Errors
    /// When it is not what we put there.
    pub fn read(body: &[u8]) -> Result<Self, Poison> {
        let errand: Self = serde_json::from_slice(body).map_err(|error| Poison::json("the task", &error))?;
        let work = &errand.work;
        if !is_spec(&work.object) || stem(&work.object) != work.deployment {
            return Err(Poison::new(Flaw::Shape, "the task is about no deployment"));
        }
        Ok(errand)
    }

    /// What follows from how the work ended.
    pub fn follow(self, outcome: &Outcome, now: Timestamp) -> Option<Later> {
        match outcome {
            // A stalled or refused work waits for a change of the spec, or the next tick.
            Outcome::Converged | Outcome::Stalled | Outcome::Refused | Outcome::Withdrawn => None,
            Outcome::HandedOver => {
                let work = Work { slices: Vec::new(), ..self.work };
                Some(Self { work, wait_secs: 0, looks: 0 }.again(0, 0, Duration::from_secs(1), now))
            }
            Outcome::Pending(wait) => {
                let wait_secs = wait.as_secs().max(1);
                let looks = if wait_secs == self.wait_secs { self.looks.saturating_add(1) } else { 0 };
                Some(self.again(wait_secs, looks, longer(wait_secs, looks), now))
            }
            Outcome::Busy(until) => {
                let free = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                let (wait_secs, looks) = (self.wait_secs, self.looks);
                Some(self.again(wait_secs, looks, (free + Duration::from_secs(1)).min(BUSY_AGAIN), now))
            }
        }
    }

    fn again(mut self, wait_secs: u64, looks: u32, delay: Duration, now: Timestamp) -> Later {
        self.work.continuation = self.work.continuation.saturating_add(1);
        Later { errand: Self { work: self.work, wait_secs, looks }, at: due(now, delay) }
    }
}

/// A wait that was asked for so many times in a row.
fn longer(wait_secs: u64, looks: u32) -> Duration {
    let grown = Duration::from_secs(wait_secs).as_secs_f64() * GROWTH.powf(f64::from(looks.min(100)));
    Duration::from_secs_f64(grown.min(LONGEST.as_secs_f64()))
}

/// When a wait that begins now is over: at the next point of a grid as wide as the wait, rounded to a power of
/// two. All chains of continuations of one deployment so come to the same points, and are one from there on,
/// because tasks are named by their time; otherwise every tick would add a chain. The first wait may be an eighth
/// of what was asked for: a look that comes too early costs a few reads.
fn due(now: Timestamp, delay: Duration) -> Timestamp {
    let longest = f64::from(LONGEST_CELL_SECS.ilog2());
    let power = delay.as_secs_f64().max(1.0).log2().round().min(longest);
    let cell = power.exp2() as i64;
    // Never so near that a clock that goes wrong by a little makes it the name of a task that ran already.
    let margin_millis = (cell * 1000 / 8).max(500);
    let earliest = now.as_millisecond().saturating_add(margin_millis);
    let second = (earliest.div_euclid(cell * 1000) + 1).saturating_mul(cell);
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn errand() -> Errand {
        Errand::new(Work::on("prod.yaml", "test"))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn waits_of_one_kind_grow_up_to_ten_minutes_and_start_anew_with_another_kind() {
        let (mut errand, mut now, mut waits) = (errand(), at(1_000_003), Vec::new());
        for _ in 0..30 {
            let later = errand.follow(&Outcome::Pending(Duration::from_secs(15)), now).unwrap();
            waits.push(later.at.as_second() - now.as_second());
            (errand, now) = (later.errand, later.at);
        }
        assert!((2..=18).contains(&waits[0]) && waits[1] == 16, "{waits:?}");
        assert!(waits[20..].iter().all(|wait| *wait == 512), "{waits:?}");
        assert_eq!(errand.work.continuation, 30);
        let other = errand.follow(&Outcome::Pending(Duration::from_secs(2)), now).unwrap();
        assert_eq!(other.at.as_second() - now.as_second(), 2);
    }

    #[test]
    fn no_wait_is_longer_than_ten_minutes() {
        for start in 0..600 {
            let later = errand().follow(&Outcome::Pending(Duration::from_secs(86_400)), at(start)).unwrap();
            let wait = later.at.as_second() - start;
            assert!((64..=600).contains(&wait), "{wait}");
        }
    }

    #[test]
    fn a_deployment_that_is_busy_is_asked_for_again_soon() {
        let later = |until| errand().follow(&Outcome::Busy(at(until)), at(1000)).unwrap().at.as_second();
        assert_eq!((later(900), later(1001), later(1090)), (1001, 1002, 1008));
    }

    #[test]
    fn what_is_settled_is_not_followed() {
        for outcome in [Outcome::Converged, Outcome::Stalled, Outcome::Refused, Outcome::Withdrawn] {
            assert_eq!(errand().follow(&outcome, at(0)), None);
        }
    }

    #[test]
    fn what_another_handler_has_to_write_goes_to_one_that_may_write_everything() {
        let narrow = Errand::new(Work { slices: vec![Slice::Backup], ..errand().work });
        let later = narrow.follow(&Outcome::HandedOver, at(1000)).unwrap();
        assert_eq!(later.errand.work.writes(), Slice::ALL);
        assert_eq!(later.at, at(1001));
    }

    #[test]
    fn all_chains_of_one_deployment_become_one() {
        let next = |now: Timestamp| {
            let errand = Errand { wait_secs: 600, looks: 3, ..errand() };
            // Each look takes some seconds itself.
            errand
                .follow(&Outcome::Pending(Duration::from_secs(600)), now + Duration::from_secs(7))
                .unwrap()
                .at
        };
        let mut chains: BTreeSet<Timestamp> = (0..40).map(|chain| at(50_000 + chain * 37)).collect();
        let mut looks = 0;
        while chains.len() > 1 {
            let first = chains.pop_first().unwrap();
            chains.insert(next(first));
            looks += 1;
            assert!(looks < 100, "{chains:?}");
        }
    }

    #[test]
    fn what_we_did_not_write_is_poison() {
        let written = serde_json::to_vec(&errand()).unwrap();
        assert_eq!(Errand::read(&written).unwrap(), errand());
        assert!(Errand::read(b"{}").is_err());
        assert!(Errand::read(br#"{"deployment":"a","object":"b.yaml","cause":""}"#).is_err());
        assert!(Errand::read(br#"{"deployment":"../a","object":"../a.yaml","cause":""}"#).is_err());
    }
}
