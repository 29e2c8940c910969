//! Reading an image reference as a container runtime does.

use url::Url;

use crate::resources::mirror;

/// The parts of an image reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Registry as it is written in references: `docker.io`, `europe-docker.pkg.dev`.
    pub registry: String,
    /// Repository in it: `library/postgres`.
    pub repository: String,
    /// Tag; `latest` when none is named.
    pub tag: String,
    /// Digest, when it is named.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a reference; `None` when it is not one.
    pub fn parse(image: &str) -> Option<Self> {
        let digest = image.split_once('@').map(|(_, digest)| digest.to_owned());
        let (path, tag) = mirror::split(image);
        let tag = tag.unwrap_or("latest");
        let (registry, repository) = mirror::in_full(path);
        let sound = |text: &str, also: &[u8]| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
        };
        let digest_sound =
            digest.as_deref().is_none_or(|d| d.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64));
        let repository_sound = repository.split('/').all(|part| sound(part, b"._-"));
        let all = repository_sound && sound(tag, b"._-") && digest_sound;
        all.then(|| Self { registry: registry.to_owned(), repository, tag: tag.to_owned(), digest })
    }

    /// Where the manifest is: at the registry, or at the one server that stands for all of them.
    pub fn manifest_url(&self, base: Option<&Url>) -> String {
        let Self { registry, repository, tag, digest: _ } = self;
        match base {
            Some(base) => {
                let base = base.as_str().trim_end_matches('/');
                format!("{base}/v2/{repository}/manifests/{tag}?ns={registry}")
            }
            None => format!("https://{}/v2/{repository}/manifests/{tag}", self.host()),
        }
    }

    /// Where the list of the repository's tags begins, so many on a page.
    pub fn tags_url(&self, base: Option<&Url>, page: usize) -> String {
        let Self { registry, repository, .. } = self;
        match base {
            Some(base) => {
                let base = base.as_str().trim_end_matches('/');
                format!("{base}/v2/{repository}/tags/list?ns={registry}&n={page}")
            }
            None => format!("https://{}/v2/{repository}/tags/list?n={page}", self.host()),
        }
    }

    /// Whether the registry is Google's, which takes our identity.
    pub fn is_google(&self) -> bool {
        let registry = self.registry.as_str();
        registry == "gcr.io" || registry.ends_with(".gcr.io") || registry.ends_with(".pkg.dev")
    }

    fn host(&self) -> &str {
        match self.registry.as_str() {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            host => host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_a_runtime_reads_them() {
        for (image, registry, repository, tag) in [
            ("postgres:15-alpine", "docker.io", "library/postgres", "15-alpine"),
            ("langgenius/dify-api:1.17.1", "docker.io", "langgenius/dify-api", "1.17.1"),
            ("ubuntu/squid", "docker.io", "ubuntu/squid", "latest"),
            ("gcr.io/p/proxy:2.14", "gcr.io", "p/proxy", "2.14"),
            ("localhost:5000/a:b", "localhost:5000", "a", "b"),
            ("localhost:5000/a", "localhost:5000", "a", "latest"),
        ] {
            let read = Reference::parse(image).unwrap();
            assert_eq!(
                (&*read.registry, &*read.repository, &*read.tag),
                (registry, repository, tag),
                "{image}"
            );
        }
    }

    #[test]
    fn a_digest_is_kept_and_must_be_one() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let read = Reference::parse(&format!("a/b:1@{digest}")).unwrap();
        assert_eq!((read.tag.as_str(), read.digest), ("1", Some(digest)));
        for nonsense in ["", "a b", "a@sha256:12", "a:", "/a", "a/", "https://a/b"] {
            assert_eq!(Reference::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn only_googles_registries_get_our_identity() {
        let google = |image: &str| Reference::parse(image).unwrap().is_google();
        assert!(google("eu.gcr.io/p/a") && google("europe-docker.pkg.dev/p/r/a"));
        assert!(!google("postgres") && !google("gcr.io.evil.example/a") && !google("evilpkg.dev/a"));
    }

    #[test]
    fn one_server_can_stand_for_all_registries() {
        let base = Url::parse("http://127.0.0.1:1/").unwrap();
        let read = Reference::parse("postgres:15").unwrap();
        let url = "http://127.0.0.1:1/v2/library/postgres/manifests/15?ns=docker.io";
        assert_eq!(read.manifest_url(Some(&base)), url);
        assert_eq!(read.manifest_url(None), "https://registry-1.docker.io/v2/library/postgres/manifests/15");
    }
}
