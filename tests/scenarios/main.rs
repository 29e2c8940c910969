//! Scenarios: what a user does, and what comes of it, on the embedded cloud in virtual time.

#[path = "../harness/mod.rs"]
mod harness;

mod image_built;
mod image_pushed;
mod rollout_promoted;
mod spec_committed;
