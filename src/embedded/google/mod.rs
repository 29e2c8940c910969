//! Google Cloud on loopback: the APIs the reconciler calls, the events, tasks and schedules that call it.
//!
//! An API is reached at `{url}/{host}/{path}`; Cloud Storage and the container registry answer at the root
//! too. Everything lives in one [`store::World`] of JSON documents; each API is one file under `apis`.

mod apis;
mod call;
mod cloud;
mod context;
mod cron;
mod crud;
mod delivery;
mod dispatch;
mod error;
mod faults;
mod files;
mod filter;
mod inspect;
mod list;
mod log;
mod mask;
mod operation;
mod options;
mod persist;
mod policy;
mod precondition;
mod reply;
mod router;
mod seed;
mod server;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod token;

pub use call::Call;
pub use context::Delays;
pub use faults::{Fault, FaultKind, Hook, Verdict};
pub use files::Files;
pub use inspect::PendingTask;
pub use log::Recorded;
pub use options::Options;
pub use seed::Cluster;
pub use server::Server;
