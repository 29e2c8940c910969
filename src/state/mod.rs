//! What is kept between two requests, in the state bucket: identity, lease, accepted spec, status.
//!
//! Nothing here is needed to be right: truth is read from the clouds. What is kept is what cannot be read
//! there (the drawn deployment id), what keeps two workers apart (the lease) and what people read.

pub mod accepted;
pub mod identity;
pub mod images;
pub mod lease;
pub mod orders;
pub mod status;
pub mod told;

use crate::cloud::objects::{Objects, Precondition, WriteError};
use crate::error::CloudError;

/// The state bucket.
#[derive(Clone)]
pub struct State {
    objects: Objects,
    bucket: String,
}

/// A JSON object of the state bucket and the generation it was read at.
pub struct Kept<T> {
    /// Its content.
    pub value: T,
    /// Its generation, for compare-and-swap.
    pub generation: i64,
}

impl State {
    /// State in this bucket.
    pub fn new(objects: Objects, bucket: impl Into<String>) -> Self {
        Self { objects, bucket: bucket.into() }
    }

    /// Reads an object. One that cannot be understood counts as absent content at its generation, so that
    /// it is written anew and never blocks.
    ///
    /// # Errors
    /// When the bucket cannot be read.
    pub async fn read<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<Kept<Option<T>>>, CloudError> {
        let Some(object) = self.objects.read(&self.bucket, name, None).await? else { return Ok(None) };
        let value = serde_json::from_slice(&object.content).ok();
        Ok(Some(Kept { value, generation: object.generation }))
    }

    /// Deletes an object; one that is not there is fine.
    ///
    /// # Errors
    /// When the bucket cannot be written.
    pub async fn delete(&self, name: &str) -> Result<(), CloudError> {
        match self.objects.delete(&self.bucket, name, None).await {
            Ok(()) | Err(WriteError::Conflict) => Ok(()),
            Err(WriteError::Cloud(error)) => Err(error),
        }
    }

    /// Writes an object if it is still at `expected` (`None`: if it does not exist) and returns its new
    /// generation.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] when somebody else was faster.
    pub async fn write<T: serde::Serialize>(
        &self,
        name: &str,
        value: &T,
        expected: Option<i64>,
    ) -> Result<i64, WriteError> {
        let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
        text.push(b'\n');
        let precondition = expected.map_or(Precondition::Absent, Precondition::Generation);
        self.objects.write(&self.bucket, name, text.into(), "application/json", precondition).await
    }
}
