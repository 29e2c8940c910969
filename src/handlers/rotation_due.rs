//! A secret is due for rotation: rotate it, unless that has been done already.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec; the versions of the secret and their age; who uses it |
//! | Plans | the next arrow of the rotation: prepare, set, test, switch, roll out, drain, retire |
//! | Writes | secrets, database, NFS VM, jobs and workloads, and what belongs to the whole namespace |

use super::{Motion, on_concerned, secret_id};
use crate::converge::Hint;
use crate::events::RotationDue;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] =
    &[Slice::Secrets, Slice::Database, Slice::Nfs, Slice::Cluster, Slice::Migration, Slice::Workload];

/// Converges the deployments that have the secret.
pub fn motion(event: &RotationDue) -> Motion {
    let hint = Hint::Rotation { secret: secret_id(&event.secret), at: event.at.clone() };
    on_concerned(hint, "SECRET_ROTATE", WRITES)
}
