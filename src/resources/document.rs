//! A resource's body, which knows which of its parts are secret.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::redact;

/// The JSON body of a resource. `Debug` and `Serialize` show it with its secret parts replaced.
#[derive(Clone, PartialEq)]
pub struct Document {
    body: Value,
    secret: Vec<&'static str>,
}

impl Document {
    /// A body without secrets.
    pub fn new(body: Value) -> Self {
        Self { body, secret: Vec::new() }
    }

    /// A body whose parts at these JSON pointers (and below) are secret.
    pub fn with_secrets(body: Value, secret: &[&'static str]) -> Self {
        Self { body, secret: secret.to_vec() }
    }

    /// The whole body, for the wire and for comparing.
    pub fn wire(&self) -> &Value {
        &self.body
    }

    /// Whether the field at `path` is or holds a secret.
    pub fn is_secret(&self, path: &str) -> bool {
        self.secret.iter().any(|secret| redact::within(path, secret) || redact::within(secret, path))
    }

    /// The body with secret parts replaced, for plans and logs.
    pub fn shown(&self) -> Value {
        let mut shown = self.body.clone();
        for pointer in &self.secret {
            redact::replace(&mut shown, pointer);
        }
        shown
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.shown(), f)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}
