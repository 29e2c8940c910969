//! A queue as Cloud Tasks is one: a name is taken once, tasks come when they are due, and again when they fail.

use std::collections::BTreeSet;

use dify_reconciler::handlers::Errand;
use dify_reconciler::handlers::queue::Address;
use dify_reconciler::handlers::tasks::Later;
use jiff::Timestamp;
use rand::Rng;
use rand::rngs::StdRng;

/// Tasks that are queued.
pub struct Queue {
    address: Address,
    names: BTreeSet<String>,
    tasks: Vec<(Timestamp, Errand)>,
    /// Tasks that were there already.
    pub duplicates: u64,
}

impl Queue {
    pub fn new() -> Self {
        let address = Address { service_url: "https://door".into() };
        Self { address, names: BTreeSet::new(), tasks: Vec::new(), duplicates: 0 }
    }

    /// Queues the work of an event.
    pub fn first(&mut self, errand: Errand, key: &str, now: Timestamp) {
        let name = self.address.first(&errand, key).name;
        self.add(name, now, errand);
    }

    /// Queues a continuation.
    pub fn later(&mut self, later: Later) {
        let name = self.address.later(&later).name;
        self.add(name, later.at, later.errand);
    }

    /// A task whose delivery failed comes again.
    pub fn again(&mut self, errand: Errand, now: Timestamp) {
        self.tasks.push((now, errand));
    }

    fn add(&mut self, name: String, at: Timestamp, errand: Errand) {
        if self.names.insert(name) {
            self.tasks.push((at, errand));
        } else {
            self.duplicates += 1;
        }
    }

    /// Any one of the tasks that are due.
    pub fn take(&mut self, now: Timestamp, chance: &mut StdRng) -> Option<Errand> {
        let due: Vec<usize> = (0..self.tasks.len()).filter(|at| self.tasks[*at].0 <= now).collect();
        let at = *due.get(chance.random_range(0..due.len().max(1)))?;
        Some(self.tasks.swap_remove(at).1)
    }

    /// When the next task is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.tasks.iter().map(|(at, _)| *at).min()
    }
}
