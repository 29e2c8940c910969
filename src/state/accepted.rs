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

/// What was accepted last, as it was read or written.
#[derive(Clone, Default)]
pub struct Accepted {
    /// The spec; sensitive variables hold a placeholder. `None` when none was accepted yet.
    pub spec: Option<Spec>,
    /// The generation of its spec object.
    generation: Option<i64>,
    /// The generation of the object that it is kept in; `None` when there is none.
    kept_at: Option<i64>,
}

impl Accepted {
    /// The generation of its spec object; `None` when none was accepted yet.
    pub fn generation(&self) -> Option<i64> {
        self.generation
    }
}

/// The last accepted spec.
///
/// # Errors
/// When the state bucket cannot be read.
pub async fn read(state: &State, deployment: &str) -> Result<Accepted, CloudError> {
    let Some(kept) = state.read::<Content>(&name(deployment)).await? else { return Ok(Accepted::default()) };
    let kept_at = Some(kept.generation);
    let Some(content) = kept.value else { return Ok(Accepted { kept_at, ..Accepted::default() }) };
    let mut spec = Spec::default();
    if let Value::Object(fields) = content.spec {
        for (name, value) in fields {
            // A variable of another version of the reconciler is passed over.
            let _ = spec.set(&name, value);
        }
    }
    Ok(Accepted { spec: Some(spec), generation: Some(content.generation), kept_at })
}

/// Notes that `spec` was accepted, unless it or a newer one was, and answers what counts then. `last` is what
/// was read before; when somebody else has written since, it is read anew.
///
/// # Errors
/// When the state bucket cannot be read or written.
pub async fn write(
    state: &State,
    deployment: &str,
    generation: i64,
    spec: &Spec,
    last: Accepted,
) -> Result<Accepted, CloudError> {
    let mut last = last;
    loop {
        if last.generation.is_some_and(|accepted| accepted >= generation) {
            return Ok(last);
        }
        let content = Content { generation, spec: serde_json::to_value(spec).unwrap_or_default() };
        match state.write(&name(deployment), &content, last.kept_at).await {
            Ok(kept_at) => {
                let (generation, kept_at) = (Some(generation), Some(kept_at));
                return Ok(Accepted { spec: Some(spec.clone()), generation, kept_at });
            }
            Err(WriteError::Conflict) => last = read(state, deployment).await?,
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
