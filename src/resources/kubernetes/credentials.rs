//! Secret values, each with what tells its version apart from another.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sha2::{Digest, Sha256};

use crate::inventory::Payload;
use crate::resources::{Declared, Wait, facts};
use crate::slice::Slice;
use crate::spec::types::Sensitive;

use super::Kind;
use super::scope::Scope;
use super::waits::Waits;

/// A secret value under the name of its version, `app…-secret-key@3`.
#[derive(Clone, Default)]
pub struct SecretValue {
    /// The value.
    pub text: Sensitive,
    /// What changes when the value does; shown on pod templates, so it says nothing about the value.
    pub version: String,
}

/// Secret environment variables by name.
pub type SecretMap = BTreeMap<String, SecretValue>;

impl SecretValue {
    /// A generated secret's newest version.
    pub fn generated(scope: &Scope<'_>, suffix: &str, waits: &mut Waits) -> Self {
        Self::of(facts::secret(scope.context, suffix), suffix, waits)
    }

    /// A secret of the user's.
    pub fn users(scope: &Scope<'_>, id: &str, waits: &mut Waits) -> Self {
        Self::of(facts::user_secret(scope.context, id), id, waits)
    }

    /// A value written in the spec. It has no version, so one is made with a key that only the
    /// deployment knows: without the key the short tag tells nothing, not even of a one-digit value.
    pub fn given(value: &Sensitive, name: &str, key: &SecretValue) -> Self {
        let mut hasher = Sha256::new();
        for part in [key.text.reveal(), name, value.reveal()] {
            hasher.update(part.len().to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let tag: String = hex::encode(hasher.finalize()).chars().take(8).collect();
        Self { text: value.clone(), version: format!("spec:{tag}") }
    }

    /// Another text made of this one, with the same version.
    pub fn map(&self, make: impl FnOnce(&str) -> String) -> Self {
        Self { text: Sensitive::new(make(self.text.reveal())), version: self.version.clone() }
    }

    /// A version of a key, under this name.
    pub fn key(payload: Result<Payload, Wait>, name: &str, waits: &mut Waits) -> Self {
        Self::of(payload.as_ref().map_err(Clone::clone), name, waits)
    }

    /// What was read of a secret, under this name.
    pub fn of(payload: Result<&Payload, Wait>, name: &str, waits: &mut Waits) -> Self {
        waits
            .try_take(payload)
            .map(|payload| Self {
                text: payload.content.clone(),
                version: format!("{name}@{}", payload.version),
            })
            .unwrap_or_default()
    }
}

/// Names and versions of secret values, for the annotation that rolls what uses them.
pub fn versions(map: &SecretMap) -> BTreeMap<&str, &str> {
    map.iter().map(|(name, value)| (name.as_str(), value.version.as_str())).collect()
}

/// The Secret that carries these values.
pub fn declare(
    scope: &Scope<'_>,
    name: &str,
    component: &str,
    slice: Slice,
    values: &SecretMap,
    waits: &Waits,
) -> Declared {
    let data = values
        .iter()
        .map(|(name, value)| (name.clone(), ByteString(value.text.reveal().as_bytes().to_vec())))
        .collect();
    let body = Secret {
        metadata: scope.metadata(name, component),
        type_: Some("Opaque".into()),
        data: Some(data),
        ..Default::default()
    };
    scope.declare(Kind::Secret, name, slice, vec![], waits, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_a_given_value_needs_the_key() {
        let key = |text: &str| SecretValue { text: Sensitive::new(text), version: String::new() };
        let value = Sensitive::new("7");
        let tag = |key: &SecretValue, value: &Sensitive| SecretValue::given(value, "PIN", key).version;
        assert_eq!(tag(&key("k"), &value), tag(&key("k"), &value));
        assert_ne!(tag(&key("k"), &value), tag(&key("l"), &value));
        assert_ne!(tag(&key("k"), &value), tag(&key("k"), &Sensitive::new("8")));
    }
}
