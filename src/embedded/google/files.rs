//! Cloud Storage for whoever lives in the same process: what a container reads and writes there, without HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::apis::storage::{buckets, objects};
use super::call::Call;
use super::cloud::Cloud;
use super::context::Cx;
use super::error::ApiError;
use super::server::Server;
use super::store::text;

/// The objects of the embedded project. It outlives the server that it is of.
#[derive(Clone)]
pub struct Files {
    cloud: Arc<Cloud>,
}

impl Server {
    /// The objects of the project, for whoever lives in the same process.
    pub fn files(&self) -> Files {
        Files { cloud: self.cloud.clone() }
    }
}

impl Files {
    /// The embedded time.
    pub fn now(&self) -> Timestamp {
        self.cloud.clock.now()
    }

    /// Whether the project has this bucket.
    pub fn has(&self, bucket: &str) -> bool {
        self.cloud.world().get(&buckets::key(bucket)).is_some()
    }

    /// The objects whose names begin so, as the API describes them.
    ///
    /// # Errors
    /// There is no such bucket.
    pub fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Value>, String> {
        self.work(|cx| {
            buckets::fetch(cx, bucket)?;
            let start = format!("{}/o/{prefix}", buckets::key(bucket));
            Ok(cx.world.below(&start).map(|(_, object)| object.clone()).collect())
        })
    }

    /// An object's content.
    ///
    /// # Errors
    /// There is no such object.
    pub fn read(&self, bucket: &str, name: &str) -> Result<Bytes, String> {
        self.work(|cx| {
            let object = objects::fetch(cx, bucket, name, None)?;
            objects::content(cx, &object)
        })
    }

    /// Writes an object with metadata of its own, in place of what was there.
    ///
    /// # Errors
    /// There is no such bucket, or it takes no object of this name.
    pub fn write(
        &self,
        bucket: &str,
        name: &str,
        content: &[u8],
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        let described = if metadata.is_empty() { json!({}) } else { json!({ "metadata": metadata }) };
        let bytes = Bytes::copy_from_slice(content);
        self.work(|cx| objects::write(cx, &Call::default(), (bucket, name), &described, &bytes)).map(drop)
    }

    /// Makes what lies below one place be below another too: what differs is copied, nothing is removed.
    ///
    /// # Errors
    /// One of the buckets is not there.
    pub fn copy_all(&self, from: (&str, &str), to: (&str, &str)) -> Result<(), String> {
        for object in self.list(from.0, from.1)? {
            let name = text(&object, "name");
            let target = format!("{}{}", to.1, name.strip_prefix(from.1).unwrap_or(name));
            let there = self.list(to.0, &target)?;
            let same =
                |other: &Value| other["name"] == target.as_str() && other["md5Hash"] == object["md5Hash"];
            if !there.iter().any(same) {
                let content = self.read(from.0, name)?;
                self.write(to.0, &target, &content, &BTreeMap::new())?;
            }
        }
        Ok(())
    }

    /// Removes what lies below a place.
    ///
    /// # Errors
    /// There is no such bucket.
    pub fn remove_all(&self, bucket: &str, prefix: &str) -> Result<(), String> {
        let objects = self.list(bucket, prefix)?;
        self.work(|cx| {
            objects.iter().for_each(|object| objects::gone(cx, object, false));
            Ok(())
        })
    }

    fn work<T>(&self, work: impl FnOnce(&mut Cx) -> Result<T, ApiError>) -> Result<T, String> {
        let done = self.cloud.with(&Call::default(), work);
        self.cloud.wake.notify_one();
        done.map_err(|error| error.message)
    }
}
