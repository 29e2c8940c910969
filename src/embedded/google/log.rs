//! What was asked: every request in order, and the paths nobody answers.

use super::call::Call;

/// One request that was answered, or whose connection was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Place in the order of requests, from 1.
    pub seq: u64,
    /// Upper-case method.
    pub method: String,
    /// The host it was meant for.
    pub host: String,
    /// The path on that host.
    pub path: String,
    /// Query parameters in order.
    pub query: Vec<(String, String)>,
    /// The status answered; 0 when the connection was closed instead.
    pub status: u16,
    /// Whether the call could change something.
    pub write: bool,
}

/// The requests so far. Old ones are forgotten beyond a bound, so that a long-running cloud stays small.
#[derive(Default)]
pub struct Log {
    seq: u64,
    requests: Vec<Recorded>,
    unimplemented: Vec<String>,
}

/// More than any test makes.
const KEPT: usize = 100_000;

impl Log {
    /// Notes a request; answers its number.
    pub fn note(&mut self, call: &Call, status: u16) -> u64 {
        self.seq += 1;
        if self.requests.len() >= KEPT {
            self.requests.drain(..KEPT / 2);
        }
        self.requests.push(Recorded {
            seq: self.seq,
            method: call.method.clone(),
            host: call.host.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            status,
            write: call.is_write(),
        });
        self.seq
    }

    /// Notes a path nobody answers.
    pub fn unimplemented(&mut self, call: &Call) {
        self.unimplemented.push(format!("{} {}{}", call.method, call.host, call.path));
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.clone()
    }

    /// The paths nobody answers, as `METHOD host/path`.
    pub fn missing(&self) -> Vec<String> {
        self.unimplemented.clone()
    }

    /// The last number given.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}
