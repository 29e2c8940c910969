//! Something happened to a rollout of Cloud Deploy: what succeeded for a stage is what runs there.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec; the rollouts of the deployment's pipeline, and the release that succeeded last for its target |
//! | Plans | the promoted image on the workloads; approvals that are asked for, in the status |
//! | Writes | images, jobs, workloads, delivery, and the backup before a migration |

use super::{Motion, on_concerned};
use crate::converge::Hint;
use crate::events::RolloutPromoted;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] =
    &[Slice::Images, Slice::Migration, Slice::Workload, Slice::Delivery, Slice::Backup];

/// Converges every deployment when the event is about a rollout; what became of it is read.
pub fn motion(event: &RolloutPromoted) -> Motion {
    if event.resource_type != "Rollout" {
        return Motion::Nothing("it is about no rollout");
    }
    let hint = Hint::Rollout { resource: event.resource.clone() };
    let cause = format!("clouddeploy {}", event.action);
    on_concerned(hint, cause, WRITES)
}
