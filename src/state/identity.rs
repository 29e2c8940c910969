//! The deployment's identity: drawn once, kept for ever.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::cloud::objects::WriteError;
use crate::error::{CloudError, Failure};

use super::State;

/// What makes this deployment's names its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Eight lowercase hex digits.
    pub deployment_id: String,
}

/// The deployment's identity, if it was drawn already. Draws nothing.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn peek(state: &State, deployment: &str) -> Result<Option<Identity>, CloudError> {
    Ok(state.read::<Identity>(&object_name(deployment)).await?.and_then(|kept| kept.value))
}

/// The deployment's identity; the first caller draws it, everybody else reads it.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn identity(state: &State, deployment: &str) -> Result<Identity, CloudError> {
    let name = object_name(deployment);
    loop {
        if let Some(kept) = state.read::<Identity>(&name).await? {
            return kept.value.ok_or_else(|| {
                let message = format!("{name} in the state bucket is damaged: restore it from a backup");
                CloudError::new("identity", Failure::Malformed, message)
            });
        }
        let drawn = Identity { deployment_id: format!("{:08x}", rand::rng().random::<u32>()) };
        match state.write(&name, &drawn, None).await {
            Ok(_) => return Ok(drawn),
            // Somebody else has just drawn it: theirs counts.
            Err(WriteError::Conflict) => {}
            Err(WriteError::Cloud(error)) => return Err(error),
        }
    }
}

/// Forgets the identity: whoever comes by that name next is another deployment.
///
/// # Errors
/// When the state bucket cannot be written.
pub async fn forget(state: &State, deployment: &str) -> Result<(), CloudError> {
    state.delete(&object_name(deployment)).await
}

fn object_name(deployment: &str) -> String {
    format!("identity/{deployment}.json")
}
