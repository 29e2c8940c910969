//! Pull mode on the real Pub/Sub emulator. Where there is none, what needs it is reported as skipped.

mod support;

#[path = "door/issuer.rs"]
#[allow(dead_code, reason = "the door's tests use the rest")]
mod issuer;
#[path = "pull/messages.rs"]
mod messages;
#[path = "door/service.rs"]
#[allow(dead_code, reason = "the door's tests use the rest")]
mod service;
