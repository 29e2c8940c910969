//! What was decided about the images: kept before anything is written by it, and told.

use crate::error::CloudError;
use crate::inventory::Inventory;
use crate::plan::{Pending, Plan};
use crate::resources::{ResourceId, kubernetes};
use crate::slice::Slice;
use crate::state::images;

use super::{Converger, Scene, Work};

/// What became of the record.
pub enum Kept {
    /// It says the same as before.
    AsItWas,
    /// It was written.
    Anew,
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
) -> Result<Kept, CloudError> {
    let verdict = &seen.images;
    if !verdict.changed {
        return Ok(Kept::AsItWas);
    }
    if !work.writes().contains(&Slice::Images) {
        return Ok(Kept::NotOurs);
    }
    let expected = scene.images.generation;
    let written = images::write(&converger.state, &work.deployment, &verdict.record, expected).await?;
    Ok(if written { Kept::Anew } else { Kept::Overtaken })
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
