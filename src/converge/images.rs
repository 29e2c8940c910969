//! Images: who decides about them is asked; what was decided is kept before anything is written by it, and told.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;

use crate::cloud::Cloud;
use crate::error::CloudError;
use crate::images::{Promotions, Sources, build, follows, promotion, range, release, to_ask};
use crate::inventory::Inventory;
use crate::plan::{Pending, Plan};
use crate::resources::{ResourceId, kubernetes};
use crate::slice::Slice;
use crate::state::images;

use super::{Converger, Hint, Scene, Work};

/// Asks the registries, the builds and the pipeline, as far as the spec wants them to decide.
pub async fn ask(cloud: &Cloud, scene: &Scene) -> (BTreeMap<String, String>, Sources) {
    let heard = is_true(cloud, scene).await;
    let (registry, builds, promotions, range) = futures::join!(
        digests(cloud, scene, heard),
        builds(cloud, scene),
        promotions(cloud, scene),
        in_range(cloud, scene, heard)
    );
    (registry, Sources { builds, promotions, range })
}

/// Whether what the event told is so. A message about a build can be forged, and can be late: unless the build
/// really succeeded, nobody looks for a new image because of it.
async fn is_true(cloud: &Cloud, scene: &Scene) -> bool {
    let Some(Hint::Build { build: id, location }) = &scene.hint else { return true };
    let Some(request) = build::read(&scene.names.project, location, id) else { return false };
    match cloud.google.call(&request).await {
        Ok(build) if build::succeeded(&build) => true,
        Ok(_) => false,
        Err(error) => {
            tracing::warn!(%error, build = id, "the build that an event told of could not be read");
            false
        }
    }
}

/// What the registries say about the references that they have to be asked about.
async fn digests(cloud: &Cloud, scene: &Scene, heard: bool) -> BTreeMap<String, String> {
    let (once, anew) = to_ask(&scene.spec, &scene.images.record);
    let known = |reference: &String| scene.images.record.digests.contains_key(reference);
    let anew = anew.iter().filter(|reference| heard || !known(reference));
    let once = once.iter().map(|reference| (reference, false));
    let asked: Vec<(&String, bool)> = once.chain(anew.map(|reference| (reference, true))).collect();
    let answers = join_all(asked.iter().map(|(reference, anew)| async move {
        if *anew {
            cloud.registry.digest_now(reference).await
        } else {
            cloud.registry.digest(reference).await
        }
    }));
    let mut digests = BTreeMap::new();
    for ((reference, _), digest) in asked.iter().zip(answers.await) {
        match digest {
            Ok(digest) => drop(digests.insert((*reference).clone(), digest)),
            Err(error) => tracing::warn!(%error, reference, "the image's digest could not be read"),
        }
    }
    digests
}

/// What there is within the range that is followed: the tags of both repositories, and the digests of the release
/// that is chosen of them.
async fn in_range(cloud: &Cloud, scene: &Scene, heard: bool) -> Option<Result<range::Found, String>> {
    let spec = &scene.spec;
    range::of(spec).filter(|_| heard)?;
    let (api, web) = range::repositories(spec);
    let read = async {
        let of_web = async {
            match &web {
                Some(web) => cloud.registry.tags(web).await.map(Some),
                None => Ok(None),
            }
        };
        let (api, web) = futures::try_join!(cloud.registry.tags(&api), of_web)?;
        let (version, lacking) = range::choose(spec, &api, web.as_deref());
        let Some(version) = version else { return Ok(range::Found { release: None, lacking }) };
        let references = release(&range::at(spec, &version));
        let digests = join_all(references.iter().map(|reference| cloud.registry.digest_now(reference))).await;
        let digests = digests.into_iter().collect::<Result<Vec<_>, _>>()?;
        let release = references.into_iter().zip(digests).collect();
        Ok::<_, CloudError>(range::Found { release: Some(release), lacking })
    };
    Some(read.await.map_err(|error| error.to_string()))
}

/// The newest successful builds of the trigger that has to have made a release.
async fn builds(cloud: &Cloud, scene: &Scene) -> Option<Result<Vec<Value>, String>> {
    let trigger = scene.spec.image_policy.build_trigger.as_deref().filter(|_| follows(&scene.spec))?;
    let trigger = build::Trigger::parse(trigger)?;
    let page = cloud.google.call(&build::list(&trigger)).await;
    Some(page.map(|page| items(&page, "builds")).map_err(|error| error.to_string()))
}

/// What the pipeline brought to the deployment's stage.
async fn promotions(cloud: &Cloud, scene: &Scene) -> Option<Result<Promotions, String>> {
    let source = promotion::source(&scene.spec, &scene.names.prefix)?;
    let read = async {
        let listing = cloud.google.list_all(&promotion::list(&source)).await?;
        let rollouts: Vec<Value> = listing.pages.iter().flat_map(|page| items(page, "rollouts")).collect();
        let release = match promotion::effective(&rollouts, &source).and_then(promotion::read) {
            Some(request) => Some(cloud.google.call(&request).await?),
            None => None,
        };
        Ok::<_, CloudError>(Promotions { rollouts, release })
    };
    Some(read.await.map_err(|error| error.to_string()))
}

fn items(page: &Value, field: &str) -> Vec<Value> {
    page.get(field).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// What became of the record.
pub enum Recorded {
    /// It says the same as before.
    AsItWas,
    /// It was written.
    Anew,
    /// It was written, and the deployment is at another release by it: everything has to be looked at again.
    Moved,
    /// It has to be written by somebody who may write the images.
    NotOurs,
    /// Somebody else was faster; everything has to be looked at again.
    Overtaken,
}

/// Keeps what was decided about the images.
///
/// # Errors
/// When the state bucket cannot be written.
pub async fn keep(
    converger: &Converger,
    work: &Work,
    scene: &Scene,
    seen: &Inventory,
) -> Result<Recorded, CloudError> {
    let verdict = &seen.images;
    if !verdict.changed || scene.withdrawn {
        return Ok(Recorded::AsItWas);
    }
    if !work.writes().contains(&Slice::Images) {
        return Ok(Recorded::NotOurs);
    }
    let expected = scene.images.generation;
    let written = images::write(&converger.state, &work.deployment, &verdict.record, expected).await?;
    Ok(match written {
        true if verdict.moved => Recorded::Moved,
        true => Recorded::Anew,
        false => Recorded::Overtaken,
    })
}

/// Puts what there is to say about the images into the plan.
pub fn tell(plan: &mut Plan, scene: &Scene, seen: &Inventory) {
    plan.findings.extend(seen.images.findings.iter().cloned());
    let namespace = scene.names.namespace(&scene.spec);
    let api = ResourceId::kubernetes(kubernetes::Kind::Deployment, &namespace, &scene.names.prefix);
    plan.pending.extend(seen.images.waits.iter().map(|wait| Pending {
        resource: api.clone(),
        slice: Slice::Images,
        action: None,
        waits: vec![wait.clone()],
    }));
}
