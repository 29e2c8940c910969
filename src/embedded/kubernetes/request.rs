//! What a request asks for: its path and query, taken apart.

use super::kinds::{self, Kind};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `PATCH`, …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters, decoded.
    pub query: Query,
    /// The `Content-Type` without its parameters.
    pub content_type: String,
    /// The `User-Agent`.
    pub user_agent: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The parameters of a request.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

/// An object or a collection.
#[derive(Clone, Debug)]
pub struct Target {
    /// The kind.
    pub kind: &'static Kind,
    /// The namespace; empty for all, or for objects of the cluster.
    pub namespace: String,
    /// The name; empty for the collection.
    pub name: String,
    /// `status`, `log`, …, or empty.
    pub subresource: String,
}

impl Query {
    /// Takes apart what follows the `?`.
    pub fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A parameter; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether a parameter says yes.
    pub fn is(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1")
    }
}

impl Request {
    /// Who writes: the `fieldManager`, else what the user agent begins with.
    pub fn manager(&self) -> String {
        match self.query.get("fieldManager") {
            "" => self
                .user_agent
                .split('/')
                .next()
                .filter(|name| !name.is_empty())
                .unwrap_or("unknown")
                .to_owned(),
            name => name.to_owned(),
        }
    }
}

impl Target {
    /// The object or collection at a path; `None` if there is none.
    pub fn parse(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, plural, name, subresource) = match rest {
            ["namespaces", name, subresource @ ("status" | "finalize")] => {
                ("", "namespaces", *name, *subresource)
            }
            ["namespaces", namespace, plural] => (*namespace, *plural, "", ""),
            ["namespaces", namespace, plural, name] => (*namespace, *plural, *name, ""),
            ["namespaces", namespace, plural, name, subresource] => {
                (*namespace, *plural, *name, *subresource)
            }
            [plural] => ("", *plural, "", ""),
            [plural, name] => ("", *plural, *name, ""),
            [plural, name, subresource] => ("", *plural, *name, *subresource),
            _ => return None,
        };
        let kind = kinds::by_plural(group, version, plural)?;
        // Only collections can be seen across namespaces.
        let placed = kind.namespaced != namespace.is_empty() || (kind.namespaced && name.is_empty());
        placed.then(|| Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: subresource.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_all_shapes() {
        let parse = |path: &str| {
            Target::parse(path).map(|found| (found.kind.kind, found.namespace, found.name, found.subresource))
        };
        let own = |kind, namespace: &str, name: &str, sub: &str| {
            Some((kind, namespace.into(), name.into(), sub.into()))
        };
        assert_eq!(parse("/api/v1/pods"), own("Pod", "", "", ""));
        assert_eq!(parse("/api/v1/namespaces/a"), own("Namespace", "", "a", ""));
        assert_eq!(parse("/api/v1/namespaces/a/status"), own("Namespace", "", "a", "status"));
        assert_eq!(
            parse("/apis/apps/v1/namespaces/a/deployments/b/status"),
            own("Deployment", "a", "b", "status")
        );
        assert_eq!(parse("/apis/apps/v1/deployments/b"), None);
        assert_eq!(parse("/apis/apps/v1/namespaces/a/foos"), None);
    }
}
