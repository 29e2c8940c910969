//! One worker at a time per deployment.
//!
//! Losing the lease mid-way is safe, because every step has its own precondition; the lease only keeps
//! two workers from doing the same work twice.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cloud::objects::WriteError;
use crate::error::CloudError;

use super::State;

/// How long a lease holds without being renewed. Longer than one round of observing and applying takes,
/// short enough that the work of a worker that died goes on within a minute or two.
const HOLD_SECS: i64 = 90;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Content {
    holder: String,
    expires: Timestamp,
}

/// A lease that is held.
pub struct Lease {
    state: State,
    name: String,
    holder: String,
    generation: i64,
}

/// What came of asking for a lease.
pub enum Asked {
    /// It is ours.
    Held(Lease),
    /// Somebody else has it until then.
    Busy(Timestamp),
}

/// Asks for a deployment's lease.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn ask(state: &State, deployment: &str, holder: &str, now: Timestamp) -> Result<Asked, CloudError> {
    let name = format!("lease/{deployment}.json");
    let kept = state.read::<Content>(&name).await?;
    let expected = kept.as_ref().map(|kept| kept.generation);
    if let Some(Some(content)) = kept.map(|kept| kept.value)
        && content.expires > now
        && content.holder != holder
    {
        return Ok(Asked::Busy(content.expires));
    }
    let until = expiry(now);
    match state.write(&name, &Content { holder: holder.into(), expires: until }, expected).await {
        Ok(generation) => {
            Ok(Asked::Held(Lease { state: state.clone(), name, holder: holder.into(), generation }))
        }
        Err(WriteError::Conflict) => match ours(state, &name, holder).await? {
            Some(generation) => {
                Ok(Asked::Held(Lease { state: state.clone(), name, holder: holder.into(), generation }))
            }
            None => Ok(Asked::Busy(until)),
        },
        Err(WriteError::Cloud(error)) => Err(error),
    }
}

/// The lease's generation, if it is ours: a write whose answer was lost is repeated, and then meets itself.
async fn ours(state: &State, name: &str, holder: &str) -> Result<Option<i64>, CloudError> {
    let kept = state.read::<Content>(name).await?;
    Ok(kept
        .filter(|kept| kept.value.as_ref().is_some_and(|content| content.holder == holder))
        .map(|kept| kept.generation))
}

impl Lease {
    /// Holds on to the lease; `false` when it was lost.
    ///
    /// # Errors
    /// When the state bucket cannot be written.
    pub async fn renew(&mut self, now: Timestamp) -> Result<bool, CloudError> {
        self.put(expiry(now)).await
    }

    /// Lets go of the lease. That it fails does not matter: the lease runs out.
    pub async fn release(mut self, now: Timestamp) {
        if let Err(error) = self.put(now).await {
            tracing::warn!(%error, lease = self.name, "the lease could not be released");
        }
    }

    async fn put(&mut self, expires: Timestamp) -> Result<bool, CloudError> {
        let content = Content { holder: self.holder.clone(), expires };
        match self.state.write(&self.name, &content, Some(self.generation)).await {
            Ok(generation) => {
                self.generation = generation;
                Ok(true)
            }
            Err(WriteError::Conflict) => match ours(&self.state, &self.name, &self.holder).await? {
                Some(generation) => {
                    self.generation = generation;
                    Ok(true)
                }
                None => Ok(false),
            },
            Err(WriteError::Cloud(error)) => Err(error),
        }
    }
}

fn expiry(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(HOLD_SECS)).unwrap_or(Timestamp::MAX)
}
