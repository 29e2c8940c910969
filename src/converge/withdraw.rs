//! What becomes of a deployment whose spec is gone: what its last accepted spec said in `deletion_policy`.

use crate::error::CloudError;

use super::{Converger, Outcome, Scene, Work, report, scene};
use crate::state::{accepted, identity, images, orders};

/// What becomes of a deployment whose spec is gone.
pub enum Policy {
    /// Everything stays and stays known: a spec of the same name takes it up again.
    Retain,
    /// Everything stays and is nobody's any more.
    Orphan,
    /// What holds no data goes; data goes when that is approved.
    Destroy(Box<Scene>),
    /// It was taken down.
    Gone,
}

/// What the last accepted spec wanted.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn policy(converger: &Converger, work: &Work) -> Result<Policy, CloudError> {
    let Some(last) = scene::last(converger, work).await? else {
        // Whoever was forgetting it may have died half way.
        accepted::forget(&converger.state, &work.deployment).await?;
        return Ok(Policy::Retain);
    };
    Ok(match last.spec.deletion_policy.as_str() {
        "orphan" => Policy::Orphan,
        "destroy" => Policy::Destroy(Box::new(Scene { withdrawn: true, ..last })),
        _ => Policy::Retain,
    })
}

/// Tells what became of it, and forgets what is nobody's any more.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn settle(converger: &Converger, work: &Work, policy: Policy) -> Result<Outcome, CloudError> {
    let (what, forget) = match policy {
        Policy::Orphan => {
            ("the spec was withdrawn; everything it made stays, and is no longer ours (orphan)", true)
        }
        Policy::Gone => ("the spec was withdrawn, and everything it made is gone (destroy)", true),
        // A destroy is worked on, and never settled here.
        Policy::Retain | Policy::Destroy(_) => {
            ("the spec was withdrawn; everything it made stays as it is (retain)", false)
        }
    };
    // Told first: were it the other way round, a death in between would leave nothing to be told.
    report::withdrawn(converger, work, what).await?;
    if forget {
        // A name that is used again is another deployment: an instance's name is not free for a week.
        images::forget(&converger.state, &work.deployment).await?;
        orders::forget(&converger.state, &work.deployment).await?;
        identity::forget(&converger.state, &work.deployment).await?;
        accepted::forget(&converger.state, &work.deployment).await?;
    }
    Ok(Outcome::Withdrawn)
}
