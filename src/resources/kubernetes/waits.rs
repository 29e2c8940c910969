//! Collecting everything that a document waits on, instead of stopping at the first.

use std::collections::BTreeSet;

use crate::resources::Wait;

/// What is missing so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits(BTreeSet<Wait>);

impl Waits {
    /// The value, or a stand-in after noting what it waits on. A document made with a stand-in is thrown
    /// away (see [`super::scope::Scope::declare`]).
    pub fn take<T: Default>(&mut self, fact: Result<T, Wait>) -> T {
        fact.unwrap_or_else(|wait| {
            self.0.insert(wait);
            T::default()
        })
    }

    /// Like [`take`](Self::take), for what has no stand-in.
    pub fn try_take<T>(&mut self, fact: Result<T, Wait>) -> Option<T> {
        fact.map_err(|wait| self.0.insert(wait)).ok()
    }

    /// Adds what another document waits on.
    pub fn extend(&mut self, others: &Waits) {
        self.0.extend(others.0.iter().cloned());
    }

    /// Both together.
    pub fn and(&self, others: &Waits) -> Waits {
        let mut all = self.clone();
        all.extend(others);
        all
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is missing, each reason once.
    pub fn into_vec(self) -> Vec<Wait> {
        self.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_collected_once() {
        let mut waits = Waits::default();
        let missing = |why: &str| Err::<String, _>(Wait::dependency(why));
        assert_eq!(waits.take(Ok("there".to_owned())), "there");
        assert_eq!(waits.take(missing("a")), "");
        waits.take(missing("b"));
        waits.take(missing("a"));
        assert_eq!(waits.into_vec(), [Wait::dependency("a"), Wait::dependency("b")]);
    }
}
