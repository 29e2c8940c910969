//! Every object of the default deployment, by group. A change here is a change to every installation:
//! read it before it is accepted.

use std::collections::BTreeMap;

use super::fixture::World;
use super::library::resources::Desired;
use super::library::resources::Kind;
use super::library::resources::kubernetes::Kind::*;
use super::library::spec::Spec;

fn group(kind: Kind) -> &'static str {
    let Kind::Kubernetes(kind) = kind else { panic!("only Kubernetes objects are rendered here") };
    match kind {
        Namespace | ResourceQuota | ServiceAccount => "cluster",
        NetworkPolicy => "network-policies",
        ConfigMap | Secret => "configuration",
        PersistentVolumeClaim | Deployment | StatefulSet => "workloads",
        Job | CronJob => "jobs",
        Service | HorizontalPodAutoscaler | VerticalPodAutoscaler | PodDisruptionBudget => "services",
        Gateway | HttpRoute | GcpBackendPolicy | HealthCheckPolicy => "front-door",
    }
}

/// Objects under their addresses, secrets replaced, with what each needs.
fn render(world: &World) -> BTreeMap<&'static str, BTreeMap<String, serde_json::Value>> {
    let mut groups: BTreeMap<&str, BTreeMap<String, serde_json::Value>> = BTreeMap::new();
    for declared in world.declared() {
        let Desired::Ready(document) = &declared.desired else { panic!("{} waits", declared.id) };
        let needs: Vec<String> = declared.needs.iter().map(ToString::to_string).collect();
        let entry = serde_json::json!({
            "slice": declared.slice.name(), "needs": needs, "document": document.shown(),
        });
        let entries = groups.entry(group(declared.id.kind)).or_default();
        assert!(entries.insert(declared.id.to_string(), entry).is_none(), "{} is there twice", declared.id);
    }
    groups
}

fn check(prefix: &str, world: &World) {
    for (group, entries) in render(world) {
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true,
            snapshot_path => "snapshots"}, {
            insta::assert_yaml_snapshot!(format!("{prefix}-{group}"), entries);
        });
    }
}

#[test]
fn the_default_deployment() {
    check("default", &World::default_set());
}

#[test]
fn a_deployment_with_a_domain() {
    let spec = Spec {
        enable_custom_domain: true,
        application_domains: vec!["dify.example.com".into(), "ai.example.com".into()],
        ..Spec::default()
    };
    let world = World::of(spec);
    let groups = render(&world);
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true,
        snapshot_path => "snapshots"}, {
        insta::assert_yaml_snapshot!("domain-front-door", groups["front-door"]);
    });
}
