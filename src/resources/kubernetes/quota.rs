//! The namespace's quota, when the spec wants one.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::resources::Declared;
use crate::slice::Slice;

use super::Kind;
use super::scope::Scope;
use super::waits::Waits;

/// The quota. Every container of ours says what it asks for, so a quota on requests does not keep a Job
/// or a sidecar out for want of a number.
pub fn declare(scope: &Scope<'_>) -> Vec<Declared> {
    let spec = scope.spec();
    let hard: BTreeMap<String, Quantity> = [
        ("requests.cpu", &spec.quota_cpu_requests),
        ("limits.cpu", &spec.quota_cpu_limits),
        ("requests.memory", &spec.quota_memory_requests),
        ("limits.memory", &spec.quota_memory_limits),
        ("pods", &spec.quota_max_pods),
        ("services", &spec.quota_max_services),
        ("persistentvolumeclaims", &spec.quota_max_pvcs),
    ]
    .into_iter()
    .filter(|(_, amount)| !amount.is_empty())
    .map(|(name, amount)| (name.to_owned(), Quantity(amount.clone())))
    .collect();
    if !spec.enable_resource_quota || hard.is_empty() {
        return Vec::new();
    }
    let name = scope.names().component("quota");
    let body = ResourceQuota {
        metadata: scope.metadata(&name, "quota"),
        spec: Some(ResourceQuotaSpec { hard: Some(hard), ..Default::default() }),
        ..Default::default()
    };
    vec![scope.declare(Kind::ResourceQuota, &name, Slice::Cluster, vec![], &Waits::default(), &body)]
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn only_amounts_that_are_given_are_limited() {
        let spec = Spec { enable_resource_quota: true, quota_max_pods: "20".into(), ..Spec::default() };
        let hard = World::of(spec).body(Kind::ResourceQuota, "-quota")["spec"]["hard"].clone();
        assert_eq!(hard, serde_json::json!({"pods": "20"}));
        let empty = World::of(Spec { enable_resource_quota: true, ..Spec::default() });
        assert!(!empty.declared().iter().any(|one| one.id.to_string().starts_with("ResourceQuota")));
    }
}
