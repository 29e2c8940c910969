//! Google's public keys for ID tokens, fetched by one request for everybody who waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use tokio::sync::{Mutex, RwLock};
use tokio::time::Instant;

use crate::cloud::Wire;
use crate::error::{CloudError, Failure};

/// How long what is known of the keys holds.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    /// Google lets its keys be kept for about six hours, and gives a new one out a day before it is used.
    pub fresh: Duration,
    /// Keys that could not be renewed stay in use so long: a door that shuts whenever the key server cannot be
    /// reached loses events.
    pub usable: Duration,
    /// A key that was not there a minute ago is not asked for again, or anybody could make us fetch at every
    /// request.
    pub unknown: Duration,
    /// How long after a failed fetch nobody tries again.
    pub failed: Duration,
}

impl Default for Ages {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(3600),
            usable: Duration::from_secs(24 * 3600),
            unknown: Duration::from_secs(60),
            failed: Duration::from_secs(2),
        }
    }
}

/// Time limit of a fetch.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Public keys by their id.
pub struct Keys {
    wire: Arc<Wire>,
    url: String,
    ages: Ages,
    kept: RwLock<Kept>,
    /// Held while fetching.
    turn: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    keys: HashMap<String, Arc<DecodingKey>>,
    fetched: Option<Instant>,
    failed: Option<Instant>,
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// There is none of this id.
    Unknown,
    /// It cannot be told: the keys cannot be fetched.
    Unavailable,
}

impl Keys {
    /// Keys that are published at an address.
    pub fn new(wire: Arc<Wire>, url: String) -> Self {
        Self { wire, url, ages: Ages::default(), kept: RwLock::default(), turn: Mutex::default() }
    }

    /// The same, with other ages.
    pub fn with_ages(self, ages: Ages) -> Self {
        Self { ages, ..self }
    }

    /// The key of this id.
    ///
    /// # Errors
    /// [`NoKey`] says why there is none.
    pub async fn find(&self, id: &str) -> Result<Arc<DecodingKey>, NoKey> {
        if let Some(answer) = self.kept.read().await.answer(id, &self.ages) {
            return answer;
        }
        let _turn = self.turn.lock().await;
        // Whoever had the turn before may have fetched what we came for.
        if let Some(answer) = self.kept.read().await.answer(id, &self.ages) {
            return answer;
        }
        let fetched = self.fetch().await;
        let mut kept = self.kept.write().await;
        match fetched {
            Ok(keys) => *kept = Kept { keys, fetched: Some(Instant::now()), failed: None },
            Err(error) => {
                tracing::warn!(%error, "the keys of ID tokens cannot be fetched");
                kept.failed = Some(Instant::now());
            }
        }
        kept.answer(id, &self.ages).unwrap_or(Err(NoKey::Unavailable))
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<DecodingKey>>, CloudError> {
        const CALL: &str = "oauth2.certs";
        let request = self.wire.client().await?.get(&self.url).timeout(TIMEOUT);
        let answer = self.wire.send(CALL, request).await?;
        if !answer.status.is_success() {
            return Err(answer.error(CALL));
        }
        let malformed = || CloudError::new(CALL, Failure::Malformed, "the answer is no key set");
        let set: JwkSet = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
        // Only RSA keys: a shared secret in a key set would let everybody sign who can read it.
        let rsa = set.keys.iter().filter(|key| matches!(key.algorithm, AlgorithmParameters::RSA(_)));
        let named = rsa.filter_map(|key| {
            let id = key.common.key_id.clone()?;
            Some((id, Arc::new(DecodingKey::from_jwk(key).ok()?)))
        });
        Ok(named.collect())
    }
}

impl Kept {
    /// The answer, unless the keys have to be fetched for it.
    fn answer(&self, id: &str, ages: &Ages) -> Option<Result<Arc<DecodingKey>, NoKey>> {
        let age = self.fetched.map(|at| at.elapsed());
        let just_failed = self.failed.is_some_and(|at| at.elapsed() < ages.failed);
        let key = self.keys.get(id).cloned();
        match (key, age) {
            (Some(key), Some(age)) if age < ages.fresh || (just_failed && age < ages.usable) => Some(Ok(key)),
            (None, Some(age)) if age < ages.unknown => Some(Err(NoKey::Unknown)),
            _ if just_failed => Some(Err(NoKey::Unavailable)),
            _ => None,
        }
    }
}
