//! What a user may ask for.
//!
//! `variables.rs` is the index: one row per variable. Everything else here reads, checks or explains
//! those rows.

pub mod change;
mod coerce;
pub mod conceal;
pub mod convert;
pub mod defaults;
mod digest;
pub mod document;
pub mod explain;
pub mod finding;
pub mod findings;
pub mod index;
pub mod limits;
pub mod names;
pub mod parse;
pub mod report;
pub mod schema;
pub mod shape;
pub mod types;
pub mod validate;
pub mod variable;
pub mod variables;
pub mod versions;
mod yaml;

pub use explain::explain;
pub use finding::{Finding, Severity, Span};
pub use parse::{Given, Reading, read};
pub use report::Report;
pub use variables::{Spec, VARIABLES};
