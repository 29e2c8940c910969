//! Attestors of Binary Authorization: who has to have vouched for an image.
//!
//! Identity: `projects/<p>/attestors/<a>`. They are found, never made: the key that an attestor trusts and whoever
//! signs with it belong to the build, not to what is deployed. Readiness: at once (Binary Authorization v1).

use std::collections::BTreeSet;

use crate::images::attest;
use crate::resources::{Context, Declared, Desired, ResourceId};
use crate::slice::Slice;

use super::descriptor::{Descriptor, READ_ONLY};
use super::{Kind, declared};

/// Binary Authorization v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "binaryauthorization.googleapis.com",
    get: "binaryauthorization.projects.attestors.get",
    ..READ_ONLY
};

/// An attestor's address.
pub fn id(name: &str) -> ResourceId {
    ResourceId::google(Kind::Attestor, name)
}

/// The attestors that the spec names.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let project = &context.names.project;
    let names: BTreeSet<String> = attest::of_policy(context.spec, project)
        .into_iter()
        .chain(attest::of_release(context.spec))
        .collect();
    names.iter().map(|name| declared(context, id(name), Slice::Images, Desired::Found, Vec::new())).collect()
}
