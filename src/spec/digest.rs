//! One number for a whole spec, to tell whether two specs ask for the same.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Spec;
use super::types::Sensitive;

impl Spec {
    /// The SHA-256 of the spec in a canonical form, in hex. Secrets enter as their own hash, bound to
    /// the variable they belong to, so that two specs differ when a secret does and the digest gives
    /// nothing away.
    pub fn digest(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            put_secrets(self, fields);
        }
        hex::encode(Sha256::digest(canonical(&value).as_bytes()))
    }
}

fn put_secrets(spec: &Spec, fields: &mut Map<String, Value>) {
    let single = [
        ("github_token", &spec.github_token),
        ("iap_oauth_client_id", &spec.iap_oauth_client_id),
        ("iap_oauth_client_secret", &spec.iap_oauth_client_secret),
        ("redis_auth", &spec.redis_auth),
    ];
    for (name, secret) in single {
        fields.insert(name.to_owned(), hashed(name, secret));
    }
    let many = spec.explicit_secret_values.iter().map(|(name, secret)| (name.clone(), hashed(name, secret)));
    fields.insert("explicit_secret_values".to_owned(), Value::Object(many.collect()));
}

fn hashed(name: &str, secret: &Sensitive) -> Value {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([0]);
    hasher.update(secret.reveal().as_bytes());
    Value::String(hex::encode(hasher.finalize()))
}

/// JSON with sorted names and no space, whatever order the map type keeps.
fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            let parts = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{VARIABLES, shape};

    #[test]
    fn every_secret_takes_part() {
        for variable in VARIABLES.iter().filter(|variable| shape::of(variable.name).unwrap().holds_secret()) {
            let mut specs = [Spec::default(), Spec::default()];
            for (spec, secret) in specs.iter_mut().zip(["one", "two"]) {
                let value = match variable.name {
                    "explicit_secret_values" => serde_json::json!({"NAME": secret}),
                    _ => serde_json::json!(secret),
                };
                spec.set(variable.name, value).unwrap().unwrap();
            }
            assert_ne!(specs[0].digest(), specs[1].digest(), "{}", variable.name);
        }
    }

    #[test]
    fn equal_specs_have_equal_digests() {
        let other = Spec { max_instance_count: 4, ..Spec::default() };
        assert_eq!(Spec::default().digest(), Spec::default().digest());
        assert_ne!(Spec::default().digest(), other.digest());
        assert_eq!(Spec::default().digest().len(), 64);
    }
}
