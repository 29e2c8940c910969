//! What an API answers: status, headers, body.

use bytes::Bytes;
use serde_json::Value;

use super::error::ApiError;

/// One HTTP response.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers in the order they are sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What every API function returns.
pub type Answer = Result<Reply, ApiError>;

impl Reply {
    /// 200 with a JSON document; fields that start with `_` are the embedded cloud's own and stay out.
    pub fn json(document: &Value) -> Self {
        Self::json_with_status(200, document)
    }

    /// A JSON document with another status.
    pub fn json_with_status(status: u16, document: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json; charset=UTF-8".into())],
            body: Bytes::from(public(document).to_string()),
        }
    }

    /// A plain text body.
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "text/plain; charset=utf-8".into())],
            body: Bytes::from(text.into()),
        }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// Sets the body.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A copy of the document without the embedded cloud's own fields, at any depth.
pub fn public(document: &Value) -> Value {
    match document {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .map(|(name, value)| (name.clone(), public(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(public).collect()),
        other => other.clone(),
    }
}
