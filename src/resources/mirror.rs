//! Where images run from: their place in the deployment's own repository, and which of them have to be copied there.
//!
//! An image is copied whole, by digest: an index with every manifest that it lists, and each of them with its blobs. So
//! what the pods are told is the very digest that a tag pointed at, that a build reported and that somebody approved,
//! and no table has to remember which digest stands for which. The other choice, one platform alone, is half as much
//! to copy for most images, and runs a digest that nobody has ever looked at.
//!
//! A copy gets a tag of its own, `deployed-<tag>-<digest>`, because the repository's cleanup keeps what such a tag is
//! on and may delete everything else (`google/repository.rs`): the place of a copy is its package, its tag and its
//! digest. Manifests that an index lists have no tag; Artifact Registry does not delete what an index refers to.

mod content;
mod turn;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use content::{Content, Part};
pub use turn::{Missing, missing};

use super::google::repository;
use super::{Context, Wait, facts, kubernetes};

/// Digits of a digest that make a tag: enough to tell apart what one tag ever pointed at.
const SHORT: usize = 12;
/// Longest part of a source's tag that goes into ours; a tag has 128 characters at most.
const LONGEST_TAG: usize = 100;

/// The repository that images are copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Host with project and repository: `us-central1-docker.pkg.dev/p-1/appdify`.
    base: String,
    /// End of the hosts of Artifact Registry, with the project: `-docker.pkg.dev/p-1/`.
    project: String,
}

/// What was seen of copies, and of what they are copied from.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// Every tagged image in the repository, `package:tag@digest`; why they could not be listed; or nothing, because
    /// nobody looked or there is no repository yet.
    pub copied: Option<Result<BTreeSet<String>, String>>,
    /// Manifests of images that are not copied yet, by digest; or what their source has to wait for.
    pub content: BTreeMap<String, Result<Content, Wait>>,
    /// Parts of them that are in the repository, `package@digest`.
    pub there: BTreeSet<String>,
}

/// An image that has to be in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The reference that it is pulled by at its source, `langgenius/dify-api:1.17.1`.
    pub reference: String,
    /// Its digest.
    pub digest: String,
    /// The package in our repository, `docker.io/langgenius/dify-api`.
    pub package: String,
    /// The tag of the copy.
    pub tag: String,
}

impl Wanted {
    /// The copy's place in the repository: `package:tag@digest`.
    pub fn place(&self) -> String {
        format!("{}:{}@{}", self.package, self.tag, self.digest)
    }

    /// A part's place in the repository.
    pub fn part(&self, digest: &str) -> String {
        format!("{}@{digest}", self.package)
    }
}

impl Mirror {
    /// The repository, when images are copied there.
    pub fn wanted(context: &Context<'_>) -> Option<Self> {
        context.spec.enable_image_mirroring.then(|| Self::of(context))
    }

    /// The repository, whether images are copied there now or once were.
    pub fn of(context: &Context<'_>) -> Self {
        let id = repository::id(context);
        let region = id.name.split('/').nth(3).unwrap_or_default();
        // A project of the old kind, `example.com:project`, is two parts of a path.
        let project = context.names.project.replace(':', "/");
        let ending = format!("-docker.pkg.dev/{project}/");
        Self { base: format!("{region}{ending}{}", id.short_name()), project: ending }
    }

    /// The repository as images name it.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// An image as it has to be copied; `None` for one that is in a repository of this project already. That one was
    /// built and signed under its name, and is as near as a copy would be.
    pub fn copy(&self, reference: &str, digest: &str) -> Option<Wanted> {
        let (name, tag) = split(reference);
        // Digests of another algorithm are not verified here, so such an image is left where it is.
        let is_ours = digest.is_empty() || digest.starts_with("sha256:");
        if name.contains(&self.project) || !is_ours {
            return None;
        }
        let (host, rest) = in_full(name);
        let short: String = digest.trim_start_matches("sha256:").chars().take(SHORT).collect();
        let tag: String = tag.unwrap_or_default().chars().take(LONGEST_TAG).collect();
        let separator = if tag.is_empty() { "" } else { "-" };
        Some(Wanted {
            reference: reference.to_owned(),
            digest: digest.to_owned(),
            package: format!("{}/{rest}", host.replace(':', "-")),
            tag: format!("{}{tag}{separator}{short}", repository::DEPLOYED_TAG),
        })
    }

    /// Where pods pull an image from once it is copied; the image itself when it is none to be copied.
    pub fn image(&self, reference: &str, digest: &str) -> String {
        match self.copy(reference, digest) {
            Some(wanted) => format!("{}/{}", self.base, wanted.place()),
            None => named(reference, digest),
        }
    }

    /// The digest that a workload runs under a reference, from its source or as a copy.
    pub fn digest<'a>(&self, reference: &str, image: &'a str) -> Option<&'a str> {
        let (_, digest) = image.split_once('@')?;
        (image == named(reference, digest) || image == self.image(reference, digest)).then_some(digest)
    }

    /// Whether an image is of a reference's repository, or a copy of one that is, whatever its tag and digest.
    pub fn is_of(&self, reference: &str, image: &str) -> bool {
        let (image, _) = split(image);
        let copied = || self.copy(reference, "").map(|wanted| format!("{}/{}", self.base, wanted.package));
        split(reference).0 == image || copied().as_deref() == Some(image)
    }

    /// The places of the tagged images on a page of Artifact Registry's list.
    pub fn listed(&self, page: &Value) -> Vec<String> {
        let images = page.get("dockerImages").and_then(Value::as_array).into_iter().flatten();
        let places = |image: &Value| {
            let uri = image.get("uri").and_then(Value::as_str).unwrap_or_default();
            let place = uri.strip_prefix(&self.base).and_then(|rest| rest.strip_prefix('/'));
            let Some((package, digest)) = place.and_then(|place| place.split_once('@')) else {
                return vec![];
            };
            let tags = image.get("tags").and_then(Value::as_array).into_iter().flatten();
            tags.filter_map(Value::as_str).map(|tag| format!("{package}:{tag}@{digest}")).collect()
        };
        images.flat_map(places).collect()
    }
}

/// Every image that has to be in the repository: what is declared to run, and a release that waits only for that.
pub fn wanted(context: &Context<'_>) -> Vec<Wanted> {
    let Some(mirror) = Mirror::wanted(context) else { return Vec::new() };
    let (digests, incoming) = (&context.seen.digests, &context.seen.images.incoming);
    let current = kubernetes::images::all(context.spec).into_iter().filter_map(|reference| {
        let digest = digest(&reference, digests)?.to_owned();
        Some((reference, digest))
    });
    let incoming = incoming.iter().map(|(reference, digest)| (reference.clone(), digest.clone()));
    let copies = current.chain(incoming).filter_map(|(reference, digest)| mirror.copy(&reference, &digest));
    // Two references may name one image.
    let by_place: BTreeMap<String, Wanted> = copies.map(|wanted| (wanted.place(), wanted)).collect();
    by_place.into_values().collect()
}

/// Where pods pull an image from, or what that waits for.
///
/// # Errors
/// What it waits for: the digest, or the copy.
pub fn placed(context: &Context<'_>, reference: &str) -> Result<String, Wait> {
    let named = facts::named(context, reference)?;
    let digest = named.split_once('@').map(|(_, digest)| digest).unwrap_or_default();
    let wanted = Mirror::wanted(context).and_then(|mirror| Some((mirror.copy(reference, digest)?, mirror)));
    let Some((wanted, mirror)) = wanted else { return Ok(named) };
    match uncopied(context, &wanted) {
        None => Ok(format!("{}/{}", mirror.base, wanted.place())),
        Some(why) => Err(Wait::dependency(why)),
    }
}

/// Why an image cannot be pulled from its place yet; `None` when it can.
pub fn uncopied(context: &Context<'_>, wanted: &Wanted) -> Option<String> {
    let (reference, place) = (&wanted.reference, wanted.place());
    match &context.seen.mirror.copied {
        Some(Ok(copied)) if copied.contains(&place) => None,
        Some(Ok(_)) => Some(format!("the image {reference} is being copied to {place}")),
        Some(Err(why)) => Some(format!("whether the image {reference} is copied cannot be read: {why}")),
        None => Some(format!("the image {reference} is copied once there is a repository for it")),
    }
}

/// A reference with its digest. One that has its own is taken as it is.
pub fn named(reference: &str, digest: &str) -> String {
    if reference.contains('@') { reference.to_owned() } else { format!("{reference}@{digest}") }
}

/// The digest that a reference names itself, or that was decided for it.
pub fn digest<'a>(reference: &'a str, decided: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let own = reference.split_once('@').map(|(_, digest)| digest);
    own.or_else(|| decided.get(reference).map(String::as_str))
}

/// A repository's registry and its path there, as a container runtime understands its name.
pub fn in_full(name: &str) -> (&str, String) {
    match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest.to_owned()),
        Some(_) => ("docker.io", name.to_owned()),
        None => ("docker.io", format!("library/{name}")),
    }
}

/// A reference's name and tag, without its digest.
pub fn split(reference: &str) -> (&str, Option<&str>) {
    let name = reference.split('@').next().unwrap_or(reference);
    match name.rsplit_once(':') {
        // A colon before the last slash belongs to a port.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    }
}

/// The tag by which an image is named at its source, also when this is its copy.
pub fn source_tag(image: &str) -> Option<&str> {
    let tag = split(image).1?;
    let (_, digest) = image.split_once("@sha256:").unwrap_or_default();
    let copied = tag.strip_prefix(repository::DEPLOYED_TAG).and_then(|rest| rest.rsplit_once('-'));
    match copied {
        // Somebody may call an image of their own so.
        Some((source, short)) if short.len() == SHORT && digest.starts_with(short) => Some(source),
        _ => Some(tag),
    }
}

#[cfg(test)]
mod tests;
