//! Copying from registry to registry, each part by its digest, with `oci-client`.
//!
//! A blob is streamed from its source into the upload, in one piece: Artifact Registry takes no upload in chunks. What
//! is interrupted begins anew with this blob and no other. A blob without its manifest harms nobody, so nothing is
//! cleaned up. Artifact Registry gets our identity and every other registry none, unless it is Google's.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, header};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference as Named, RegistryOperation};
use tokio::sync::{Mutex, OnceCell};

use super::held::{Fault, held};
use super::{ACCEPT, Reference, Registry};
use crate::cloud::wire::{USER_AGENT, whole};
use crate::error::{CloudError, Failure};
use crate::plan::RegistryRequest;

const BLOB: &str = "registry.blobs.copy";
const MANIFEST: &str = "registry.manifests.put";
const LOOK: &str = "registry.head";
/// What is slower than this is stuck.
const BYTES_A_SECOND: u64 = 1 << 20;
/// What a copy may take however small it is.
const LEAST: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an identity or an anonymous token is used that does not say how long it is good.
const TOKEN_SECS: usize = 240;
/// Manifests that are remembered. They never change, and a registry counts each time one is fetched.
const REMEMBERED: usize = 512;

/// What copying keeps.
#[derive(Clone, Default)]
pub(super) struct Copying {
    /// The library's client, made at first use.
    client: Arc<OnceCell<Client>>,
    /// Manifests that were read, by digest.
    manifests: Arc<Mutex<HashMap<String, String>>>,
}

impl Registry {
    /// An image's manifest, or one that it lists, by digest. Its content has this digest.
    ///
    /// # Errors
    /// When the source cannot be read, or answers something else under this digest.
    pub async fn content(&self, image: &str, digest: &str) -> Result<String, CloudError> {
        if let Some(known) = self.copying.manifests.lock().await.get(digest) {
            return Ok(known.clone());
        }
        let source = self.named(super::CALL, image, Name::Digest(digest))?;
        let accept: Vec<&str> = ACCEPT.split(',').map(str::trim).collect();
        let read = || async {
            let client = self.client_for(&source, RegistryOperation::Pull).await?;
            let read = client.pull_manifest_raw(&source, &RegistryAuth::Anonymous, &accept).await;
            read.map_err(|error| told(super::CALL, image, error))
        };
        let (body, _) = self.tried(super::CALL, read).await?;
        let not_text = |_| corrupt(super::CALL, image, &format!("the manifest {digest} is not text"));
        let text = String::from_utf8(body.to_vec()).map_err(not_text)?;
        let mut known = self.copying.manifests.lock().await;
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(digest.to_owned(), text.clone());
        Ok(text)
    }

    /// Whether a repository has a blob.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn has_blob(&self, repository: &str, digest: &str) -> Result<bool, CloudError> {
        let target = self.named(LOOK, repository, Name::Digest(digest))?;
        let look = || async {
            let client = self.client_for(&target, RegistryOperation::Pull).await?;
            client.blob_exists(&target, digest).await.map_err(|error| told(LOOK, repository, error))
        };
        self.tried(LOOK, look).await
    }

    /// The digest of the manifest that a repository has under a tag or a digest; `None` when it has none.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn manifest_under(&self, repository: &str, name: &str) -> Result<Option<String>, CloudError> {
        let target = self.named(LOOK, repository, Name::of(name))?;
        let look = || async {
            let client = self.client_for(&target, RegistryOperation::Pull).await?;
            let found = client.fetch_manifest_digest(&target, &RegistryAuth::Anonymous).await;
            match found.map_err(|error| told(LOOK, repository, error)) {
                Err(error) if error.is_not_found() => Ok(None),
                found => found.map(Some),
            }
        };
        self.tried(LOOK, look).await
    }

    /// Makes one part of a copy. What is there already is made again without harm.
    ///
    /// # Errors
    /// When a registry refuses or fails, or when what comes from the source is not what its digest says.
    pub async fn carry_out(&self, request: &RegistryRequest) -> Result<(), CloudError> {
        match request {
            RegistryRequest::Blob { from, to, digest, size, mount } => {
                let limit = LEAST + Duration::from_secs(size / BYTES_A_SECOND);
                let copied =
                    tokio::time::timeout(limit, self.blob(from, to, digest, *size, mount.as_deref()));
                let stuck = |_| {
                    CloudError::new(BLOB, Failure::NoAnswer, format!("{from}: {digest} within {limit:?}"))
                };
                copied.await.map_err(stuck)?
            }
            RegistryRequest::Manifest { to, name, digest: _, media_type, text } => {
                let target = self.named(MANIFEST, to, Name::of(name))?;
                let kind = HeaderValue::from_str(media_type);
                let kind = kind.map_err(|_| corrupt(MANIFEST, to, "its media type is nonsense"))?;
                let write = || async {
                    let client = self.client_for(&target, RegistryOperation::Push).await?;
                    let written = client.push_manifest_raw(&target, text.clone(), kind.clone()).await;
                    written.map(drop).map_err(|error| told(MANIFEST, to, error))
                };
                self.tried(MANIFEST, write).await
            }
        }
    }

    /// Something that harms nothing when it is done twice.
    async fn tried<T, F>(&self, call: &str, attempt: impl Fn() -> F) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>>,
    {
        self.patience.tried(call, true, attempt).await.0
    }

    async fn blob(
        &self,
        from: &str,
        to: &str,
        digest: &str,
        size: u64,
        mount: Option<&str>,
    ) -> Result<(), CloudError> {
        let target = self.named(BLOB, to, Name::Digest(digest))?;
        if let Some(mount) = mount {
            let near = self.named(BLOB, mount, Name::Digest(digest))?;
            let client = self.client_for(&target, RegistryOperation::Push).await?;
            match client.mount_blob(&target, &near, digest).await {
                Ok(()) => return Ok(()),
                // It would rather have it sent; the upload that it opened instead runs out by itself.
                Err(OciDistributionError::SpecViolationError(_)) => {}
                Err(error) => return Err(told(BLOB, to, error)),
            }
        }
        let source = self.named(BLOB, from, Name::Digest(digest))?;
        let client = self.client_for(&source, RegistryOperation::Pull).await?;
        let blob = client.pull_blob_stream(&source, digest).await.map_err(|error| told(BLOB, from, error))?;
        let fault = Fault::default();
        let body = held(blob.stream, digest, size, fault.clone());
        let client = self.client_for(&target, RegistryOperation::Push).await?;
        let sent = client.push_blob_stream(&target, body, digest, Some(size)).await;
        match (fault.take(), sent) {
            (Some(why), _) => Err(corrupt(BLOB, from, &why)),
            (None, sent) => sent.map(drop).map_err(|error| told(BLOB, to, error)),
        }
    }

    /// The client, with what says who we are to this repository. Our identity is renewed each time, because the
    /// library would keep the first one for ever.
    async fn client_for(&self, named: &Named, operation: RegistryOperation) -> Result<&Client, CloudError> {
        let make = || async { client(self.wire.endpoints().base.as_ref()) };
        let client = self.copying.client.get_or_try_init(make).await?;
        let google = Reference::parse(&format!("{}/{}", named.registry(), named.repository()));
        let bearer = match google.filter(Reference::is_google) {
            // Public images are there for everybody, so that a laptop without credentials gets on.
            Some(_) => self.wire.identity_headers().await.unwrap_or_default(),
            None => http::HeaderMap::new(),
        };
        let bearer = bearer.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match bearer.and_then(|value| value.strip_prefix("Bearer ")) {
            Some(token) => {
                let auth = RegistryAuth::Bearer(token.to_owned());
                client
                    .auth(named, &auth, operation)
                    .await
                    .map_err(|error| told(LOOK, named.repository(), error))?;
            }
            None => client.store_auth_if_needed(named.resolve_registry(), &RegistryAuth::Anonymous).await,
        }
        Ok(client)
    }

    /// An image as the library names it; at the one server that stands for all registries, if there is one.
    fn named(&self, call: &str, image: &str, name: Name<'_>) -> Result<Named, CloudError> {
        let nonsense =
            || CloudError::new(call, Failure::Status(400), format!("`{image}` is not an image reference"));
        let Reference { registry, repository, .. } = Reference::parse(image).ok_or_else(nonsense)?;
        let mut named = match name {
            Name::Digest(digest) => Named::with_digest(registry, repository, digest.to_owned()),
            Name::Tag(tag) => Named::with_tag(registry, repository, tag.to_owned()),
        };
        if let Some(base) = &self.wire.endpoints().base {
            named.set_mirror_registry(base.authority().to_owned());
        }
        Ok(named)
    }
}

/// What is named in a repository.
enum Name<'a> {
    Digest(&'a str),
    Tag(&'a str),
}

impl<'a> Name<'a> {
    fn of(name: &'a str) -> Self {
        if name.contains(':') { Self::Digest(name) } else { Self::Tag(name) }
    }
}

fn client(base: Option<&url::Url>) -> Result<Client, CloudError> {
    let config = ClientConfig {
        protocol: match base {
            Some(base) if base.scheme() == "http" => {
                ClientProtocol::HttpsExcept(vec![base.authority().to_owned()])
            }
            _ => ClientProtocol::Https,
        },
        use_monolithic_push: true,
        platform_resolver: None,
        default_token_expiration_secs: TOKEN_SECS,
        // It would count while a blob is being sent, and cut it off: each call has a limit of its own here.
        read_timeout: None,
        connect_timeout: Some(CONNECT_TIMEOUT),
        user_agent: USER_AGENT,
        ..ClientConfig::default()
    };
    Client::try_from(config).map_err(|error| told(LOOK, "registry client", error))
}

/// The library's error as ours, with the image that it is about.
fn told(call: &str, image: &str, error: OciDistributionError) -> CloudError {
    use OciDistributionError as Library;
    let new = |failure, message: &str| CloudError::new(call, failure, format!("{image}: {message}"));
    match error {
        Library::ServerError { code, message, .. } => {
            let (reason, message) = refusal(&message);
            new(Failure::Status(code), &message).with_reason(reason)
        }
        Library::RegistryError { envelope, .. } => match envelope.errors.first() {
            Some(first) => {
                new(Failure::Status(status(&first.code)), &first.message).with_reason(code(&first.code))
            }
            None => new(Failure::Status(400), "it was refused without a reason"),
        },
        Library::UnauthorizedError { .. } | Library::AuthenticationFailure(_) => {
            new(Failure::Status(401), "there is no such image, or it may not be pulled by us")
        }
        Library::DigestError(error) => new(Failure::Corrupt, &error.to_string()),
        Library::RequestError(error) => {
            let failure = match error.status() {
                Some(status) => Failure::Status(status.as_u16()),
                None if error.is_connect() || error.is_builder() => Failure::Connect,
                None => Failure::NoAnswer,
            };
            new(failure, &whole(&error.without_url()))
        }
        Library::IoError(error) => new(Failure::NoAnswer, &error.to_string()),
        other => new(Failure::Malformed, &other.to_string()),
    }
}

/// What a registry refused with: `{"errors": [{"code", "message"}]}`, or its own words.
fn refusal(body: &str) -> (String, String) {
    let parsed: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let said =
        |field: &str| parsed.pointer(&format!("/errors/0/{field}")).and_then(serde_json::Value::as_str);
    match (said("code"), said("message")) {
        (Some(code), message) => (code.to_owned(), message.unwrap_or_default().to_owned()),
        _ => (String::new(), body.chars().take(200).collect()),
    }
}

/// The status that a code comes with, which the library does not tell.
fn status(code: &OciErrorCode) -> u16 {
    match code {
        OciErrorCode::BlobUnknown
        | OciErrorCode::BlobUploadUnknown
        | OciErrorCode::ManifestUnknown
        | OciErrorCode::NameUnknown
        | OciErrorCode::NotFound => 404,
        OciErrorCode::Unauthorized => 401,
        OciErrorCode::Denied => 403,
        OciErrorCode::Toomanyrequests => 429,
        _ => 400,
    }
}

/// A code as the protocol writes it.
fn code(code: &OciErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

fn corrupt(call: &str, image: &str, why: &str) -> CloudError {
    CloudError::new(call, Failure::Corrupt, format!("{image}: {why}"))
}

#[cfg(test)]
mod tests;
