//! Images in the deployment's repository: copies of what runs, and the parts of copies that are being made.
//!
//! Identity: `<repository>/dockerImages/<package>:<tag>@<digest>`; of a part `<repository>/parts/<package>@<digest>`.
//! Desired: a copy of the image at its source, digest for digest. Compare: nothing, a digest says all. Readiness: at
//! once. Images are listed in one call (Artifact Registry v1); they are written through the registry's own protocol,
//! one part a step: each blob, each manifest that an index lists, and last the image's own manifest under its tag,
//! which is what makes a copy of it. A crash leaves parts, which the next look finds. What is copied goes with its
//! repository, and never by itself.

use std::collections::BTreeSet;

use crate::plan::{GoogleRequest, Method, RegistryRequest};
use crate::resources::mirror::{self, Missing, Wanted};
use crate::resources::{Context, Declared, Desired, ResourceId, Wait};
use crate::slice::Slice;

use super::descriptor::{Descriptor, READ_ONLY};
use super::{Kind, declared, repository};

/// Artifact Registry v1, as far as images are read.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "artifactregistry.googleapis.com",
    get: "artifactregistry.projects.locations.repositories.dockerImages.get",
    ..READ_ONLY
};

/// Bytes that one round copies, unless a single blob is larger: a round should end before its lease does.
const ROUND_BYTES: u64 = 512 << 20;

/// The address of a copy.
pub fn id(context: &Context<'_>, wanted: &Wanted) -> ResourceId {
    below(context, Kind::DockerImage, "dockerImages", &wanted.place())
}

fn part(context: &Context<'_>, wanted: &Wanted, digest: &str) -> ResourceId {
    below(context, Kind::ImagePart, "parts", &wanted.part(digest))
}

fn below(context: &Context<'_>, kind: Kind, collection: &str, place: &str) -> ResourceId {
    ResourceId::google(kind, format!("{}/{collection}/{place}", repository::id(context).name))
}

/// The call that lists what is in the repository; a page holds a thousand images, more than a deployment has.
pub fn list(context: &Context<'_>) -> GoogleRequest {
    let path = DESCRIPTOR.path(&repository::id(context).name, "/dockerImages");
    let method = "artifactregistry.projects.locations.repositories.dockerImages.list";
    let mut call = DESCRIPTOR.call(Method::Get, path, method);
    call.query.push(("pageSize", "1000".to_owned()));
    call
}

/// Every image that has to be in the repository, and the parts to be copied now of those that are not.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let mut round = Round::default();
    let mut all = Vec::new();
    for wanted in mirror::wanted(context) {
        let id = id(context, &wanted);
        let desired = if mirror::uncopied(context, &wanted).is_none() {
            Desired::Found
        } else {
            match mirror::missing(&context.seen.mirror, &wanted) {
                Err(wait) => Desired::Waiting(vec![unread(&wanted, wait)]),
                Ok(missing) if missing.is_nothing() => written(context, &wanted, &wanted.digest, &wanted.tag),
                Ok(missing) => {
                    all.extend(parts(context, &wanted, &missing, &mut round));
                    let why = format!("the image {}: {}", wanted.reference, missing.shown());
                    Desired::Waiting(vec![Wait::dependency(why)])
                }
            }
        };
        all.push(declared(context, id, Slice::Images, desired, vec![repository::id(context)]));
    }
    all
}

/// What a round has taken up already.
#[derive(Default)]
struct Round {
    bytes: u64,
    /// Blobs that are brought over; in another package they are mounted from the first, when they are there.
    blobs: BTreeSet<String>,
    /// Parts that are declared already: two images of one package may share some.
    parts: BTreeSet<String>,
}

fn parts(context: &Context<'_>, wanted: &Wanted, missing: &Missing, round: &mut Round) -> Vec<Declared> {
    let mut parts = Vec::new();
    let mut add = |digest: &str, desired| {
        let needs = vec![repository::id(context)];
        parts.push(declared(context, part(context, wanted, digest), Slice::Images, desired, needs));
    };
    for blob in &missing.blobs {
        if round.parts.contains(&wanted.part(&blob.digest)) {
            continue;
        }
        let mount = elsewhere(context, &blob.digest);
        if mount.is_none() {
            let full = round.bytes > 0 && round.bytes.saturating_add(blob.size) > ROUND_BYTES;
            if full || !round.blobs.insert(blob.digest.clone()) {
                continue;
            }
            round.bytes = round.bytes.saturating_add(blob.size);
        }
        let request = RegistryRequest::Blob {
            from: wanted.reference.clone(),
            to: place(context, &wanted.package),
            digest: blob.digest.clone(),
            size: blob.size,
            mount: mount.map(|package| place(context, &package)),
        };
        round.parts.insert(wanted.part(&blob.digest));
        add(&blob.digest, Desired::Copied(request));
    }
    for manifest in &missing.manifests {
        if !round.parts.insert(wanted.part(&manifest.digest)) {
            continue;
        }
        add(&manifest.digest, written(context, wanted, &manifest.digest, &manifest.digest));
    }
    parts
}

/// A manifest that can be written under a tag or under its digest: everything that it refers to is there.
fn written(context: &Context<'_>, wanted: &Wanted, digest: &str, name: &str) -> Desired {
    match context.seen.mirror.content.get(digest) {
        Some(Ok(content)) => Desired::Copied(RegistryRequest::Manifest {
            to: place(context, &wanted.package),
            name: name.to_owned(),
            digest: digest.to_owned(),
            media_type: content.media_type.clone(),
            text: content.text.clone(),
        }),
        _ => Desired::Waiting(vec![Wait::dependency(format!("the manifest {digest} has not been read yet"))]),
    }
}

/// Another package of the repository that has a blob.
fn elsewhere(context: &Context<'_>, digest: &str) -> Option<String> {
    let there = context.seen.mirror.there.iter().filter_map(|part| part.split_once('@'));
    there.into_iter().find(|(_, known)| *known == digest).map(|(package, _)| package.to_owned())
}

fn place(context: &Context<'_>, package: &str) -> String {
    format!("{}/{package}", mirror::Mirror::of(context).base())
}

fn unread(wanted: &Wanted, wait: Wait) -> Wait {
    Wait::new(
        wait.kind,
        format!("the image {} cannot be read at its source yet: {}", wanted.reference, wait.why),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::Inventory;
    use crate::resources::google::testing::{declared, platform};
    use crate::resources::mirror::{Content, Part};
    use crate::spec::Spec;

    const REFERENCE: &str = "langgenius/dify-web:1.17.1";
    const PACKAGE: &str = "docker.io/langgenius/dify-web";

    fn digest(letter: &str) -> String {
        format!("sha256:{}", letter.repeat(64))
    }

    /// A repository without a copy of an image whose manifest has been read: a configuration and a layer.
    fn seen(size: u64) -> Inventory {
        let mut seen = platform();
        seen.digests.insert(REFERENCE.into(), digest("d"));
        seen.mirror.copied = Some(Ok(Default::default()));
        let part = |letter: &str, size| json!({"digest": digest(letter), "size": size});
        let text = json!({"config": part("c", 2), "layers": [part("1", size)]}).to_string();
        let content = Content::read(&text).unwrap();
        assert_eq!(content.blobs[1], Part { digest: digest("1"), size });
        seen.mirror.content.insert(digest("d"), Ok(content));
        seen
    }

    fn copies(seen: &Inventory) -> Vec<(String, Desired)> {
        let all = declared(Spec::default(), seen, declare).into_iter();
        all.map(|one| (one.id.name.rsplit_once("/repositories/").unwrap().1.to_owned(), one.desired))
            .collect()
    }

    fn steps(seen: &Inventory) -> Vec<String> {
        let copied = copies(seen).into_iter().filter(|(_, desired)| matches!(desired, Desired::Copied(_)));
        copied.map(|(name, _)| name).collect()
    }

    #[test]
    fn blobs_come_first_and_the_manifest_under_its_tag_last() {
        let mut seen = seen(7);
        let part = |letter: &str| format!("{PACKAGE}@{}", digest(letter));
        let base = "appdifydemo0a1b2c3d";
        assert_eq!(
            steps(&seen),
            [format!("{base}/parts/{}", part("c")), format!("{base}/parts/{}", part("1"))]
        );
        seen.mirror.there.insert(part("c"));
        assert_eq!(
            steps(&seen),
            [format!("{base}/parts/{}", part("1"))],
            "what is there is not copied again"
        );
        seen.mirror.there.insert(part("1"));
        let tag = "deployed-1.17.1-dddddddddddd";
        assert_eq!(steps(&seen), [format!("{base}/dockerImages/{PACKAGE}:{tag}@{}", digest("d"))]);
        seen.mirror.copied = Some(Ok([format!("{PACKAGE}:{tag}@{}", digest("d"))].into()));
        assert!(matches!(copies(&seen)[..], [(_, Desired::Found)]));
    }

    #[test]
    fn a_round_takes_no_more_than_its_lease_lasts_for_but_one_large_blob() {
        let small = 2;
        let steps_of = |size| steps(&seen(size)).len();
        assert_eq!(steps_of(ROUND_BYTES - small), 2);
        assert_eq!(steps_of(ROUND_BYTES), 1, "the layer waits for the next round");
        let mut alone = seen(3 * ROUND_BYTES);
        alone.mirror.there.insert(format!("{PACKAGE}@{}", digest("c")));
        assert_eq!(steps(&alone).len(), 1);
    }

    #[test]
    fn a_blob_that_another_package_has_is_mounted_from_there() {
        let mut seen = seen(7);
        seen.mirror.there.insert(format!("docker.io/library/postgres@{}", digest("1")));
        let mounts: Vec<Option<String>> = copies(&seen)
            .into_iter()
            .filter_map(|(_, desired)| match desired {
                Desired::Copied(RegistryRequest::Blob { mount, .. }) => Some(mount),
                _ => None,
            })
            .collect();
        let from = "us-central1-docker.pkg.dev/p-1/appdifydemo0a1b2c3d/docker.io/library/postgres";
        assert_eq!(mounts, [None, Some(from.to_owned())]);
    }

    #[test]
    fn two_images_of_one_package_do_not_bring_a_shared_layer_twice() {
        let mut seen = seen(7);
        let other = json!({"config": {"digest": digest("e"), "size": 2}, "layers": [{"digest": digest("1"), "size": 7}]});
        seen.mirror.content.insert(digest("f"), Ok(Content::read(&other.to_string()).unwrap()));
        seen.images.incoming.insert(REFERENCE.into(), digest("f"));
        seen.mirror.there.insert(format!("docker.io/library/postgres@{}", digest("1")));
        let mut steps = steps(&seen);
        assert_eq!(steps.len(), 3, "two configurations and the layer: {steps:#?}");
        steps.dedup();
        assert_eq!(steps.len(), 3);
    }

    #[test]
    fn a_source_that_cannot_be_read_is_waited_for_by_name() {
        let mut seen = seen(7);
        seen.mirror.content.insert(digest("d"), Err(Wait::dependency("429: too many requests")));
        let all = copies(&seen);
        let [(_, Desired::Waiting(waits))] = &all[..] else { panic!("{all:?}") };
        assert!(waits[0].why.contains(REFERENCE) && waits[0].why.contains("too many requests"));
    }

    #[test]
    fn without_mirroring_there_is_nothing_to_copy() {
        let spec = Spec { enable_image_mirroring: false, ..Spec::default() };
        assert!(declared(spec, &seen(7), declare).is_empty());
    }
}
