//! Where the images of a repository are: in the world outside, or in a repository of Artifact Registry.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{content, key};
use crate::embedded::google::context::Cx;
use crate::embedded::google::store::text;

/// A repository of images.
pub struct Home {
    name: String,
    package: Option<Package>,
}

/// A package in a repository of Artifact Registry.
pub struct Package {
    /// The repository: `projects/p/locations/l/repositories/r`.
    pub repository: String,
    /// The package as Artifact Registry writes it, with `%2F` for a slash.
    pub id: String,
    /// The package with its host, as images name it.
    pub uri: String,
}

impl Home {
    /// The repository that a call is about.
    pub fn of(cx: &Cx, name: &str) -> Self {
        let location = cx.call.query("ns").and_then(|host| host.strip_suffix("-docker.pkg.dev"));
        let parts: Vec<&str> = name.split('/').collect();
        let package = match (location, &parts[..]) {
            (Some(location), [project, repository, rest @ ..]) if !rest.is_empty() => Some(Package {
                repository: format!("projects/{project}/locations/{location}/repositories/{repository}"),
                id: rest.join("%2F"),
                uri: format!("{location}-docker.pkg.dev/{name}"),
            }),
            _ => None,
        };
        Self { name: name.to_owned(), package }
    }

    /// Its name without a host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The package, when it is in Artifact Registry.
    pub fn package(&self) -> Option<&Package> {
        self.package.as_ref()
    }

    /// Whether it is in a repository of Artifact Registry that exists.
    pub fn is_there(&self, cx: &Cx) -> bool {
        let repository = |package: &Package| format!("artifactregistry/{}", package.repository);
        self.package.as_ref().is_some_and(|package| cx.world.get(&repository(package)).is_some())
    }

    /// The digest behind a tag or a digest.
    pub fn digest(&self, cx: &Cx, reference: &str) -> Option<String> {
        if reference.starts_with("sha256:") {
            return self.manifest(cx, reference).map(|_| reference.to_owned());
        }
        let pushed = self.package.as_ref().and_then(|package| {
            let (key, _) = package.images(cx).into_iter().find(|(_, image)| is_tagged(image, reference))?;
            key.rsplit_once('@').map(|(_, digest)| digest.to_owned())
        });
        let seeded = || cx.world.get(&key(&self.name, reference)).map(|tag| text(tag, "digest").to_owned());
        pushed.or_else(seeded)
    }

    /// A manifest's media type and text.
    pub fn manifest(&self, cx: &Cx, digest: &str) -> Option<(String, String)> {
        let pushed = self.package.as_ref().and_then(|package| cx.world.get(&package.image(digest)));
        if let Some(image) = pushed {
            return Some((text(image, "mediaType").to_owned(), text(image, "_content").to_owned()));
        }
        let seeded = cx.world.get(&content::place(&self.name, "manifests", digest))?;
        Some((text(seeded, "mediaType").to_owned(), text(seeded, "text").to_owned()))
    }

    /// A blob's content.
    pub fn blob(&self, cx: &Cx, digest: &str) -> Option<Bytes> {
        let pushed = self.package.as_ref().and_then(|package| cx.world.get(&package.blob(digest)));
        let bytes = match pushed {
            Some(blob) => content::read(blob, "_data"),
            None => content::read(cx.world.get(&content::place(&self.name, "blobs", digest))?, "data"),
        };
        bytes.map(Bytes::from)
    }

    /// Whether a blob was pushed here.
    pub fn has_blob(&self, cx: &Cx, digest: &str) -> bool {
        self.package.as_ref().is_some_and(|package| cx.world.get(&package.blob(digest)).is_some())
    }
}

impl Package {
    /// The store's key of an image.
    pub fn image(&self, digest: &str) -> String {
        format!("artifactregistry/{}/dockerImages/{}@{digest}", self.repository, self.id)
    }

    /// The store's key of a blob.
    pub fn blob(&self, digest: &str) -> String {
        format!("artifactregistry/{}/blobs/{}@{digest}", self.repository, self.id)
    }

    /// Keeps a blob.
    pub fn put_blob(&self, cx: &mut Cx, digest: &str, bytes: &[u8]) {
        cx.world.put(self.blob(digest), json!({"_data": BASE64_STANDARD.encode(bytes)}));
    }

    /// The images of the package, by key.
    pub fn images(&self, cx: &Cx) -> Vec<(String, Value)> {
        let start = self.image("");
        let images = cx.world.children(&format!("artifactregistry/{}/dockerImages", self.repository));
        let ours = images.filter(|(key, _)| key.starts_with(&start));
        ours.map(|(key, image)| (key.to_owned(), image.clone())).collect()
    }
}

/// Whether a tag is on an image.
pub fn is_tagged(image: &Value, tag: &str) -> bool {
    image["tags"].as_array().into_iter().flatten().any(|known| known == tag)
}
