//! Work: a queued request to converge a deployment.

use serde::{Deserialize, Serialize};

use crate::slice::Slice;

use super::hint::Hint;

/// A queued request: converge these slices of this deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The deployment: its spec file's stem.
    pub deployment: String,
    /// Name of the spec object in the spec bucket.
    pub object: String,
    /// The slices to converge; empty means all.
    #[serde(default)]
    pub slices: Vec<Slice>,
    /// What set it in motion, for the history: `google.cloud.storage.object.v1.finalized`.
    pub cause: String,
    /// How often this work has handed over to a continuation.
    #[serde(default)]
    pub continuation: u32,
    /// What an event told of, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Hint>,
}

impl Work {
    /// Work on all slices of the deployment whose spec is this object.
    pub fn on(object: &str, cause: &str) -> Self {
        Self {
            deployment: stem(object).into(),
            object: object.into(),
            slices: Vec::new(),
            cause: cause.into(),
            continuation: 0,
            hint: None,
        }
    }

    /// The slices that this work may write.
    pub fn writes(&self) -> Vec<Slice> {
        if self.slices.is_empty() { Slice::ALL.to_vec() } else { self.slices.clone() }
    }
}

/// The endings of spec files.
const ENDINGS: [&str; 5] = [".tfvars.json", ".tfvars", ".yaml", ".yml", ".json"];

/// Whether an object of the spec bucket is a spec: its ending says so, and it is not hidden or in a folder.
pub fn is_spec(object: &str) -> bool {
    !object.starts_with('.') && !object.contains('/') && stem(object) != object && !stem(object).is_empty()
}

/// A spec object's stem, which is the deployment's name.
pub fn stem(object: &str) -> &str {
    ENDINGS.iter().find_map(|ending| object.strip_suffix(ending)).unwrap_or(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spec_files_at_the_top_are_specs() {
        assert!(is_spec("prod.yaml") && is_spec("prod.tfvars") && is_spec("a.tfvars.json"));
        assert!(
            !is_spec("notes.txt")
                && !is_spec("archive/prod.yaml")
                && !is_spec(".yaml")
                && !is_spec(".x.yaml")
        );
        assert_eq!(stem("prod.tfvars.json"), "prod");
    }
}
