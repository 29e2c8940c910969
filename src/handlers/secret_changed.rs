//! A secret changed: what reads it has to start anew with the new version.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec; the newest version of the secret |
//! | Plans | a rollout of what uses the secret, when its version is another one |
//! | Writes | jobs and workloads |

use super::{Motion, on_concerned, secret_id};
use crate::converge::Hint;
use crate::events::SecretChanged;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &[Slice::Migration, Slice::Workload];

/// Changes after which another version may be the newest one. Our own writes come back as such changes too; the
/// status tells which those are, and where it does not the look finds nothing to do.
const TELLING: [&str; 4] =
    ["SECRET_VERSION_ADD", "SECRET_VERSION_ENABLE", "SECRET_VERSION_DISABLE", "SECRET_VERSION_DESTROY"];

/// Converges the deployments that have the secret, when a version of it came or went.
pub fn motion(event: &SecretChanged) -> Motion {
    if !TELLING.contains(&event.change.as_str()) {
        return Motion::Nothing("no version of the secret came or went");
    }
    let version = event.version.as_deref().and_then(|version| version.rsplit('/').next());
    let change = version.map(|version| format!("{} {version}", event.change)).unwrap_or_default();
    let hint = Hint::Secret { secret: secret_id(&event.secret), change };
    on_concerned(hint, &event.change, WRITES)
}
