//! What images of the world outside consist of: it follows from name and content, and is small.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{key, plain};
use crate::embedded::google::context::Cx;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The layer that all images begin with.
const BASE: &str = "what all images begin with\n";

/// Repositories whose tags are an index with a layer of its own below it; the tag of any other is an image itself.
const INDEXED: [&str; 2] = ["langgenius/dify-api", "langgenius/dify-web"];

/// The digest of some content.
pub fn digest_of(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

/// Where the manifests and the blobs of a repository of the world outside are kept.
pub fn place(name: &str, sort: &str, digest: &str) -> String {
    format!("registry-content/{}/{sort}/{digest}", plain(name))
}

/// Makes a tag; answers its digest.
pub fn seed(cx: &mut Cx, name: &str, tag: &str) -> String {
    let digest = make(cx, name, tag);
    cx.world.put(key(name, tag), json!({"name": plain(name), "tag": tag, "digest": digest}));
    digest
}

/// Moves a tag to other content, which `content` stands for; answers its digest.
pub fn push(cx: &mut Cx, name: &str, tag: &str, content: &str) -> String {
    let digest = make(cx, name, content);
    let image = json!({"name": plain(name), "tag": tag, "digest": digest, "content": content});
    cx.world.put(key(name, tag), image);
    digest
}

/// Spoils a blob: what is answered under its digest is something else of the same size.
pub fn spoil(cx: &mut Cx, name: &str, digest: &str) -> bool {
    let place = place(name, "blobs", digest);
    let Some(bytes) = cx.world.get(&place).and_then(|blob| read(blob, "data")) else { return false };
    let spoilt: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
    cx.world.put(place, json!({"data": BASE64_STANDARD.encode(spoilt)}));
    true
}

/// Bytes that a document keeps.
pub fn read(document: &Value, field: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(document[field].as_str()?).ok()
}

/// Makes everything that a tag with this content stands for; answers its digest.
fn make(cx: &mut Cx, name: &str, content: &str) -> String {
    let is_indexed = INDEXED.contains(&plain(name));
    let own = format!("{}:{content}\n", plain(name));
    let layers: Vec<&str> = if is_indexed { vec![BASE, &own] } else { vec![BASE] };
    let layers: Vec<Value> = layers.into_iter().map(|layer| blob(cx, name, LAYER, layer)).collect();
    let config = json!({"architecture": "amd64", "os": "linux", "config": {},
                        "rootfs": {"type": "layers", "diff_ids": []},
                        "history": [{"created_by": own.trim_end()}]});
    let config = blob(cx, name, CONFIG, &config.to_string());
    let image = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers});
    let mut made = manifest(cx, name, IMAGE, &image);
    if is_indexed {
        made["platform"] = json!({"architecture": "amd64", "os": "linux"});
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [made]});
        made = manifest(cx, name, INDEX, &index);
    }
    made["digest"].as_str().unwrap_or_default().to_owned()
}

fn blob(cx: &mut Cx, name: &str, kind: &str, content: &str) -> Value {
    let digest = digest_of(content.as_bytes());
    let data = json!({"data": BASE64_STANDARD.encode(content)});
    cx.world.put(place(name, "blobs", &digest), data);
    json!({"mediaType": kind, "digest": digest, "size": content.len()})
}

fn manifest(cx: &mut Cx, name: &str, kind: &str, body: &Value) -> Value {
    let text = body.to_string();
    let digest = digest_of(text.as_bytes());
    let size = text.len();
    cx.world.put(place(name, "manifests", &digest), json!({"mediaType": kind, "text": text}));
    json!({"mediaType": kind, "digest": digest, "size": size})
}
