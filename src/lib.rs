//! The library behind the one binary: see the map in `README.md`.

pub mod backup;
pub mod cli;
pub mod cloud;
pub mod condition;
pub mod config;
pub mod converge;
pub mod embedded;
pub mod error;
pub mod events;
pub mod handlers;
pub mod http;
pub mod images;
pub mod inventory;
pub mod notify;
pub mod plan;
pub mod redact;
pub mod resources;
pub mod rotation;
pub mod slice;
pub mod spec;
pub mod state;
pub mod telemetry;
