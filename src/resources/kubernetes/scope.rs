//! What the kinds have in common: where they are, how they are named, how they become [`Declared`].

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use crate::resources::{Context, Declared, Desired, Document, Names, ResourceId, Wait};
use crate::slice::Slice;
use crate::spec::Spec;

use super::waits::Waits;
use super::{Kind, stamp};

/// Longest name of an object whose name becomes a label or a host name.
const NAME_CHARS: usize = 63;

/// The deployment's place in the cluster.
pub struct Scope<'a> {
    /// What documents are made from.
    pub context: &'a Context<'a>,
    /// The namespace.
    pub namespace: String,
}

impl<'a> Scope<'a> {
    /// The place that the spec names.
    pub fn new(context: &'a Context<'a>) -> Self {
        Self { context, namespace: context.names.namespace(context.spec) }
    }

    /// What the user asked for.
    pub fn spec(&self) -> &'a Spec {
        self.context.spec
    }

    /// What things are called.
    pub fn names(&self) -> &'a Names {
        self.context.names
    }

    /// The address of an object in the namespace.
    pub fn id(&self, kind: Kind, name: &str) -> ResourceId {
        ResourceId::kubernetes(kind, &self.namespace, name)
    }

    /// The namespace's own address.
    pub fn namespace_id(&self) -> ResourceId {
        ResourceId::kubernetes(Kind::Namespace, "", &self.namespace)
    }

    /// Metadata of an object in the namespace.
    pub fn metadata(&self, name: &str, component: &str) -> ObjectMeta {
        stamp::metadata(self.names(), self.spec(), &self.namespace, name, component)
    }

    /// The host name of a Service inside the cluster. The short name is enough for pods beside it.
    pub fn url(&self, service: &str, port: u16) -> String {
        format!("http://{service}:{port}")
    }

    /// An object that should be so, or what it waits on. Every object but the namespace needs it.
    pub fn declare(
        &self,
        kind: Kind,
        name: &str,
        slice: Slice,
        needs: Vec<ResourceId>,
        waits: &Waits,
        body: &impl Serialize,
    ) -> Declared {
        let id = match kind {
            Kind::Namespace => self.namespace_id(),
            _ => self.id(kind, name),
        };
        let mut all = if kind == Kind::Namespace { Vec::new() } else { vec![self.namespace_id()] };
        all.extend(needs);
        Declared { id, slice, needs: all, desired: self.desired(kind, waits, body) }
    }

    fn desired(&self, kind: Kind, waits: &Waits, body: &impl Serialize) -> Desired {
        if !waits.is_empty() {
            return Desired::Waiting(waits.clone().into_vec());
        }
        match serde_json::to_value(body) {
            Ok(mut body) => {
                let secret: &[&'static str] = if kind == Kind::Secret { &["/data"] } else { &[] };
                stamp::stamp(&mut body, self.context.generation, secret);
                Desired::Ready(Document::with_secrets(body, secret))
            }
            Err(why) => Desired::Waiting(vec![Wait::dependency(format!("it cannot be written: {why}"))]),
        }
    }
}

/// A name that is short enough to be a label, made unique by a hash when it had to be cut.
pub fn bounded(name: &str) -> String {
    cut(name, NAME_CHARS)
}

/// A name of at most so many characters, made unique by a hash when it had to be cut.
pub fn cut(name: &str, most: usize) -> String {
    if name.len() <= most {
        return name.to_owned();
    }
    let hash = stamp::short_hash(name);
    let start: String = name.chars().take(most.saturating_sub(hash.len() + 1)).collect();
    format!("{}-{hash}", start.trim_end_matches('-'))
}

/// Text as part of a DNS name: `1.17.1` becomes `1-17-1`.
pub fn dns(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        assert_eq!(bounded("short"), "short");
        let (one, two) =
            (bounded(&format!("{}-one", "x".repeat(70))), bounded(&format!("{}-two", "x".repeat(70))));
        assert!(one.len() <= 63 && two.len() <= 63);
        assert_ne!(one, two);
    }
}
