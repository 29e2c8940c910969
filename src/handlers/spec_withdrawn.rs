//! A version of a spec went away: look whether the spec did, and go by what is there.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec; when there is none, the one that was accepted last; everything of its deployment |
//! | Plans | what the last spec's `deletion_policy` wants when the spec is gone; otherwise whatever it asks for that is not so |
//! | Writes | every slice, because an overwrite looks the same from here |

use super::{Motion, on_object};
use crate::events::SpecWithdrawn;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &Slice::ALL;

/// Looks at the deployment whose spec it was.
pub fn motion(event: &SpecWithdrawn, spec_bucket: &str) -> Motion {
    on_object(&event.0, spec_bucket, WRITES)
}
