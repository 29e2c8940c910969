//! A manifest, read as far as copying needs it: what it refers to.

use serde_json::Value;

/// A manifest as it was read at its source. Its digest is that of exactly this text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its media type, under which it is written again.
    pub media_type: String,
    /// The manifest.
    pub text: String,
    /// Manifests that it lists, when it is an index.
    pub manifests: Vec<Part>,
    /// Its configuration and its layers, when it is an image.
    pub blobs: Vec<Part>,
}

/// Something that a manifest refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Digest of its content.
    pub digest: String,
    /// Size in bytes.
    pub size: u64,
}

impl Content {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Why it is none that can be copied, for people.
    pub fn read(text: &str) -> Result<Self, String> {
        let body: Value = serde_json::from_str(text).map_err(|_| "its manifest is not JSON".to_owned())?;
        let list = |field: &str| body.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        let (manifests, config, layers) = (list("manifests"), body.get("config"), list("layers"));
        // Docker's always say what they are; an OCI manifest may leave it to be seen.
        let seen = match (manifests.is_empty(), config) {
            (false, _) => "application/vnd.oci.image.index.v1+json",
            (true, Some(_)) => "application/vnd.oci.image.manifest.v1+json",
            (true, None) => return Err("its manifest is of a kind that cannot be copied".into()),
        };
        let own = body.get("mediaType").and_then(Value::as_str).unwrap_or(seen);
        let parts = |items: Vec<Value>| items.iter().map(part).collect::<Result<Vec<Part>, String>>();
        let blobs = config.cloned().into_iter().chain(layers.into_iter().filter(is_distributed)).collect();
        Ok(Self {
            media_type: own.to_owned(),
            text: text.to_owned(),
            manifests: parts(manifests)?,
            blobs: parts(blobs)?,
        })
    }
}

fn part(item: &Value) -> Result<Part, String> {
    let digest = item.get("digest").and_then(Value::as_str).filter(|digest| is_digest(digest));
    let size = item.get("size").and_then(Value::as_u64);
    match (digest, size) {
        (Some(digest), Some(size)) => Ok(Part { digest: digest.to_owned(), size }),
        _ => Err("its manifest refers to something without a digest or a size".into()),
    }
}

/// Only this one is verified, and no other is in use. It also becomes part of a path.
fn is_digest(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Layers that licences keep at their maker's (Windows has them); registries do not ask for them.
fn is_distributed(layer: &Value) -> bool {
    let kind = layer.get("mediaType").and_then(Value::as_str).unwrap_or_default();
    !kind.contains("foreign") && !kind.contains("nondistributable")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(letter: &str) -> String {
        format!("sha256:{}", letter.repeat(64))
    }

    #[test]
    fn an_image_refers_to_blobs_and_an_index_to_manifests() {
        let of = |letter: &str| json!({"digest": digest(letter), "size": 3});
        let image = json!({"config": of("a"), "layers": [of("b"), {"digest": digest("c"), "size": 9,
            "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}]});
        let image = Content::read(&image.to_string()).unwrap();
        let blobs: Vec<&str> = image.blobs.iter().map(|part| part.digest.as_str()).collect();
        assert_eq!(blobs, [digest("a"), digest("b")], "a layer that may not be given on is left out");
        assert_eq!(image.media_type, "application/vnd.oci.image.manifest.v1+json");

        let kind = "application/vnd.docker.distribution.manifest.list.v2+json";
        let index = json!({"mediaType": kind, "manifests": [of("d")]});
        let index = Content::read(&index.to_string()).unwrap();
        assert_eq!((index.manifests.len(), index.blobs.len()), (1, 0));
        assert_eq!(index.media_type, kind, "its own word counts");
    }

    #[test]
    fn what_cannot_be_copied_says_why() {
        for (text, why) in [
            ("<html>", "not JSON"),
            (r#"{"schemaVersion": 1, "fsLayers": []}"#, "cannot be copied"),
            (r#"{"config": {"digest": "sha256:../../x", "size": 1}}"#, "without a digest"),
        ] {
            assert!(Content::read(text).unwrap_err().contains(why), "{text}");
        }
    }
}
