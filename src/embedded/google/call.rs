//! One request as the APIs see it: which host it is meant for, the path in decoded pieces, query and body.

use std::collections::BTreeMap;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::error::ApiError;

/// A request to one of the APIs.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Upper-case method.
    pub method: String,
    /// The host it would have gone to, such as `sqladmin.googleapis.com`.
    pub host: String,
    /// The path on that host, not decoded.
    pub path: String,
    /// Decoded path pieces; a custom verb is a last piece of its own with its colon (`:addVersion`).
    pub pieces: Vec<String>,
    /// Query parameters in order.
    pub query: Vec<(String, String)>,
    /// Headers with lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Bytes,
}

/// Hosts whose paths have no custom verbs, so that a colon belongs to the name.
const WITHOUT_VERBS: [&str; 5] = ["storage.", "compute.", "sqladmin.", "registry", "metadata"];

impl Call {
    /// Reads the raw path of a request (`/{host}/{path}`, or one of the paths served at the root).
    pub fn new(method: &str, raw_path: &str, raw_query: &str) -> Self {
        let (host, path) = split_host(raw_path);
        let with_verbs = !WITHOUT_VERBS.iter().any(|start| host.starts_with(start));
        let mut pieces: Vec<String> = Vec::new();
        let raw: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        for (at, piece) in raw.iter().enumerate() {
            match piece.rsplit_once(':') {
                Some((name, verb)) if with_verbs && at + 1 == raw.len() => {
                    pieces.push(decode(name));
                    pieces.push(format!(":{verb}"));
                }
                _ => pieces.push(decode(piece)),
            }
        }
        let query = url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect();
        Self { method: method.to_uppercase(), host, path, pieces, query, ..Self::default() }
    }

    /// The pieces for matching.
    pub fn route(&self) -> Vec<&str> {
        self.pieces.iter().map(String::as_str).collect()
    }

    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as JSON; an empty body is an empty object.
    pub fn json(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        let value: Value = serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::invalid(format!("Invalid JSON payload received. {error}")))?;
        if value.is_object() { Ok(value) } else { Err(ApiError::invalid("Invalid JSON payload received.")) }
    }

    /// A query parameter that must be there.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.query(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ApiError::invalid(format!("Required parameter is missing: {name}")))
    }

    /// Whether the call may change something.
    pub fn is_write(&self) -> bool {
        const READING_POSTS: [&str; 7] = [
            ":getIamPolicy",
            ":testIamPermissions",
            "wait",
            ":searchRange",
            ":validate",
            ":validateAttestationOccurrence",
            "token",
        ];
        let reads = self.method == "GET"
            || self.method == "HEAD"
            || self.pieces.last().is_some_and(|last| READING_POSTS.contains(&last.as_str()));
        !reads
    }
}

fn decode(piece: &str) -> String {
    percent_decode_str(piece).decode_utf8_lossy().into_owned()
}

fn split_host(raw: &str) -> (String, String) {
    let trimmed = raw.trim_start_matches('/');
    let (first, rest) = trimmed.split_once('/').unwrap_or((trimmed, ""));
    match first {
        "storage" | "upload" | "download" | "batch" => {
            ("storage.googleapis.com".into(), format!("/{trimmed}"))
        }
        "v2" | "token" => ("registry".into(), format!("/{trimmed}")),
        "registry" => ("registry".into(), format!("/{rest}")),
        "computeMetadata" | "" => ("metadata.google.internal".into(), format!("/{trimmed}")),
        host if host.contains('.') => (host.into(), format!("/{rest}")),
        _ => ("unknown".into(), format!("/{trimmed}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prefix_names_the_host_and_a_verb_is_a_piece() {
        let call =
            Call::new("post", "/secretmanager.googleapis.com/v1/projects/p/secrets/s:addVersion", "a=b%20c");
        assert_eq!(call.host, "secretmanager.googleapis.com");
        assert_eq!(call.route(), ["v1", "projects", "p", "secrets", "s", ":addVersion"]);
        assert_eq!(call.query("a"), Some("b c"));
    }

    #[test]
    fn object_names_keep_their_slashes_and_colons() {
        let call = Call::new("GET", "/storage/v1/b/specs/o/a%2Fb:c", "");
        assert_eq!(call.route(), ["storage", "v1", "b", "specs", "o", "a/b:c"]);
    }
}
