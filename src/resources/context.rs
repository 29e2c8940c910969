//! What the kinds are declared from.

use crate::inventory::Inventory;
use crate::spec::Spec;

use super::Names;

/// Everything a desired document may depend on. There is nothing else: no time, no randomness.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What the user asked for.
    pub spec: &'a Spec,
    /// What things are called.
    pub names: &'a Names,
    /// Generation of the spec object: the version and the fencing number.
    pub generation: i64,
    /// What was seen.
    pub seen: &'a Inventory,
}
