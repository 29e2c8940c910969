//! A Kubernetes API server in the process: discovery, objects, server-side apply with its ownership of
//! fields, watches, and controllers just alive enough that workloads become available and Jobs end.
//!
//! It speaks plain HTTP on loopback. Production code reaches it through `kube` and cannot tell.

mod allocate;
mod controllers;
mod core;
mod defaults;
mod discovery;
mod failure;
mod faults;
mod http;
mod kinds;
mod merge;
mod request;
mod schema;
mod selector;
mod server;
mod settings;
mod snapshot;
mod store;
mod traffic;
mod validate;
mod verbs;
mod write;

#[cfg(test)]
mod tests;

pub use failure::{Cause, Failure};
pub use faults::{Action, Faults};
pub use server::{Options, Server};
pub use settings::{Addresses, Container, Containers, Delays};
pub use traffic::{Record, RequestInfo};
