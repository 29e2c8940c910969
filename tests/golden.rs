//! The whole default deployment as YAML, and what must be true of every object of every deployment.

mod library {
    pub use dify_reconciler::*;
}
mod support;

#[path = "golden/database.rs"]
mod database;
#[path = "golden/fixture.rs"]
mod fixture;
#[path = "golden/google_transitions.rs"]
mod google_transitions;
#[path = "golden/server.rs"]
mod server;
#[path = "golden/snapshots.rs"]
mod snapshots;
#[path = "golden/transitions.rs"]
mod transitions;
#[path = "golden/truths.rs"]
mod truths;
