//! A backup is due, or its trial.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec; the backups that there are; the Jobs that make them |
//! | Plans | the Jobs of the backup that is due by the spec's schedule or an order, or of the trial that is; what is older than its retention goes. A scheduler that names a deployment orders it, once for each time of its schedule; one that names none asks for a look |
//! | Writes | backups |

use super::{Concerned, Motion};
use crate::converge::Hint;
use crate::events::BackupDue;
use crate::events::backup_due::Task;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &[Slice::Backup];

/// Converges the deployment that is named, or every one.
pub fn motion(event: &BackupDue) -> Motion {
    let (slot, is_order) = (event.slot.clone(), event.deployment.is_some());
    let (hint, cause) = match event.task {
        Task::Backup => (Hint::Backup { slot, is_order }, "backup due"),
        Task::BackupVerify => (Hint::BackupVerify { slot, is_order }, "trial of a backup due"),
    };
    let deployment = event.deployment.clone();
    Motion::ConvergeConcerned(Concerned { hint, cause: cause.into(), writes: WRITES, deployment })
}
