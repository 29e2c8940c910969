//! Scenarios: what a user does, and what comes of it, on the embedded cloud in virtual time.

#[path = "../harness/mod.rs"]
mod harness;

mod attested;
mod backup_due;
mod door;
mod handlers;
mod image_built;
mod image_pushed;
mod mirroring;
mod notifications;
mod orders;
mod quiet;
mod refused;
mod releases;
mod rollout_promoted;
mod rotating;
mod rotating_keys;
mod rotation_due;
mod secret_changed;
mod spec_committed;
mod spec_withdrawn;
mod taking_turns;
mod upgrading;
mod watched;
