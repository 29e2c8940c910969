//! An issuer of ID tokens with its own keys, which are secret to nobody, and a server for their public halves.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

/// The key that is published as `a`.
const PUBLISHED: &str = include_str!("test_only_a.pem");
/// A key that is not published.
const OTHER: &str = include_str!("test_only_b.pem");

/// A running issuer.
pub struct Issuer {
    /// Where the public keys are.
    pub url: String,
    fetches: Arc<AtomicUsize>,
    published: Arc<Mutex<String>>,
}

/// A token to be made.
pub struct Token {
    /// What it says.
    pub claims: Value,
    /// The id of its key.
    pub kid: &'static str,
    /// How it says it is signed.
    pub algorithm: Algorithm,
    /// Whether the published key signs it.
    pub genuine: bool,
}

impl Issuer {
    /// Serves its public key until the process ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/certs", listener.local_addr().expect("an address"));
        let published = Arc::new(Mutex::new(key_set("a", PUBLISHED)));
        let body = published.clone();
        let fetches = Arc::new(AtomicUsize::new(0));
        let counted = fetches.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                // Slow, so that many can come while it is under way.
                std::thread::sleep(Duration::from_millis(100));
                let mut connection = connection.expect("a connection");
                let _ = connection.read(&mut [0; 4096]);
                let body = body.lock().expect("a key set").clone();
                let length = body.len();
                let head =
                    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
                let _ = connection.write_all(format!("{head}{body}").as_bytes());
            }
        });
        Self { url, fetches, published }
    }

    /// Publishes nothing that anybody could read.
    pub fn fail(&self) {
        *self.published.lock().expect("a key set") = "out of order".into();
    }

    /// Publishes the other key, as `b`, and no longer the first.
    pub fn rotate(&self) {
        *self.published.lock().expect("a key set") = key_set("b", OTHER);
    }

    /// How often the keys were fetched.
    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl Token {
    /// What Google would issue for this account and audience.
    pub fn of(email: &str, audience: &str) -> Self {
        let now = get_current_timestamp();
        let claims = json!({
            "iss": "https://accounts.google.com", "aud": audience, "email": email, "email_verified": true,
            "sub": "1", "azp": "1", "iat": now, "exp": now + 3600,
        });
        Self { claims, kid: "a", algorithm: Algorithm::RS256, genuine: true }
    }

    /// The same with another claim.
    pub fn with(mut self, claim: &str, value: Value) -> Self {
        self.claims[claim] = value;
        self
    }

    /// The same without a claim.
    pub fn without(mut self, claim: &str) -> Self {
        self.claims.as_object_mut().expect("claims are an object").remove(claim);
        self
    }

    /// The `Authorization` header.
    pub fn header(&self) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.into());
        let key = match self.algorithm {
            Algorithm::HS256 => EncodingKey::from_secret(PUBLISHED.as_bytes()),
            _ => key(if self.genuine { PUBLISHED } else { OTHER }),
        };
        format!("Bearer {}", encode(&header, &self.claims, &key).expect("signs"))
    }

    /// The `Authorization` header as a container behind Cloud Run's invoker check sees it.
    pub fn stripped(&self) -> String {
        let header = self.header();
        let (rest, _) = header.rsplit_once('.').expect("three parts");
        format!("{rest}.SIGNATURE_REMOVED_BY_GOOGLE")
    }
}

fn key_set(id: &str, pem: &str) -> String {
    let mut jwk = Jwk::from_encoding_key(&key(pem), Algorithm::RS256).expect("a public half");
    jwk.common.key_id = Some(id.into());
    serde_json::to_string(&JwkSet { keys: vec![jwk] }).expect("a key set is JSON")
}

fn key(pem: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key")
}
