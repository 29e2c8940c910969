//! What was told of a deployment, by receiver: `told/<deployment>.json`.

use std::collections::BTreeMap;

use crate::cloud::WriteError;
use crate::error::CloudError;
use crate::notify::Told;

use super::{Kept, State};

/// What each receiver was told.
pub type Everybody = BTreeMap<String, Told>;

/// What was told, and the object's generation; nothing at `None` when there is none.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn read(state: &State, deployment: &str) -> Result<(Everybody, Option<i64>), CloudError> {
    let kept: Option<Kept<Option<Everybody>>> = state.read(&object_name(deployment)).await?;
    let generation = kept.as_ref().map(|kept| kept.generation);
    Ok((kept.and_then(|kept| kept.value).unwrap_or_default(), generation))
}

/// Notes what was told, unless somebody else did meanwhile.
///
/// # Errors
/// [`WriteError::Conflict`] when somebody else did.
pub async fn write(
    state: &State,
    deployment: &str,
    told: &Everybody,
    expected: Option<i64>,
) -> Result<(), WriteError> {
    state.write(&object_name(deployment), told, expected).await.map(drop)
}

/// Name of the object.
pub fn object_name(deployment: &str) -> String {
    format!("told/{deployment}.json")
}
