//! Labels: whose a resource is, and for which generation of the spec it was written last.

use serde_json::{Map, Value};

use crate::resources::Context;

use super::descriptor::Descriptor;

/// The label with the spec's generation; a difference in it alone is none.
pub const GENERATION: &str = "dify-reconciler-generation";

/// The value of `managed-by`.
pub const MANAGER: &str = "dify-reconciler";

/// The longest label value, in characters (the same limit in every Google API).
const LONGEST: usize = 63;

/// The labels of everything in a deployment: the user's, and on top of them ours.
pub fn all(context: &Context<'_>) -> Value {
    let spec = context.spec;
    let mut labels: Map<String, Value> = spec
        .resource_labels
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let generation = context.generation.to_string();
    for (name, value) in [
        ("application", spec.application_name.as_str()),
        ("deployment", context.names.deployment.as_str()),
        ("tenant", spec.tenant_deployment_id.as_str()),
        ("managed-by", MANAGER),
        (GENERATION, generation.as_str()),
    ] {
        labels.insert(name.into(), Value::from(value_of(value)));
    }
    Value::Object(labels)
}

/// Whether a resource's labels say that this reconciler made it.
pub fn ours(descriptor: &Descriptor, seen: &Value) -> bool {
    label(descriptor, seen, "managed-by") == Some(MANAGER)
}

/// Whether a resource's labels say that this reconciler made it for this deployment.
pub fn are_of(descriptor: &Descriptor, seen: &Value, deployment: &str) -> bool {
    ours(descriptor, seen) && label(descriptor, seen, "deployment") == Some(value_of(deployment).as_str())
}

/// One label of a resource that was seen.
pub fn label<'a>(descriptor: &Descriptor, seen: &'a Value, name: &str) -> Option<&'a str> {
    seen.pointer(descriptor.labels?)?.get(name)?.as_str()
}

/// The seen labels with the desired ones put over them: a write replaces all of them at once.
pub fn merged(descriptor: &Descriptor, desired: &Value, seen: &Value) -> Option<Value> {
    let pointer = descriptor.labels?;
    let mut labels = seen.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in desired.pointer(pointer)?.as_object()? {
        labels.insert(name.clone(), value.clone());
    }
    Some(Value::Object(labels))
}

/// Text as a label value: lower case, and a hyphen for everything that a label cannot hold.
fn value_of(text: &str) -> String {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-".contains(letter);
    text.to_ascii_lowercase()
        .chars()
        .map(|letter| if fits(letter) { letter } else { '-' })
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_label_value() {
        assert_eq!(value_of("Prod.EU west"), "prod-eu-west");
        assert_eq!(value_of(&"x".repeat(80)).len(), 63);
    }
}
