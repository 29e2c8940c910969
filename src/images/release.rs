//! A release: the API image and the web image together. Their versions have to be equal, so that both move at once
//! and go back at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::resources::kubernetes::images::{self, Image};
use crate::spec::Spec;

/// Digests by image reference: `langgenius/dify-api:1.17.1` to `sha256:…`.
pub type Digests = BTreeMap<String, String>;

/// The references of the release that a registry decides: API and web, unless the spec gives their digests.
pub fn references(spec: &Spec) -> Vec<String> {
    let needed: BTreeSet<String> = images::references(spec).into_iter().collect();
    [Image::Api, Image::Web]
        .into_iter()
        .map(|image| images::reference(spec, image))
        .filter(|reference| needed.contains(reference))
        .collect()
}

/// The part of some digests that belongs to these references; `None` unless all of them are known.
pub fn part(digests: &Digests, references: &[String]) -> Option<Digests> {
    references.iter().map(|reference| Some((reference.clone(), digests.get(reference)?.clone()))).collect()
}

/// Whether digests are a release of exactly these references.
pub fn is_of(release: &Digests, references: &[String]) -> bool {
    release.len() == references.len() && references.iter().all(|reference| release.contains_key(reference))
}

/// A release for people: each image that differs from the other release, with its digest.
pub fn shown(release: &Digests, other: &Digests) -> Vec<String> {
    release
        .iter()
        .filter(|(reference, digest)| other.get(*reference) != Some(*digest))
        .map(|(reference, digest)| format!("{reference}@{digest}"))
        .collect()
}
