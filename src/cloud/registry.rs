//! Image registries: which content a reference stands for now, and copying it from one to another (`copy.rs`).

mod copy;
mod held;
mod reference;
mod tags;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

pub use reference::Reference;

use super::answer::Answer;
use super::retry::Patience;
use super::wire::Wire;
use crate::error::{CloudError, Failure};

const CALL: &str = "registry.manifests.get";
/// A tag may be moved; within one run of the work it should not look as if it had been.
const FRESH: Duration = Duration::from_secs(300);
/// Every kind of manifest a runtime takes. What is left out, a registry may answer in the old form, whose
/// digest is another one.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// What is known of one reference. Its lock is held while it is asked for, so that it is asked once.
type Entry = Arc<Mutex<Option<(Instant, String)>>>;

/// All image registries.
#[derive(Clone)]
pub struct Registry {
    wire: Arc<Wire>,
    patience: Patience,
    known: Arc<Mutex<HashMap<String, Entry>>>,
    copying: copy::Copying,
}

impl Registry {
    /// Registries at the other end of a wire.
    pub fn new(wire: Arc<Wire>) -> Self {
        Self { wire, patience: Patience::default(), known: Arc::default(), copying: copy::Copying::default() }
    }

    /// The same with other time limits.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The digest (`sha256:…`) that an image reference stands for. One that names its digest is not asked
    /// about. A reference that nothing stands behind is an error (`is_not_found`).
    ///
    /// # Errors
    /// When it is no image reference, there is no such image, or it may not be pulled.
    pub async fn digest(&self, image: &str) -> Result<String, CloudError> {
        let Some(reference) = Reference::parse(image) else {
            let text = format!("`{image}` is not an image reference");
            return Err(CloudError::new(CALL, Failure::Status(400), text));
        };
        if let Some(digest) = &reference.digest {
            return Ok(digest.clone());
        }
        self.known_or_asked(image, &reference, FRESH).await
    }

    /// The same, asked anew: what a tag that is followed points at now.
    ///
    /// # Errors
    /// As for [`Registry::digest`].
    pub async fn digest_now(&self, image: &str) -> Result<String, CloudError> {
        match Reference::parse(image).filter(|reference| reference.digest.is_none()) {
            Some(reference) => self.known_or_asked(image, &reference, Duration::ZERO).await,
            None => self.digest(image).await,
        }
    }

    async fn known_or_asked(
        &self,
        image: &str,
        reference: &Reference,
        fresh: Duration,
    ) -> Result<String, CloudError> {
        let entry = self.entry(image).await;
        let mut known = entry.lock().await;
        if let Some((_, digest)) = known.as_ref().filter(|(asked, _)| asked.elapsed() < fresh) {
            return Ok(digest.clone());
        }
        let digest = self.ask(image, reference).await?;
        *known = Some((Instant::now(), digest.clone()));
        Ok(digest)
    }

    async fn entry(&self, image: &str) -> Entry {
        let mut known = self.known.lock().await;
        // Dozens of images per deployment; hundreds mean that most are of the past.
        if known.len() >= 512 {
            known.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        known.entry(image.to_owned()).or_default().clone()
    }

    async fn ask(&self, image: &str, reference: &Reference) -> Result<String, CloudError> {
        let head = self.manifest(image, &Method::HEAD, reference).await?;
        if let Some(digest) = head.header("docker-content-digest") {
            return Ok(digest.to_owned());
        }
        // A registry need not say it; then it is what the content hashes to.
        let whole = self.manifest(image, &Method::GET, reference).await?;
        Ok(format!("sha256:{}", hex::encode(Sha256::digest(&whole.body))))
    }

    async fn manifest(
        &self,
        image: &str,
        method: &Method,
        reference: &Reference,
    ) -> Result<Answer, CloudError> {
        let attempt = || -> futures::future::BoxFuture<'_, Result<Answer, CloudError>> {
            Box::pin(self.attempt(method, reference))
        };
        let (outcome, _) = self.patience.run(CALL, true, &attempt).await;
        outcome.map_err(|mut error| {
            // Registries do not tell those who may not look whether there is anything.
            let text = match error.status() {
                Some(404) => format!("there is no image {image}"),
                Some(401 | 403) => format!("there is no image {image}, or it may not be pulled by us"),
                _ => format!("{image}: {}", error.message),
            };
            error.message = text;
            error
        })
    }

    async fn attempt(&self, method: &Method, reference: &Reference) -> Result<Answer, CloudError> {
        let client = self.wire.client().await?;
        let request = || {
            let url = reference.manifest_url(self.wire.endpoints().base.as_ref());
            client.request(method.clone(), url).header("accept", ACCEPT)
        };
        let mut first = request();
        if reference.is_google() {
            // Public images are there for everybody, so that a laptop without credentials gets on.
            first = first.headers(self.wire.identity_headers().await.unwrap_or_default());
        }
        let answer = self.wire.send(CALL, first).await?;
        let challenge = answer.header("www-authenticate").and_then(Challenge::parse);
        match challenge {
            Some(challenge) if answer.status == http::StatusCode::UNAUTHORIZED => {
                let token = self.anonymous_token(client, &challenge).await?;
                self.wire.send(CALL, request().bearer_auth(token)).await
            }
            _ => Ok(answer),
        }
    }

    /// A token for everybody. Our own identity is never shown to whoever a registry sends us to.
    async fn anonymous_token(
        &self,
        client: &reqwest::Client,
        challenge: &Challenge,
    ) -> Result<String, CloudError> {
        let call = "registry.login";
        let query: Vec<(&str, &str)> = [("service", &challenge.service), ("scope", &challenge.scope)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect();
        let request = client.get(&challenge.realm).query(&query);
        let body = self.wire.send(call, request).await?.checked(call)?.json(call)?;
        let token =
            ["token", "access_token"].iter().find_map(|field| body.get(*field).and_then(Value::as_str));
        token
            .map(str::to_owned)
            .ok_or_else(|| CloudError::new(call, Failure::Malformed, "no token in the answer"))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
    }
}

/// `Bearer realm="…",service="…",scope="…"`.
#[derive(Debug, PartialEq)]
struct Challenge {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        // Values are quoted, and a scope may have commas in it.
        let field = |name: &str| {
            let start = rest.find(&format!("{name}=\""))? + name.len() + 2;
            rest.get(start..)?.split('"').next().map(str::to_owned)
        };
        Some(Self { realm: field("realm")?, service: field("service"), scope: field("scope") })
    }
}

#[cfg(test)]
mod tests;
