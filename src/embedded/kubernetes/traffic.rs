//! What was asked, in order.

/// One request, before it is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo {
    /// Its number, from 1.
    pub seq: u64,
    /// `GET`, `PATCH`, …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query as it came.
    pub query: String,
    /// The `User-Agent`.
    pub user_agent: String,
}

/// One request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The request.
    pub request: RequestInfo,
    /// The HTTP status; 0 if the connection broke.
    pub status: u16,
}

impl RequestInfo {
    /// Whether it was to change something.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.query.contains("dryRun=All")
    }
}

/// The requests so far.
#[derive(Default)]
pub(super) struct Log {
    records: Vec<Record>,
    seq: u64,
}

impl Log {
    /// The number of the next request.
    pub fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// The number of the last request.
    pub fn last(&self) -> u64 {
        self.seq
    }

    /// Writes one down.
    pub fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Those so far.
    pub fn records(&self) -> Vec<Record> {
        self.records.clone()
    }

    /// Those so far, which are then forgotten.
    pub fn take(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }
}
