//! ID tokens as Google's servers attach them to pushes, signed with the embedded cloud's own key.
//!
//! The key is in the source tree and therefore secret to nobody: a token signed with it is worth something
//! only to a verifier that was pointed at this server's key set.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::store::stable_number;

/// The public half, as `https://www.googleapis.com/oauth2/v3/certs` would answer it.
pub const KEY_SET: &str = include_str!("embedded_cloud_only.jwks.json");

const KEY: &str = include_str!("embedded_cloud_only.pem");
const KEY_ID: &str = "embedded-cloud-only";
const LIFETIME_SECS: i64 = 3600;

/// Signs ID tokens.
pub struct Signer {
    key: EncodingKey,
}

impl Signer {
    /// Reads the key. Errors: the key in the source tree is damaged.
    pub fn new() -> std::io::Result<Self> {
        let key = EncodingKey::from_rsa_pem(KEY.as_bytes()).map_err(std::io::Error::other)?;
        Ok(Self { key })
    }

    /// A token for this account and audience, valid for an hour from now. The time in it is real time when
    /// the embedded clock is behind it, because verifiers look at their own clock.
    pub fn id_token(&self, email: &str, audience: &str, now: Timestamp) -> Option<String> {
        let issued = now.as_second().min(Timestamp::now().as_second());
        let issued = if issued + LIFETIME_SECS <= Timestamp::now().as_second() {
            Timestamp::now().as_second()
        } else {
            issued
        };
        let id = stable_number(email);
        let claims = json!({
            "iss": "https://accounts.google.com", "aud": audience, "email": email, "email_verified": true,
            "sub": id, "azp": id, "iat": issued, "exp": issued + LIFETIME_SECS,
        });
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(KEY_ID.into());
        jsonwebtoken::encode(&header, &claims, &self.key).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};

    #[test]
    fn a_token_verifies_against_the_published_key_set() {
        let token = Signer::new()
            .expect("the key reads")
            .id_token("sa@p.iam.gserviceaccount.com", "https://door", Timestamp::UNIX_EPOCH)
            .expect("a token");
        let keys: JwkSet = serde_json::from_str(KEY_SET).expect("a key set");
        let key = DecodingKey::from_jwk(keys.find(KEY_ID).expect("our key")).expect("a key");
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&["https://door"]);
        validation.set_issuer(&["https://accounts.google.com"]);
        let claims =
            jsonwebtoken::decode::<serde_json::Value>(&token, &key, &validation).expect("valid").claims;
        assert_eq!(claims["email"], "sa@p.iam.gserviceaccount.com");
        assert_eq!(claims["email_verified"], true);
    }
}
