//! It is time to look at every deployment: what was lost on the way is found, what drifted is put right.
//!
//! | | |
//! |---|---|
//! | Reads | the names in the spec bucket; every status whose spec is not there; then as for a written spec |
//! | Plans | as for a written spec |
//! | Writes | every slice |

use super::Motion;
use crate::events::ResyncTick;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &Slice::ALL;

/// What the history gives as the cause.
pub const CAUSE: &str = "resync";

/// Converges every deployment.
pub fn motion(_: &ResyncTick) -> Motion {
    Motion::ConvergeAll(CAUSE)
}
