//! A step: exactly one API call, with its precondition.

use serde::Serialize;

use crate::resources::{Change, Document, Recipe, ResourceId};
use crate::slice::Slice;

/// One call that brings one resource closer to what it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The resource it changes.
    pub resource: ResourceId,
    /// The slice it belongs to.
    pub slice: Slice,
    /// What it does.
    pub action: Action,
    /// The differences it removes; empty for a creation.
    pub changes: Vec<Change>,
    /// The call.
    #[serde(skip)]
    pub request: Request,
}

/// What a step does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Makes it.
    Create,
    /// Changes it in place.
    Update,
    /// Removes it.
    Delete,
}

/// A call as data.
#[derive(Clone, Debug)]
pub enum Request {
    /// To one of Google's REST APIs.
    Google(GoogleRequest),
    /// To the cluster's API server.
    Kubernetes(KubernetesRequest),
    /// To an image registry.
    Registry(RegistryRequest),
}

/// A call to an image registry. Each writes one thing whose name is its digest, so that repeating it harms nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryRequest {
    /// Brings a blob from one repository into another. An upload has to be opened before it is closed, and the blob
    /// has to be fetched: three calls, of which only the last changes anything that lasts.
    Blob {
        /// An image that has it: `langgenius/dify-api:1.17.1`.
        from: String,
        /// The repository that it is for: `us-central1-docker.pkg.dev/p-1/appdify/docker.io/langgenius/dify-api`.
        to: String,
        /// Its digest.
        digest: String,
        /// Its size in bytes.
        size: u64,
        /// Another repository of the same registry that has it and that it can be taken from without being sent.
        mount: Option<String>,
    },
    /// Writes a manifest.
    Manifest {
        /// The repository that it is for.
        to: String,
        /// The tag or the digest that it is written under.
        name: String,
        /// Its digest.
        digest: String,
        /// Its media type.
        media_type: String,
        /// The manifest, byte for byte.
        text: String,
    },
}

/// A call to one of Google's REST APIs.
#[derive(Clone, Debug)]
pub struct GoogleRequest {
    /// HTTP method.
    pub method: Method,
    /// Host, which names the API: `sqladmin.googleapis.com`.
    pub host: &'static str,
    /// Path with the API's base, without a leading slash: `v1/projects/p/instances`.
    pub path: String,
    /// Query parameters, preconditions (`etag`, `ifMetagenerationMatch`, `requestId`) included.
    pub query: Vec<(&'static str, String)>,
    /// Body.
    pub body: Body,
    /// Name of the discovery document's method: `sql.instances.insert`, for the contract test and traces.
    pub method_id: &'static str,
}

/// HTTP methods of Google's APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The body of a Google call.
#[derive(Clone, Debug)]
pub enum Body {
    /// None.
    Empty,
    /// This document.
    Document(Document),
    /// `{"payload": {"data": …, "dataCrc32c": …}}` with content drawn by this recipe when it is sent.
    Generated(Recipe),
}

/// A call to the cluster's API server.
#[derive(Clone, Debug)]
pub enum KubernetesRequest {
    /// Server-side apply under our field manager, forced. A `resource_version` makes it conditional.
    Apply {
        /// The whole object as it is owned by us.
        document: Document,
        /// The version that was seen; `None` for an object that was not there.
        resource_version: Option<String>,
    },
    /// Delete exactly the object that was seen.
    Delete {
        /// Its uid.
        uid: String,
        /// Its version.
        resource_version: String,
    },
}
