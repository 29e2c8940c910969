//! The address of one thing that should exist.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{google, kubernetes};

/// What sort of thing a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A Google Cloud resource.
    Google(google::Kind),
    /// A Kubernetes object.
    Kubernetes(kubernetes::Kind),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Google(kind) => f.write_str(kind.name()),
            Kind::Kubernetes(kind) => f.write_str(kind.name()),
        }
    }
}

/// Kind and name of one thing.
///
/// A Google name is the path under the API's base (`projects/p/secrets/s`,
/// `projects/p/instances/i/databases/d`, `b/bucket`); a Kubernetes name is `namespace/name`, or `name`
/// for what has no namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    /// What sort of thing.
    pub kind: Kind,
    /// Which one.
    pub name: String,
}

impl ResourceId {
    /// The address of a Google resource.
    pub fn google(kind: google::Kind, name: impl Into<String>) -> Self {
        Self { kind: Kind::Google(kind), name: name.into() }
    }

    /// The address of a Kubernetes object in a namespace, or of one without when `namespace` is empty.
    pub fn kubernetes(kind: kubernetes::Kind, namespace: &str, name: &str) -> Self {
        let name = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
        Self { kind: Kind::Kubernetes(kind), name }
    }

    /// The address that [`Display`](fmt::Display) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(' ')?;
        let google = google::Kind::ALL.into_iter().find(|one| one.name() == kind).map(Kind::Google);
        let kubernetes =
            || kubernetes::Kind::ALL.into_iter().find(|one| one.name() == kind).map(Kind::Kubernetes);
        Some(Self { kind: google.or_else(kubernetes)?, name: name.to_owned() })
    }

    /// The last part of the name.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// The Kubernetes namespace, empty when there is none.
    pub fn namespace(&self) -> &str {
        match self.kind {
            Kind::Kubernetes(_) => self.name.split_once('/').map_or("", |(namespace, _)| namespace),
            Kind::Google(_) => "",
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Serialize for ResourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
