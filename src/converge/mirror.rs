//! Looking at copies of images: one list of what is in the deployment's repository, and, only for an image that is not
//! in it, its manifests at its source and a question for each part of it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, StreamExt, stream};

use crate::cloud::Cloud;
use crate::error::{CloudError, Disposition};
use crate::inventory::{Inventory, Sighting};
use crate::resources::mirror::{self, Content, Mirror, Part, Wanted};
use crate::resources::{Kind, ResourceId, Wait, WaitKind, google};

use super::Scene;

/// Questions to registries under way at once.
const SIDE_BY_SIDE: usize = 16;
/// Indexes within indexes that are read.
const DEEPEST: usize = 4;

/// Manifests by digest, or what they have to wait for.
type Contents = BTreeMap<String, Result<Content, Wait>>;

/// The images in the repository; nothing when none are copied, or when there is no repository yet.
pub async fn list(
    cloud: &Cloud,
    scene: &Scene,
    seen: &Inventory,
) -> Option<Result<BTreeSet<String>, String>> {
    let context = scene.context(seen);
    let mirror = Mirror::wanted(&context).filter(|_| !scene.withdrawn)?;
    seen.body(&google::repository::id(&context))?;
    match cloud.google.list_all(&google::docker_image::list(&context)).await {
        Ok(listing) => Some(Ok(listing.pages.iter().flat_map(|page| mirror.listed(page)).collect())),
        // It went a moment ago.
        Err(error) if error.is_not_found() => None,
        Err(error) => Some(Err(error.to_string())),
    }
}

/// Notes which images are copied and, of the others, which parts are missing.
pub async fn look(cloud: &Cloud, scene: &Scene, seen: &mut Inventory) {
    let context = scene.context(seen);
    let images = mirror::wanted(&context);
    let ids: Vec<ResourceId> =
        images.iter().map(|wanted| google::docker_image::id(&context, wanted)).collect();
    let missing: Vec<Wanted> =
        images.iter().filter(|wanted| mirror::uncopied(&context, wanted).is_some()).cloned().collect();
    let (copied, base) = (seen.mirror.copied.clone(), Mirror::of(&context).base().to_owned());
    for (id, wanted) in ids.into_iter().zip(&images) {
        let sighting = match &copied {
            Some(Ok(copied)) if copied.contains(&wanted.place()) => Sighting::Present(serde_json::json!({})),
            Some(Ok(_)) => Sighting::Absent,
            Some(Err(why)) => Sighting::Unreadable(why.clone()),
            None => continue,
        };
        seen.note(id, sighting);
    }
    if !matches!(copied, Some(Ok(_))) || missing.is_empty() {
        return;
    }
    let contents =
        join_all(missing.iter().map(|wanted| contents(cloud, wanted, &wanted.digest, DEEPEST))).await;
    seen.mirror.content = contents.into_iter().flatten().collect();
    ask(cloud, &base, &missing, seen).await;
    settle(cloud, &base, &missing, seen).await;
    note_missing_parts(scene, seen);
}

/// A manifest and those below it.
fn contents<'a>(
    cloud: &'a Cloud,
    wanted: &'a Wanted,
    digest: &'a str,
    depth: usize,
) -> BoxFuture<'a, Contents> {
    async move {
        let read = match cloud.registry.content(&wanted.reference, digest).await {
            Ok(text) => Content::read(&text).map_err(|why| Wait::new(WaitKind::User, why)),
            Err(error) => Err(wait_of(&error)),
        };
        let mut found = Contents::new();
        if let (Ok(content), Some(depth)) = (&read, depth.checked_sub(1)) {
            let below = content.manifests.iter().map(|part| contents(cloud, wanted, &part.digest, depth));
            // One after the other in pieces: registries count how often they are asked.
            let all: Vec<Contents> = stream::iter(below.collect::<Vec<_>>()).buffered(4).collect().await;
            found.extend(all.into_iter().flatten());
        }
        found.insert(digest.to_owned(), read);
        found
    }
    .boxed()
}

/// How long to wait for a source that did not answer as it should.
fn wait_of(error: &CloudError) -> Wait {
    match error.disposition() {
        Disposition::Terminal | Disposition::Wait(_) => Wait::new(WaitKind::User, error.to_string()),
        Disposition::Again | Disposition::Retry(_) => Wait::new(WaitKind::LongOperation, error.to_string()),
    }
}

/// Asks the repository for each part: first the manifests that indexes list, then blobs of those that are not there.
async fn ask(cloud: &Cloud, base: &str, missing: &[Wanted], seen: &mut Inventory) {
    let manifests: fn(&Content) -> &Vec<Part> = |content| &content.manifests;
    for (of, is_manifest) in [(manifests, true), (|content| &content.blobs, false)] {
        let parts = parts(missing, seen, of);
        let questions: Vec<_> = parts.iter().map(|part| question(cloud, base, part, is_manifest)).collect();
        let there: Vec<Option<String>> = stream::iter(questions).buffered(SIDE_BY_SIDE).collect().await;
        seen.mirror.there.extend(there.into_iter().flatten());
    }
}

/// The parts of one sort that images refer to, as far as what they are below is not there.
fn parts(missing: &[Wanted], seen: &Inventory, of: fn(&Content) -> &Vec<Part>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for wanted in missing {
        let mut open = vec![wanted.digest.clone()];
        let mut met = BTreeSet::new();
        while let Some(digest) = open.pop() {
            let Some(Ok(content)) = seen.mirror.content.get(&digest) else { continue };
            found.extend(of(content).iter().map(|part| wanted.part(&part.digest)));
            let below = content.manifests.iter().map(|part| part.digest.clone());
            open.extend(below.filter(|digest| {
                !seen.mirror.there.contains(&wanted.part(digest)) && met.insert(digest.clone())
            }));
        }
    }
    found
}

/// A part's place when it is there. What cannot be asked counts as missing: bringing it once more harms nothing.
async fn question(cloud: &Cloud, base: &str, part: &str, is_manifest: bool) -> Option<String> {
    let (package, digest) = part.split_once('@')?;
    let repository = format!("{base}/{package}");
    let there = match is_manifest {
        true => cloud.registry.manifest_under(&repository, digest).await.map(|there| there.is_some()),
        false => cloud.registry.has_blob(&repository, digest).await,
    };
    match there {
        Ok(there) => there.then(|| part.to_owned()),
        Err(error) => {
            tracing::warn!(%error, part, "a part of an image could not be asked for");
            None
        }
    }
}

/// An image of which no part is missing may be there although the list does not show it yet.
async fn settle(cloud: &Cloud, base: &str, missing: &[Wanted], seen: &mut Inventory) {
    let whole = missing
        .iter()
        .filter(|wanted| mirror::missing(&seen.mirror, wanted).is_ok_and(|missing| missing.is_nothing()));
    let asked = join_all(whole.map(|wanted| async move {
        let there = cloud.registry.manifest_under(&format!("{base}/{}", wanted.package), &wanted.tag).await;
        there.is_ok_and(|there| there.as_ref() == Some(&wanted.digest)).then_some(wanted)
    }));
    let there: Vec<&Wanted> = asked.await.into_iter().flatten().collect();
    for wanted in there {
        if let Some(Ok(copied)) = &mut seen.mirror.copied {
            copied.insert(wanted.place());
        }
    }
}

/// Notes what is going to be copied as absent, and images that turned out to be there as present.
fn note_missing_parts(scene: &Scene, seen: &mut Inventory) {
    let context = scene.context(seen);
    let declared = google::docker_image::declare(&context).into_iter();
    let parts: Vec<ResourceId> = declared
        .map(|declared| declared.id)
        .filter(|id| id.kind == Kind::Google(google::Kind::ImagePart))
        .collect();
    let images = mirror::wanted(&context).into_iter();
    let whole: Vec<ResourceId> = images
        .filter(|wanted| mirror::uncopied(&context, wanted).is_none())
        .map(|wanted| google::docker_image::id(&context, &wanted))
        .collect();
    parts.into_iter().for_each(|id| seen.note(id, Sighting::Absent));
    whole.into_iter().for_each(|id| seen.note(id, Sighting::Present(serde_json::json!({}))));
}
