//! Server-side apply: typed merging and the ownership of fields.

pub mod managers;
pub mod path;

mod combine;
mod compare;
mod fields_v1;
mod update;
mod walk;

pub use update::{Conflict, Write};
pub use walk::{is_associative, step_to, strip_nulls};
