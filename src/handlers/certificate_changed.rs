//! A certificate has another state: what waits for it goes on.
//!
//! | | |
//! |---|---|
//! | Reads | the inventories in the statuses, for whose the certificate is; the certificate and what waits for it |
//! | Plans | the map's entries and the redirect once it is active; the certificate again when it is gone |
//! | Writes | exposure |

use super::{Motion, on_concerned};
use crate::converge::Hint;
use crate::events::CertificateChanged;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &[Slice::Exposure];

/// Converges the deployment that has the certificate.
pub fn motion(event: &CertificateChanged) -> Motion {
    let hint = Hint::Resource { resource: event.certificate.clone() };
    let cause = format!("certificate {}", event.change);
    on_concerned(hint, cause, WRITES)
}
