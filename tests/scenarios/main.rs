//! Scenarios: what a user does, and what comes of it, on the embedded cloud in virtual time.

#[path = "../harness/mod.rs"]
mod harness;

mod backup_due;
mod spec_committed;
