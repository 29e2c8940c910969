//! What is kept about a deployment's images: `images/<deployment>.json`.

use crate::cloud::objects::WriteError;
use crate::error::CloudError;
use crate::images::Record;

use super::State;

/// A record and the generation that its object was read at; `None` when there is no object.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The record.
    pub record: Record,
    /// The object's generation.
    pub generation: Option<i64>,
}

/// The kept record of a deployment; an empty one when there is none.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn read(state: &State, deployment: &str) -> Result<Kept, CloudError> {
    let kept = state.read::<Record>(&object_name(deployment)).await?;
    Ok(kept.map_or_else(Kept::default, |kept| Kept {
        record: kept.value.unwrap_or_default(),
        generation: Some(kept.generation),
    }))
}

/// Keeps a record in place of the one that was read; says whether nobody else was faster.
///
/// # Errors
/// When the state bucket cannot be written.
pub async fn write(
    state: &State,
    deployment: &str,
    record: &Record,
    expected: Option<i64>,
) -> Result<bool, CloudError> {
    match state.write(&object_name(deployment), record, expected).await {
        Ok(_) => Ok(true),
        Err(WriteError::Conflict) => Ok(false),
        Err(WriteError::Cloud(error)) => Err(error),
    }
}

/// Forgets what was decided.
///
/// # Errors
/// When the state bucket cannot be written.
pub async fn forget(state: &State, deployment: &str) -> Result<(), CloudError> {
    state.delete(&object_name(deployment)).await
}

/// Name of the object.
pub fn object_name(deployment: &str) -> String {
    format!("images/{deployment}.json")
}
