//! A delivery that no attempt will ever make sense of.

use std::fmt;

/// What is wrong with a delivery. The text never quotes the delivery, which may hold anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// Which sort of wrong, for counting.
    pub flaw: Flaw,
    /// For people.
    pub why: String,
}

/// Sorts of wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// It is in no envelope that we know.
    Envelope,
    /// It is not JSON, or not base64, where it has to be.
    Encoding,
    /// Something that has to be there is missing.
    Missing,
    /// Something is of the wrong type, or contradicts something else.
    Shape,
    /// There are more events in it than we take.
    TooMany,
    /// Nothing is wrong with it, but it failed whenever it was tried.
    Undeliverable,
}

impl Flaw {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Flaw::Envelope => "envelope",
            Flaw::Encoding => "encoding",
            Flaw::Missing => "missing",
            Flaw::Shape => "shape",
            Flaw::TooMany => "too-many",
            Flaw::Undeliverable => "undeliverable",
        }
    }
}

impl Poison {
    /// A delivery that is wrong in this way.
    pub fn new(flaw: Flaw, why: impl Into<String>) -> Self {
        Self { flaw, why: why.into() }
    }

    /// Something that has to be there is missing.
    pub fn missing(what: &str) -> Self {
        Self::new(Flaw::Missing, format!("{what} is missing"))
    }

    /// JSON that cannot be read. Says where, and not what, because the parser's own text quotes the content.
    pub fn json(what: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Data => {
                Self::new(Flaw::Shape, format!("{what} has another shape than it should"))
            }
            _ => Self::new(Flaw::Encoding, format!("{what} is not JSON (line {line}, column {column})")),
        }
    }
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Poison {}
