//! The cloud in the process: servers on loopback that speak Google's and Kubernetes' own protocols.
//!
//! Production code reaches them through the same clients as the real ones and cannot tell.

pub mod clock;
pub mod containers;
pub mod google;
pub mod kubernetes;
