//! The OCI distribution protocol: images of the world outside to be read, and Artifact Registry's repositories to be
//! read and pushed to.
//!
//! An image of the world outside is what its name and its tag say, small but whole: manifests and blobs whose digests are
//! those of their content. What is pushed is kept with its repository, as Artifact Registry lists it.

mod content;
mod home;
mod push;

use http::StatusCode;
use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::reply::{Answer, Reply};

pub use content::{push as push_tag, seed, spoil};
use home::Home;

/// Repositories that exist in the world outside.
const KNOWN: [&str; 6] = [
    "langgenius/",
    "ubuntu/squid",
    "cloud-sql-connectors/cloud-sql-proxy",
    "cloudsdktool/google-cloud-cli",
    "library/postgres",
    "library/redis",
];

/// Answers a call, or nothing for a path the protocol does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let reads = ["GET", "HEAD"].contains(&call.method.as_str());
    let (name, rest) = match path[..] {
        ["token"] | ["v2", "token"] if reads => {
            return Some(Ok(Reply::json(&json!({"token": "embedded", "access_token": "embedded",
                                               "expires_in": 300, "issued_at": cx.stamp()}))));
        }
        ["v2", ""] | ["v2"] if reads => {
            return Some(Ok(challenge(cx, None).unwrap_or_else(|| Reply::json(&json!({})))));
        }
        ["v2", ref name @ .., "blobs", "uploads", id] => (name, vec!["uploads", id]),
        ["v2", ref name @ .., what @ ("manifests" | "blobs"), reference] => (name, vec![what, reference]),
        ["v2", ref name @ .., "tags", "list"] => (name, vec!["tags"]),
        _ => return None,
    };
    let name = name.join("/");
    if let Some(refused) = challenge(cx, Some(&name)) {
        return Some(Ok(refused));
    }
    let home = Home::of(cx, &name);
    let reply = match (call.method.as_str(), &rest[..]) {
        ("GET" | "HEAD", ["manifests", reference]) => manifest(cx, &home, reference),
        ("GET" | "HEAD", ["blobs", digest]) => blob(cx, &home, digest),
        ("GET" | "HEAD", ["tags"]) => tags(cx, &name),
        ("PUT", ["manifests", reference]) => push::manifest(cx, &home, reference),
        ("POST", ["uploads", ""]) => push::begin(cx, &home),
        ("PATCH", ["uploads", id]) => push::append(cx, &home, id),
        ("PUT", ["uploads", id]) => push::finish(cx, &home, id),
        _ => return None,
    };
    Some(Ok(reply))
}

/// 401 that says where a token is had, for a call without one. Nobody shows an identity to the embedded cloud, so
/// Google's own registries do without.
fn challenge(cx: &Cx, name: Option<&str>) -> Option<Reply> {
    let namespace = cx.call.query("ns").unwrap_or_default();
    let is_google = namespace.ends_with("pkg.dev") || namespace.ends_with("gcr.io");
    if is_google || cx.call.header("authorization").is_some_and(|header| !header.is_empty()) {
        return None;
    }
    let scope = name.map(|name| format!(",scope=\"repository:{name}:pull\"")).unwrap_or_default();
    let realm = format!("Bearer realm=\"{}/token\",service=\"registry.embedded\"{scope}", cx.site.base);
    let refused = refuse(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "authentication required");
    Some(refused.with_header("www-authenticate", realm))
}

/// A refusal as the protocol has it.
fn refuse(status: StatusCode, code: &str, message: &str) -> Reply {
    let body = json!({"errors": [{"code": code, "message": message}]});
    Reply::json_with_status(status.as_u16(), &body)
}

/// The store's key of a tag.
pub fn key(name: &str, tag: &str) -> String {
    format!("registry/{}/{tag}", plain(name))
}

/// A repository's name without its registry's host and, for pkg.dev, as it comes.
fn plain(name: &str) -> &str {
    match name.split_once('/') {
        Some((host, rest)) if host.contains('.') || host.contains(':') => rest,
        _ => name,
    }
}

fn manifest(cx: &mut Cx, home: &Home, reference: &str) -> Reply {
    if !reference.starts_with("sha256:") && home.digest(cx, reference).is_none() {
        come_into_being(cx, home.name(), reference);
    }
    let digest = home.digest(cx, reference).unwrap_or_else(|| reference.to_owned());
    let Some((kind, text)) = home.manifest(cx, &digest) else {
        let known = cx.world.children(&format!("registry/{}", plain(home.name()))).next().is_some();
        return if known || familiar(home.name()) || home.is_there(cx) {
            refuse(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown")
        } else {
            refuse(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry")
        };
    };
    Reply::empty(200)
        .with_header("content-type", kind)
        .with_header("docker-content-digest", digest)
        .with_header("docker-distribution-api-version", "registry/2.0")
        .with_body(text)
}

fn blob(cx: &Cx, home: &Home, digest: &str) -> Reply {
    match home.blob(cx, digest) {
        Some(bytes) => Reply::empty(200)
            .with_header("content-type", "application/octet-stream")
            .with_header("docker-content-digest", digest)
            .with_body(bytes),
        None => refuse(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry"),
    }
}

/// Plausible tags of familiar repositories come into being when asked for.
fn come_into_being(cx: &mut Cx, name: &str, tag: &str) {
    if cx.site.plausible_tags && familiar(name) && plausible(tag) {
        seed(cx, name, tag);
    }
}

fn familiar(name: &str) -> bool {
    KNOWN.iter().any(|known| plain(name).starts_with(known))
}

/// `1.17.1`, `15.4-alpine`, `main`, `latest`, `0.2.12`, `6.13-25.04_beta`.
fn plausible(tag: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let number = tag.trim_start_matches('v').starts_with(|letter: char| letter.is_ascii_digit());
    tag.chars().all(plain) && (number || ["latest", "main", "stable"].contains(&tag) || tag.contains("local"))
}

/// The tags of a repository by name, in pages: `n` of them after `last`, with a link to the next ones.
fn tags(cx: &Cx, name: &str) -> Reply {
    let found = cx.world.children(&format!("registry/{}", plain(name)));
    let mut tags: Vec<&str> = found.filter_map(|(key, _)| key.rsplit('/').next()).collect();
    if tags.is_empty() && !familiar(name) {
        return refuse(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry");
    }
    tags.sort_unstable();
    if let Some(last) = cx.call.query("last") {
        tags.retain(|tag| *tag > last);
    }
    let most = cx.call.query("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    let more = tags.len() > most;
    tags.truncate(most);
    let reply = Reply::json(&json!({"name": name, "tags": tags}));
    match tags.last() {
        Some(last) if more => {
            reply.with_header("link", format!("</v2/{name}/tags/list?last={last}&n={most}>; rel=\"next\""))
        }
        _ => reply,
    }
}

/// A part that a document refers to, with its digest and its size.
fn parts<'a>(document: &'a Value, field: &str) -> Vec<&'a Value> {
    match &document[field] {
        Value::Array(items) => items.iter().collect(),
        Value::Object(_) => vec![&document[field]],
        _ => Vec::new(),
    }
}
