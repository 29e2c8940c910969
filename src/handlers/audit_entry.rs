//! Somebody changed a resource: whether it is one of ours, and drifted, is looked at now instead of at the next tick.
//!
//! | | |
//! |---|---|
//! | Reads | the inventories in the statuses, for whose the resource is; then as for a written spec |
//! | Plans | as for a written spec |
//! | Writes | every slice |

use super::{Motion, on_concerned};
use crate::converge::Hint;
use crate::events::AuditEntry;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &Slice::ALL;

/// What we call ourselves. Our own writes come back as entries too.
const OURS: &str = "dify-reconciler/";
/// Who keeps a cluster going: it writes all the time, and what it writes is no drift.
const CLUSTER: &str = "system:";

/// Converges the deployments that have the resource.
pub fn motion(event: &AuditEntry) -> Motion {
    if !event.changed {
        return Motion::Nothing("nothing was changed");
    }
    if event.agent.starts_with(OURS) {
        return Motion::Nothing("we changed it ourselves");
    }
    if event.principal.starts_with(CLUSTER) {
        return Motion::Nothing("the cluster changed it");
    }
    let hint = Hint::Resource { resource: event.resource.clone() };
    let cause = format!("audit {}", event.method);
    on_concerned(hint, cause, WRITES)
}
