//! What is counted in this process, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds in seconds: an event is to be taken within 2 s, a work may take minutes.
const BOUNDS: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 10.0, 60.0, 240.0, 600.0];

/// A number that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Events that arrived, by event and by what came of them.
    Events,
    /// Deliveries that were put aside, by flaw.
    Poison,
    /// Works, by outcome.
    Works,
    /// Requests, by route and reply.
    Requests,
}

/// A time that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A request, by route.
    Requests,
    /// A work.
    Works,
}

/// Labels, all from closed sets: never something that was sent to us, and never a deployment's name.
type Labels = [&'static str; 2];

#[derive(Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum_secs: f64,
}

#[derive(Default)]
struct Numbers {
    counters: BTreeMap<(Counter, Labels), u64>,
    timers: BTreeMap<(Timer, Labels), Histogram>,
}

/// What is counted.
#[derive(Default)]
pub struct Metrics(Mutex<Numbers>);

impl Metrics {
    /// Counts one more. A counter with one label leaves the second empty.
    pub fn count(&self, counter: Counter, labels: Labels) {
        self.numbers(|numbers| *numbers.counters.entry((counter, labels)).or_default() += 1);
    }

    /// Notes how long something took.
    pub fn time(&self, timer: Timer, labels: Labels, took: Duration) {
        self.numbers(|numbers| {
            let histogram = numbers.timers.entry((timer, labels)).or_default();
            let secs = took.as_secs_f64();
            for (bucket, bound) in histogram.buckets.iter_mut().zip(BOUNDS) {
                *bucket += u64::from(secs <= bound);
            }
            histogram.count += 1;
            histogram.sum_secs += secs;
        });
    }

    /// Everything, in Prometheus' text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.numbers(|numbers| {
            for counter in [Counter::Events, Counter::Poison, Counter::Works, Counter::Requests] {
                let (name, help, keys) = counter.about();
                let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
                for ((_, labels), value) in numbers.counters.iter().filter(|((of, _), _)| *of == counter) {
                    let _ = writeln!(text, "{name}{{{}}} {value}", pairs(keys, labels));
                }
            }
            for timer in [Timer::Requests, Timer::Works] {
                let (name, help, keys) = timer.about();
                let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram");
                for ((_, labels), histogram) in numbers.timers.iter().filter(|((of, _), _)| *of == timer) {
                    histogram.write(&mut text, name, &pairs(keys, labels));
                }
            }
        });
        text
    }

    /// A lock whose holder panicked is still good: numbers are never half written.
    fn numbers<T>(&self, work: impl FnOnce(&mut Numbers) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Counter {
    fn about(self) -> (&'static str, &'static str, [&'static str; 2]) {
        match self {
            Counter::Events => ("dify_events_total", "Events that arrived.", ["event", "outcome"]),
            Counter::Poison => ("dify_poison_total", "Deliveries that were put aside.", ["flaw", ""]),
            Counter::Works => ("dify_works_total", "Works that ended.", ["outcome", ""]),
            Counter::Requests => ("dify_requests_total", "Requests that were answered.", ["route", "reply"]),
        }
    }
}

impl Timer {
    fn about(self) -> (&'static str, &'static str, [&'static str; 2]) {
        match self {
            Timer::Requests => ("dify_request_seconds", "How long requests took.", ["route", ""]),
            Timer::Works => ("dify_work_seconds", "How long works took.", ["outcome", ""]),
        }
    }
}

impl Histogram {
    fn write(&self, text: &mut String, name: &str, labels: &str) {
        for (bound, bucket) in BOUNDS.iter().zip(self.buckets) {
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {bucket}");
        }
        let Self { count, sum_secs, .. } = self;
        let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "{name}_sum{{{labels}}} {sum_secs}\n{name}_count{{{labels}}} {count}");
    }
}

fn pairs(keys: [&str; 2], labels: &Labels) -> String {
    let named = keys.iter().zip(labels).filter(|(key, _)| !key.is_empty());
    named.map(|(key, value)| format!("{key}=\"{value}\"")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_prometheus_wants_it() {
        let metrics = Metrics::default();
        metrics.count(Counter::Events, ["spec_committed", "queued"]);
        metrics.count(Counter::Events, ["spec_committed", "queued"]);
        metrics.time(Timer::Requests, ["/events", ""], Duration::from_millis(70));
        let text = metrics.text();
        assert!(text.contains("dify_events_total{event=\"spec_committed\",outcome=\"queued\"} 2\n"));
        assert!(text.contains("dify_request_seconds_bucket{route=\"/events\",le=\"0.05\"} 0\n"));
        assert!(text.contains("dify_request_seconds_bucket{route=\"/events\",le=\"0.1\"} 1\n"));
        assert!(text.contains("dify_request_seconds_count{route=\"/events\"} 1\n"));
    }
}
