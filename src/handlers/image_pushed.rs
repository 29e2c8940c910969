//! An image was pushed: a tag may stand for another digest now.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec; the digests in the registry |
//! | Plans | what the spec's image policy makes of a new digest: nothing, a plan to be approved, or a rollout |
//! | Writes | images, jobs, workloads, and the backup before a migration |

use super::Motion;
use crate::converge::Hint;
use crate::events::ImagePushed;
use crate::events::image_pushed::Action;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &[Slice::Images, Slice::Migration, Slice::Workload, Slice::Backup];

/// Converges every deployment when an image came. One that went is still run by its digest.
pub fn motion(event: &ImagePushed) -> Motion {
    if event.action == Action::Delete {
        return Motion::Nothing("an image went");
    }
    let hint = Hint::Image { image: event.image.clone() };
    Motion::ConvergeConcerned { hint, cause: "gcr INSERT".into(), writes: WRITES, deployment: None }
}
