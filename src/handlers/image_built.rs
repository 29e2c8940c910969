//! A build has ended: what it pushed may be the image to run.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec; the build by its id; the digests in the registry |
//! | Plans | what the spec's image policy makes of a new digest: nothing, a plan to be approved, or a rollout |
//! | Writes | images, jobs, workloads, and the backup before a migration |

use super::{Motion, on_concerned};
use crate::converge::Hint;
use crate::events::ImageBuilt;
use crate::slice::Slice;

/// A build that succeeded: the word, or its number in the API's enum, which an event may carry instead.
const SUCCEEDED: [&str; 2] = ["SUCCESS", "3"];

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &[Slice::Images, Slice::Migration, Slice::Workload, Slice::Backup];

/// Converges every deployment when a build succeeded. That it did is read again.
pub fn motion(event: &ImageBuilt) -> Motion {
    if !SUCCEEDED.contains(&event.status.as_str()) {
        return Motion::Nothing("the build has not succeeded");
    }
    if event.build.is_empty() {
        return Motion::Nothing("it names no build");
    }
    let hint = Hint::Build { build: event.build.clone(), location: event.location.clone() };
    on_concerned(hint, "cloud-builds SUCCESS", WRITES)
}
