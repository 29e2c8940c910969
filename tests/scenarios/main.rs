//! Scenarios: what a user does, and what comes of it, on the embedded cloud in virtual time.

#[path = "../harness/mod.rs"]
mod harness;

mod notifications;
mod orders;
mod quiet;
mod rotating;
mod rotation_due;
mod secret_changed;
mod spec_committed;
mod spec_withdrawn;
mod watched;
