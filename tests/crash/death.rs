//! A death: at which call it comes, before or after it, and how the rest of the process is kept from going on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dify_reconciler::embedded::google::Verdict;
use dify_reconciler::embedded::kubernetes::Action;
use tokio::sync::Notify;

use crate::harness::Stage;

/// Before the call is carried out, or after it, before its answer arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// At which call a death comes, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The nth that changes something.
    Write(usize),
    /// The nth of all.
    Call(usize),
    /// None.
    Never,
}

/// A death that is to come, or that only counts calls.
pub struct Death {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    moment: Moment,
    writes: AtomicUsize,
    calls: AtomicUsize,
    dead: AtomicBool,
    came: Notify,
}

/// What happens to one call.
#[derive(PartialEq, Eq)]
enum Fate {
    Served,
    Lost,
    AnswerLost,
}

impl Death {
    /// Counts calls and never comes.
    pub fn never(stage: &Stage) -> Self {
        Self::at(stage, Place::Never, Moment::Before)
    }

    /// Comes at this call.
    pub fn at(stage: &Stage, place: Place, moment: Moment) -> Self {
        let inner = Arc::new(Inner {
            place,
            moment,
            writes: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            dead: AtomicBool::new(false),
            came: Notify::new(),
        });
        let google = inner.clone();
        stage.google.intercept(move |call| match google.fate(call.is_write()) {
            Fate::Served => Verdict::Pass,
            Fate::Lost => Verdict::DropBefore,
            Fate::AnswerLost => Verdict::DropAfter,
        });
        let kubernetes = inner.clone();
        stage.kubernetes.faults().intercept(move |request| match kubernetes.fate(request.method != "GET") {
            Fate::Served => Action::Proceed,
            Fate::Lost => Action::DropBefore,
            Fate::AnswerLost => Action::DropAfter,
        });
        Self { inner }
    }

    /// How many writes and how many calls in all were counted.
    pub fn counted(&self) -> (usize, usize) {
        (self.inner.writes.load(Ordering::SeqCst), self.inner.calls.load(Ordering::SeqCst))
    }

    /// Returns when death has come.
    pub async fn came(&self) {
        self.inner.came.notified().await;
    }

    /// The clouds go on without the process.
    pub async fn over(&self, stage: &Stage) {
        stage.google.clear_intercept();
        stage.kubernetes.faults().clear();
    }
}

impl Inner {
    fn fate(&self, is_write: bool) -> Fate {
        if self.dead.load(Ordering::SeqCst) {
            // Nothing that the dying process still sends arrives.
            return Fate::Lost;
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let write = is_write.then(|| self.writes.fetch_add(1, Ordering::SeqCst) + 1);
        let comes = match self.place {
            Place::Write(number) => write == Some(number),
            Place::Call(number) => call == number,
            Place::Never => false,
        };
        if !comes {
            return Fate::Served;
        }
        self.dead.store(true, Ordering::SeqCst);
        self.came.notify_one();
        if self.moment == Moment::Before { Fate::Lost } else { Fate::AnswerLost }
    }
}
