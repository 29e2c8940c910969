//! The spec that was accepted last, without its secrets: what the next one is compared with.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cloud::objects::WriteError;
use crate::error::CloudError;
use crate::spec::Spec;

use super::State;

#[derive(Serialize, Deserialize)]
struct Content {
    generation: i64,
    spec: Value,
}

/// The last accepted spec and its generation; sensitive variables hold a placeholder.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn read(state: &State, deployment: &str) -> Result<Option<(i64, Spec)>, CloudError> {
    let Some(kept) = state.read::<Content>(&name(deployment)).await? else { return Ok(None) };
    let Some(content) = kept.value else { return Ok(None) };
    let mut spec = Spec::default();
    if let Value::Object(fields) = content.spec {
        for (name, value) in fields {
            // A variable of another version of the reconciler is passed over.
            let _ = spec.set(&name, value);
        }
    }
    Ok(Some((content.generation, spec)))
}

/// Notes that `spec` was accepted, unless a newer one was.
///
/// # Errors
/// When the state bucket cannot be written.
pub async fn write(state: &State, deployment: &str, generation: i64, spec: &Spec) -> Result<(), CloudError> {
    let name = name(deployment);
    loop {
        let kept = state.read::<Content>(&name).await?;
        let expected = kept.as_ref().map(|kept| kept.generation);
        if kept.and_then(|kept| kept.value).is_some_and(|content| content.generation >= generation) {
            return Ok(());
        }
        let spec = serde_json::to_value(spec).unwrap_or_default();
        match state.write(&name, &Content { generation, spec }, expected).await {
            Ok(_) => return Ok(()),
            Err(WriteError::Conflict) => {}
            Err(WriteError::Cloud(error)) => return Err(error),
        }
    }
}

/// Forgets the spec that was accepted last.
///
/// # Errors
/// When the state bucket cannot be written.
pub async fn forget(state: &State, deployment: &str) -> Result<(), CloudError> {
    state.delete(&name(deployment)).await
}

fn name(deployment: &str) -> String {
    format!("accepted/{deployment}.json")
}
