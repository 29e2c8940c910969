//! A spec was written: converge its deployment.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec, everything of its deployment |
//! | Plans | whatever the live spec asks for that is not so |
//! | Writes | every slice |

use super::{Motion, on_object};
use crate::events::SpecCommitted;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &Slice::ALL;

/// Converges the deployment whose spec it is.
pub fn motion(event: &SpecCommitted, spec_bucket: &str) -> Motion {
    on_object(&event.0, spec_bucket, WRITES)
}
