//! Objects in buckets: reads with their generation, writes with a precondition.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use google_cloud_gax::error::Error as GaxError;
use google_cloud_gax::retry_policy::RetryPolicyExt;
use google_cloud_storage::client::Storage;
use google_cloud_storage::retry_policy::RetryableErrors;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::google::Google;
use super::wire::{self, Wire};
use crate::error::{CloudError, Failure};
use crate::plan::{Body, GoogleRequest, Method};

const HOST: &str = "storage.googleapis.com";
/// The client's own default is five minutes, longer than a request may take.
const BUDGET: Duration = Duration::from_secs(20);

/// An object with its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    /// The content's version.
    pub generation: i64,
    /// The metadata's version.
    pub metageneration: i64,
    /// The content.
    pub content: Bytes,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object #{} of {} bytes", self.generation, self.content.len())
    }
}

/// An object without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Name.
    pub name: String,
    /// The content's version.
    pub generation: i64,
    /// The metadata's version.
    pub metageneration: i64,
    /// Bytes of content.
    pub size_bytes: u64,
    /// When this generation was written, RFC 3339.
    pub created: String,
}

/// What must hold for a write to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    None,
    /// There is no such object.
    Absent,
    /// The object is this generation.
    Generation(i64),
}

/// Why a write was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The precondition does not hold. After a repeated try that may be because of our own earlier try:
    /// read what is there before taking it for somebody else's.
    #[error("the object is not as it was expected to be")]
    Conflict,
    /// The call failed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// Objects of all buckets.
#[derive(Clone)]
pub struct Objects {
    wire: Arc<Wire>,
    google: Google,
    client: Arc<OnceCell<Storage>>,
}

impl Objects {
    /// Objects at the other end of a wire.
    pub fn new(wire: Arc<Wire>, google: Google) -> Self {
        Self { wire, google, client: Arc::new(OnceCell::new()) }
    }

    /// Reads an object, or one generation of it. `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, which a missing object is not.
    pub async fn read(
        &self,
        bucket: &str,
        name: &str,
        generation: Option<i64>,
    ) -> Result<Option<Object>, CloudError> {
        let call = "storage.objects.get";
        let mut request = self.client().await?.read_object(bucket_path(bucket), name);
        if let Some(generation) = generation {
            request = request.set_generation(generation);
        }
        let mut response = match Box::pin(request.send()).await {
            Err(error) if error.http_status_code() == Some(404) => return Ok(None),
            answered => answered.map_err(|error| failed(call, &error))?,
        };
        let (generation, metageneration) = (response.object().generation, response.object().metageneration);
        let mut content = BytesMut::new();
        while let Some(chunk) = response.next().await.transpose().map_err(|error| failed(call, &error))? {
            content.extend_from_slice(&chunk);
        }
        Ok(Some(Object { generation, metageneration, content: content.freeze() }))
    }

    /// Writes an object when the precondition holds, and gives its new generation.
    ///
    /// # Errors
    /// When the precondition does not hold, or the call failed.
    pub async fn write(
        &self,
        bucket: &str,
        name: &str,
        content: Bytes,
        content_type: &str,
        precondition: Precondition,
    ) -> Result<i64, WriteError> {
        let client = self.client().await?;
        let mut request =
            client.write_object(bucket_path(bucket), name, content).set_content_type(content_type);
        request = match precondition {
            Precondition::None => request,
            Precondition::Absent => request.set_if_generation_match(0_i64),
            Precondition::Generation(generation) => request.set_if_generation_match(generation),
        };
        match Box::pin(request.send_unbuffered()).await {
            Ok(object) => Ok(object.generation),
            // Told by the status alone: these errors have no code of their own.
            Err(error) if error.http_status_code() == Some(412) => Err(WriteError::Conflict),
            Err(error) => Err(WriteError::Cloud(failed("storage.objects.insert", &error))),
        }
    }

    /// Every object whose name begins with `prefix`, in the order of their names.
    ///
    /// # Errors
    /// When not all of them can be listed.
    pub async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<ObjectInfo>, CloudError> {
        let mut request = request(Method::Get, bucket, None, "storage.objects.list");
        request.query.push(("prefix", prefix.to_owned()));
        let listing = self.google.list_all(&request).await?;
        let items = |page: &Value| page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(listing.pages.iter().flat_map(items).filter_map(|item| info(&item)).collect())
    }

    /// What is known of an object without reading it. `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be asked about.
    pub async fn stat(&self, bucket: &str, name: &str) -> Result<Option<ObjectInfo>, CloudError> {
        match self.google.call(&request(Method::Get, bucket, Some(name), "storage.objects.get")).await {
            Err(error) if error.is_not_found() => Ok(None),
            answered => Ok(info(&answered?)),
        }
    }

    /// Deletes an object, when it is still this generation. One that is gone already is fine.
    ///
    /// # Errors
    /// When it is another generation by now, or the call failed.
    pub async fn delete(&self, bucket: &str, name: &str, generation: Option<i64>) -> Result<(), WriteError> {
        let mut request = request(Method::Delete, bucket, Some(name), "storage.objects.delete");
        if let Some(generation) = generation {
            request.query.push(("ifGenerationMatch", generation.to_string()));
        }
        match self.google.call(&request).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) if error.status() == Some(412) => Err(WriteError::Conflict),
            Err(error) => Err(WriteError::Cloud(error)),
        }
    }

    async fn client(&self) -> Result<&Storage, CloudError> {
        let connect = || async {
            let retry = RetryableErrors.continue_on_too_many_requests().with_time_limit(BUDGET);
            let mut builder =
                Storage::builder().with_credentials(self.wire.credentials().await?).with_retry_policy(retry);
            if let Some(base) = &self.wire.endpoints().base {
                builder = builder.with_endpoint(base.as_str().trim_end_matches('/'));
            }
            let built = Box::pin(builder.build()).await;
            built.map_err(|error| CloudError::new("storage client", Failure::Connect, wire::whole(&error)))
        };
        self.client.get_or_try_init(connect).await
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Objects")
    }
}

fn bucket_path(bucket: &str) -> String {
    format!("projects/_/buckets/{bucket}")
}

fn request(method: Method, bucket: &str, name: Option<&str>, method_id: &'static str) -> GoogleRequest {
    let bucket = wire::segment(bucket);
    let name = name.map(|name| format!("/{}", wire::segment(name))).unwrap_or_default();
    let path = format!("storage/v1/b/{bucket}/o{name}");
    GoogleRequest { method, host: HOST, path, query: Vec::new(), body: Body::Empty, method_id }
}

/// The JSON API writes 64-bit numbers as text.
fn info(item: &Value) -> Option<ObjectInfo> {
    let text = |field: &str| item.get(field).and_then(Value::as_str);
    Some(ObjectInfo {
        name: text("name")?.to_owned(),
        generation: text("generation")?.parse().ok()?,
        metageneration: text("metageneration").and_then(|number| number.parse().ok()).unwrap_or(1),
        size_bytes: text("size").and_then(|number| number.parse().ok()).unwrap_or(0),
        created: text("timeCreated").unwrap_or_default().to_owned(),
    })
}

fn failed(call: &str, error: &GaxError) -> CloudError {
    if error.is_authentication() {
        return CloudError::new(call, Failure::Credentials, wire::whole(error));
    }
    let Some(status) = error.http_status_code() else {
        let failure = if error.is_connect() { Failure::Connect } else { Failure::NoAnswer };
        return CloudError::new(call, failure, wire::whole(error));
    };
    // The error's own text repeats headers; its status and payload are enough.
    let body = error.http_payload().cloned().unwrap_or_default();
    let code = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let answer = super::answer::Answer { status: code, headers: http::HeaderMap::new(), body };
    let mut failure = answer.error(call);
    if let Some(status) = error.status() {
        failure.message = super::scrub::text(&status.message);
    }
    failure
}

#[cfg(test)]
mod tests;
