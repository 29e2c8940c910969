//! The Docker registry protocol, version 2: just enough to turn a tag into a digest.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::embedded::google::context::Cx;
use crate::embedded::google::reply::{Answer, Reply};

const MANIFEST: &str = "application/vnd.oci.image.index.v1+json";
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
    if !["GET", "HEAD"].contains(&call.method.as_str()) {
        return None;
    }
    match path[..] {
        ["token"] | ["v2", "token"] => {
            Some(Ok(Reply::json(&json!({"token": "embedded", "access_token": "embedded", "expires_in": 300,
                                        "issued_at": cx.stamp()}))))
        }
        ["v2", ""] | ["v2"] => Some(Ok(challenge(cx, None).unwrap_or_else(|| Reply::json(&json!({}))))),
        ["v2", ref name @ .., "manifests", reference] => {
            let name = name.join("/");
            Some(Ok(challenge(cx, Some(&name)).unwrap_or_else(|| manifest(cx, &name, reference))))
        }
        ["v2", ref name @ .., "tags", "list"] => {
            let name = name.join("/");
            Some(Ok(challenge(cx, Some(&name)).unwrap_or_else(|| tags(cx, &name))))
        }
        _ => None,
    }
}

/// 401 that says where a token is had, for a call without one.
fn challenge(cx: &Cx, name: Option<&str>) -> Option<Reply> {
    if cx.call.header("authorization").is_some_and(|header| !header.is_empty()) {
        return None;
    }
    let scope = name.map(|name| format!(",scope=\"repository:{name}:pull\"")).unwrap_or_default();
    let realm = format!("Bearer realm=\"{}/token\",service=\"registry.embedded\"{scope}", cx.site.base);
    let body = error("UNAUTHORIZED", "authentication required");
    Some(Reply::json_with_status(401, &body).with_header("www-authenticate", realm))
}

fn error(code: &str, message: &str) -> Value {
    json!({"errors": [{"code": code, "message": message}]})
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

/// The digest of a tag: always the same for the same name and tag.
pub fn digest(name: &str, tag: &str) -> String {
    let manifest = document(name, tag).to_string();
    format!("sha256:{}", hex::encode(Sha256::digest(manifest.as_bytes())))
}

fn document(name: &str, tag: &str) -> Value {
    let layer = |what: &str| {
        let text = format!("{}:{tag}:{what}", plain(name));
        format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))
    };
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": layer("amd64"),
                       "size": 1024,
                       "platform": {"architecture": "amd64", "os": "linux"}}],
    })
}

fn manifest(cx: &mut Cx, name: &str, reference: &str) -> Reply {
    let Some(tag) = resolve(cx, name, reference) else {
        let known = cx.world.children(&format!("registry/{}", plain(name))).next().is_some();
        return if known || familiar(name) {
            Reply::json_with_status(404, &error("MANIFEST_UNKNOWN", "manifest unknown"))
        } else {
            Reply::json_with_status(404, &error("NAME_UNKNOWN", "repository name not known to registry"))
        };
    };
    let stored = cx.world.get(&key(name, &tag));
    let content = stored.and_then(|image| image["content"].as_str()).unwrap_or(&tag).to_owned();
    Reply::empty(200)
        .with_header("content-type", MANIFEST)
        .with_header("docker-content-digest", digest(name, &content))
        .with_header("docker-distribution-api-version", "registry/2.0")
        .with_body(document(name, &content).to_string())
}

/// The tag behind a tag or digest; plausible tags of familiar repositories come into being when asked for.
fn resolve(cx: &mut Cx, name: &str, reference: &str) -> Option<String> {
    if reference.starts_with("sha256:") {
        let mut images = cx.world.children(&format!("registry/{}", plain(name)));
        let found = images.find(|(_, image)| image["digest"] == json!(reference));
        return found.and_then(|(key, _)| key.rsplit('/').next().map(str::to_owned));
    }
    let seeded = cx.world.get(&key(name, reference)).is_some();
    if !seeded && cx.site.plausible_tags && familiar(name) && plausible(reference) {
        seed(cx, name, reference);
        return Some(reference.to_owned());
    }
    seeded.then(|| reference.to_owned())
}

/// Makes a tag; answers its digest.
pub fn seed(cx: &mut Cx, name: &str, tag: &str) -> String {
    let digest = digest(name, tag);
    cx.world.put(key(name, tag), json!({"name": plain(name), "tag": tag, "digest": digest}));
    digest
}

/// Moves a tag to other content, which `content` stands for; answers its digest.
pub fn push(cx: &mut Cx, name: &str, tag: &str, content: &str) -> String {
    let digest = digest(name, content);
    let image = json!({"name": plain(name), "tag": tag, "digest": digest, "content": content});
    cx.world.put(key(name, tag), image);
    digest
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
        return Reply::json_with_status(404, &error("NAME_UNKNOWN", "repository name not known to registry"));
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
