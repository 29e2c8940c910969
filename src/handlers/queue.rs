//! How an errand looks in the queue: its name, where it goes, how long it may take.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::tasks::{Errand, Later};
use crate::cloud::Task;

/// How long the queue waits for an answer, in seconds. The same as the service's own time limit.
pub const DEADLINE_SECS: u32 = 600;

/// How far apart a fleet's deployments are looked at, in milliseconds: a look takes about two seconds, and quotas are
/// per minute.
const APART_MILLIS: i64 = 2000;

/// How long a tick may take to go round, in seconds: less than the shortest interval that is of any use.
const LONGEST_SPREAD_SECS: i64 = 240;

/// Where the queue delivers.
#[derive(Clone, Debug)]
pub struct Address {
    /// Our own address, without a slash at its end.
    pub service_url: String,
}

impl Address {
    /// The first task of an event's work. Named by the event's natural key, so that a duplicate of the event is
    /// the same task.
    pub fn first(&self, errand: &Errand, event_key: &str) -> Task {
        self.task(errand, None, name(errand, &["event", event_key]))
    }

    /// The same, not before this time.
    pub fn first_at(&self, errand: &Errand, event_key: &str, at: Option<Timestamp>) -> Task {
        Task { at, ..self.first(errand, event_key) }
    }

    /// A continuation. Named by its time, so that a name is never used twice, and two continuations of the same
    /// slices for the same moment are one.
    pub fn later(&self, later: &Later) -> Task {
        let second = later.at.as_second().to_string();
        self.task(&later.errand, Some(later.at), name(&later.errand, &["at", &second]))
    }

    fn task(&self, errand: &Errand, at: Option<Timestamp>, name: String) -> Task {
        Task {
            name,
            at,
            url: format!("{}/tasks", self.service_url),
            audience: self.service_url.clone(),
            body: serde_json::to_value(errand).unwrap_or_default(),
            deadline_secs: DEADLINE_SECS,
        }
    }
}

/// When each of a fleet's deployments is to be looked at: one after the other instead of all at once, in an order
/// that is another one at each tick, so that nobody is always last. The first goes at once.
pub fn spread(mut objects: Vec<String>, event_key: &str, now: Timestamp) -> Vec<(String, Option<Timestamp>)> {
    let many = i64::try_from(objects.len()).unwrap_or(i64::MAX).max(1);
    let apart_millis = (LONGEST_SPREAD_SECS * 1000 / many).min(APART_MILLIS);
    objects.sort_by_cached_key(|object| Sha256::digest(format!("{event_key}\n{object}")).to_vec());
    let at = |place: usize| {
        let millis = apart_millis.saturating_mul(i64::try_from(place).unwrap_or(i64::MAX));
        (place > 0).then(|| now.checked_add(SignedDuration::from_millis(millis)).unwrap_or(now))
    };
    objects.into_iter().enumerate().map(|(place, object)| (object, at(place))).collect()
}

/// A hash of what the errand is about and of what makes it unique. A queue is slow with names that begin alike.
fn name(errand: &Errand, unique: &[&str]) -> String {
    let work = &errand.work;
    let mut parts = vec![work.object.as_str()];
    parts.extend(work.slices.iter().map(|slice| slice.name()));
    parts.extend(unique);
    // Two chains for different hints stay two: each has its own to look at.
    let hint = work.hint.as_ref().and_then(|hint| serde_json::to_string(hint).ok());
    parts.extend(hint.as_deref());
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..20])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converge::Work;

    #[test]
    fn a_duplicate_has_its_twins_name_and_nothing_else_has() {
        let address = Address { service_url: "https://door".into() };
        let errand = |object| Errand::new(Work::on(object, "test"));
        let one = address.first(&errand("a.yaml"), "finalized/specs/a.yaml/1");
        assert_eq!(one.name, address.first(&errand("a.yaml"), "finalized/specs/a.yaml/1").name);
        assert_ne!(one.name, address.first(&errand("a.yaml"), "finalized/specs/a.yaml/2").name);
        assert_ne!(one.name, address.first(&errand("b.yaml"), "finalized/specs/a.yaml/1").name);
        assert_eq!((one.url.as_str(), one.audience.as_str()), ("https://door/tasks", "https://door"));
        let at = |second| Timestamp::from_second(second).unwrap();
        let later = |second| address.later(&Later { errand: errand("a.yaml"), at: at(second) });
        assert_ne!(later(8).name, later(16).name);
        assert_eq!(later(8).at, Some(at(8)));
    }

    #[test]
    fn a_fleet_is_looked_at_one_after_the_other_and_nobody_is_always_last() {
        let now = Timestamp::UNIX_EPOCH;
        let fleet = |count: usize| (0..count).map(|n| format!("d{n}.yaml")).collect::<Vec<_>>();
        assert_eq!(spread(fleet(1), "tick/1", now), [("d0.yaml".to_owned(), None)]);
        let times =
            |count| spread(fleet(count), "tick/1", now).into_iter().map(|(_, at)| at).collect::<Vec<_>>();
        let second = |n| Some(Timestamp::from_second(n).unwrap());
        assert_eq!(times(3), [None, second(2), second(4)]);
        assert!(times(10_000).iter().flatten().all(|at| at.as_second() < 240));
        let last = |tick: &str| -> String { spread(fleet(20), tick, now).pop().unwrap().0 };
        assert!((1..9).any(|tick| last(&format!("tick/{tick}")) != last("tick/9")));
        assert_eq!(last("tick/9"), last("tick/9"), "a duplicate of the tick is the same");
    }
}
