//! Who is at the door: ID tokens of service accounts that are on a list.
//!
//! Normally the token is verified here, in full. Behind Cloud Run's own invoker check the signature does not
//! reach us any more; then, and only when the service was told so, the claims alone are looked at.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cloud::Wire;
use crate::config::{AuthMode, Config};

use super::keys::{Keys, NoKey};
use super::reply::Reply;

const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];
/// How far clocks may differ.
const LEEWAY_SECS: u64 = 60;
/// No ID token of a service account comes near this.
const LONGEST_TOKEN: usize = 8 << 10;

/// Which way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// `/events`, for those who deliver events.
    Events,
    /// `/tasks`, for the queue alone.
    Tasks,
}

/// Decides who may come in.
pub struct Gate {
    mode: AuthMode,
    service_url: String,
    keys: Keys,
    events: Vec<String>,
    tasks: Vec<String>,
}

/// What we look at in a token.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: Option<Value>,
}

/// What we look at in addition when nobody else does.
#[derive(Deserialize)]
struct Standing {
    iss: String,
    aud: Value,
    exp: u64,
    #[serde(flatten)]
    claims: Claims,
}

impl Gate {
    /// A gate for this configuration.
    pub fn new(config: &Config, service_url: &str, wire: Arc<Wire>) -> Self {
        let published = || wire.endpoints().url("www.googleapis.com", "oauth2/v3/certs");
        let url = config.jwks_url.as_ref().map_or_else(published, ToString::to_string);
        Self {
            mode: config.auth_mode,
            service_url: service_url.to_owned(),
            keys: Keys::new(wire, url),
            events: config.event_service_accounts.clone(),
            tasks: vec![config.tasks_service_account.clone()],
        }
    }

    /// Lets a caller in who shows the right token.
    ///
    /// # Errors
    /// The reply for one who does not.
    pub async fn admit(&self, entrance: Entrance, authorization: Option<&str>) -> Result<(), Reply> {
        let token = authorization.and_then(bearer).ok_or(Reply::Unauthenticated)?;
        let claims = match self.mode {
            AuthMode::Verify => self.verified(entrance, token).await?,
            AuthMode::TrustInvokerCheck => self.trusted(entrance, token).ok_or(Reply::Unauthenticated)?,
        };
        if self.is_listed(entrance, &claims) { Ok(()) } else { Err(Reply::NotAllowed) }
    }

    async fn verified(&self, entrance: Entrance, token: &str) -> Result<Claims, Reply> {
        let header = decode_header(token).map_err(|_| Reply::Unauthenticated)?;
        let id = header.kid.filter(|_| header.alg == Algorithm::RS256).ok_or(Reply::Unauthenticated)?;
        let key = self.keys.find(&id).await.map_err(|why| match why {
            NoKey::Unknown => Reply::Unauthenticated,
            NoKey::Unavailable => Reply::Unavailable,
        })?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&ISSUERS);
        validation.set_audience(&self.audiences(entrance));
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECS;
        let token = decode::<Claims>(token, &key, &validation).map_err(|_| Reply::Unauthenticated)?;
        Ok(token.claims)
    }

    /// The claims of a token that Cloud Run has verified, with or without its signature.
    fn trusted(&self, entrance: Entrance, token: &str) -> Option<Claims> {
        let mut parts = token.split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let Standing { iss, aud, exp, claims } = serde_json::from_slice(&payload).ok()?;
        let audiences = self.audiences(entrance);
        let is_ours =
            |value: &Value| value.as_str().is_some_and(|text| audiences.iter().any(|one| one == text));
        let for_us = match &aud {
            Value::Array(many) => many.iter().any(is_ours),
            one => is_ours(one),
        };
        let in_time = exp.saturating_add(LEEWAY_SECS) > jsonwebtoken::get_current_timestamp();
        (parts.next().is_none() && ISSUERS.contains(&iss.as_str()) && for_us && in_time).then_some(claims)
    }

    /// Eventarc and Cloud Tasks name the service; Pub/Sub and Cloud Scheduler name the whole address unless
    /// they are told otherwise.
    fn audiences(&self, entrance: Entrance) -> [String; 3] {
        let base = &self.service_url;
        let path = match entrance {
            Entrance::Events => "events",
            Entrance::Tasks => "tasks",
        };
        [base.clone(), format!("{base}/"), format!("{base}/{path}")]
    }

    fn is_listed(&self, entrance: Entrance, claims: &Claims) -> bool {
        let verified = match &claims.email_verified {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let list = match entrance {
            Entrance::Events => &self.events,
            Entrance::Tasks => &self.tasks,
        };
        let email = claims.email.as_deref().unwrap_or_default();
        // Every entry is looked at, so that the time it takes does not tell which one it was.
        let listed = list.iter().fold(false, |found, entry| found | same(entry, email));
        verified && !email.is_empty() && listed
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim();
    let fine = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= LONGEST_TOKEN;
    fine.then_some(token)
}

/// Compares two texts in a time that does not depend on where they differ.
fn same(one: &str, other: &str) -> bool {
    let (one, other) = (Sha256::digest(one), Sha256::digest(other));
    one.iter().zip(other.iter()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
