//! ConfigMaps: one per component, with complete values.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;

use crate::resources::Declared;
use crate::slice::Slice;

use super::Kind;
use super::scope::Scope;
use super::waits::Waits;

/// The name of a component's ConfigMap, and of its Secret if it has one of its own: `<prefix>-web-env`.
/// Without a component, `<prefix>-env`, it is the Secret of everything that runs the API image.
pub fn name(scope: &Scope<'_>, component: &str) -> String {
    let suffix = if component.is_empty() { "env".to_owned() } else { format!("{component}-env") };
    scope.names().component(&suffix)
}

/// The ConfigMap with these values.
pub fn declare(
    scope: &Scope<'_>,
    name: &str,
    component: &str,
    slice: Slice,
    data: &BTreeMap<String, String>,
    waits: &Waits,
) -> Declared {
    let body = ConfigMap {
        metadata: scope.metadata(name, component),
        data: Some(data.clone()),
        ..Default::default()
    };
    scope.declare(Kind::ConfigMap, name, slice, vec![], waits, &body)
}
