//! What should exist: one kind of resource, one file. Pure: no time, randomness, environment or I/O.
//!
//! [`declare`] turns a spec and what was seen into [`Declared`] resources. The planner compares them
//! with the inventory; it never looks inside a kind, it asks the functions of `google::driver` and
//! `kubernetes::driver`.

pub mod context;
pub mod document;
pub mod facts;
pub mod google;
pub mod id;
pub mod kubernetes;
pub mod mirror;
pub mod names;
pub mod recipe;
pub mod wait;
pub mod watch;

pub use context::Context;
pub use document::Document;
pub use id::{Kind, ResourceId};
pub use names::Names;
pub use recipe::Recipe;
pub use wait::{Wait, WaitKind};

use crate::plan::{GoogleRequest, RegistryRequest};
use crate::slice::Slice;

/// One thing that should exist, and what can be said of it now.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Which thing.
    pub id: ResourceId,
    /// The slice it belongs to.
    pub slice: Slice,
    /// Resources that must be ready before this one is written.
    pub needs: Vec<ResourceId>,
    /// How it should be.
    pub desired: Desired,
}

/// How a resource should be.
#[derive(Clone, Debug)]
pub enum Desired {
    /// Like this document, in every field the document has.
    Ready(Document),
    /// Not known yet; what exists stays as it is.
    Waiting(Vec<Wait>),
    /// It must exist and be ready, but it is not ours to write.
    Found,
    /// It must exist; its content is drawn once, when it is made.
    Generated(Recipe),
    /// It exists, and the next arrow of a procedure changes it.
    Act(Act),
    /// It must exist, as a copy of what a registry has; the call that makes it.
    Copied(RegistryRequest),
}

/// One arrow of a procedure: the call, and what it changes.
#[derive(Clone, Debug)]
pub struct Act {
    /// The call.
    pub request: GoogleRequest,
    /// What it changes. Never a secret.
    pub changes: Vec<Change>,
}

/// How far a resource that exists has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Others may build on it.
    Ready,
    /// It is on its way.
    NotYet(Wait),
    /// It will not get there by itself; the text says why and what can be done.
    Failed(String),
}

/// One difference between what should be and what is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Path of the field, `/spec/replicas`.
    pub path: String,
    /// What is there; `None` when nothing is. Never a secret.
    pub from: Option<String>,
    /// What should be there; `None` when it should go. Never a secret.
    pub to: Option<String>,
}

/// Everything that should exist for this deployment, as far as it can be said from what was seen.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let mut declared = google::declare(context);
    declared.extend(kubernetes::declare(context));
    declared
}
