//! Following releases: the range, and who has to have vouched for them.

use semver::{Version, VersionReq};

use super::{error, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;

const EXAMPLES: &str = "Write a range such as \"~1.17.1\" or \">=1.17.1, <1.18\".";

/// D-43: attestors are named in full.
pub(super) fn attestors(spec: &Spec, _: &Given) -> Vec<Finding> {
    let named = spec.image_policy.require_attestations.iter().flatten().enumerate();
    named
        .filter(|(_, name)| !crate::images::attest::is_attestor(name))
        .map(|(at, name)| {
            error(format!("image_policy.require_attestations[{at}]"))
                .message(format!("\"{name}\" is no full name of an attestor"))
                .help("Write projects/PROJECT/attestors/ATTESTOR; `gcloud container binauthz attestors list` shows it.")
        })
        .collect()
}

/// D-42: a range is one, holds what runs first, and leaves the tags to us.
pub(super) fn range(spec: &Spec, _: &Given) -> Vec<Finding> {
    let Some(range) = spec.image_policy.range.as_deref() else { return vec![] };
    let path = "image_policy.range";
    let read = match VersionReq::parse(range) {
        Ok(read) => read,
        Err(why) => {
            let finding = error(path).message(format!("\"{range}\" is no range of releases: {why}"));
            return vec![finding.help(EXAMPLES)];
        }
    };
    let begins = spec.application_version.as_str();
    let within = Version::parse(begins).is_ok_and(|version| read.matches(&version));
    let mut found = when(!within, || {
        error(path)
            .with(&["application_version"])
            .message(format!("\"{range}\" does not hold {begins}, with which the deployment begins"))
            .help("Write an `application_version` that is in the range.")
    });
    let named = |image: &str| image.rsplit('/').next().is_some_and(|name| name.contains([':', '@']));
    let web = spec.web.image.as_deref().unwrap_or_default();
    let images = [("container_image", spec.container_image.as_str()), ("web.image", web)];
    found.extend(images.into_iter().filter(|(_, image)| named(image)).map(|(variable, image)| {
        error(path)
            .with(&["container_image", "web"])
            .message(format!("`{variable}` is {image}: with a tag or digest of its own it follows no range"))
            .help("Name the repository alone; its tag is the release.")
    }));
    found
}
