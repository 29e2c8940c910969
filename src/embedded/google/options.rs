//! How an embedded Google Cloud is set up.

use std::path::PathBuf;

use super::context::Delays;
use crate::embedded::clock::Clock;

/// What [`Server::start`](super::Server::start) needs to know.
#[derive(Clone)]
pub struct Options {
    /// The time everything happens by.
    pub clock: Clock,
    /// How long things take.
    pub delays: Delays,
    /// Project id.
    pub project: String,
    /// Project number.
    pub project_number: String,
    /// The directory behind the bucket `specs`; without one the bucket is not made.
    pub specs_dir: Option<PathBuf>,
    /// The directory behind the bucket `state`; without one the bucket is not made.
    pub state_dir: Option<PathBuf>,
    /// The file the world is kept in; without one it is forgotten.
    pub persist: Option<PathBuf>,
    /// The port; 0 for a free one.
    pub port: u16,
    /// Whether calls to an API that is not enabled are refused.
    pub strict_apis: bool,
    /// Whether plausible tags of well-known images exist without being seeded.
    pub plausible_tags: bool,
    /// Whether a second write to one object within a second is refused with 429.
    pub object_rate_limit: bool,
}

impl Options {
    /// A forgetful, strict cloud with realistic delays and an empty project.
    pub fn new(clock: Clock, project: &str, project_number: &str) -> Self {
        Self {
            clock,
            delays: Delays::default(),
            project: project.to_owned(),
            project_number: project_number.to_owned(),
            specs_dir: None,
            state_dir: None,
            persist: None,
            port: 0,
            strict_apis: true,
            plausible_tags: true,
            object_rate_limit: false,
        }
    }
}
