//! What must be true of every object, whatever the spec.

use serde_json::{Value, json};

use super::fixture::{GENERATION, SECRET, World};
use super::library::inventory::Inventory;
use super::library::resources::kubernetes::{Kind, driver};
use super::library::resources::{self, Context, Desired, Kind as AnyKind, kubernetes};
use super::library::spec::Spec;
use super::transitions::everything;

fn worlds() -> Vec<(&'static str, World)> {
    let inside = Spec { service_type: "ClusterIP".into(), ..Spec::default() };
    let direct = Spec { enable_cloudsql_volume: false, ..Spec::default() };
    let bare = Spec { deploy_application: false, ..Spec::default() };
    vec![
        ("default", World::default_set()),
        ("everything", World::of(everything())),
        ("inside", World::of(inside)),
        ("direct", World::of(direct)),
        ("bare", World::of(bare)),
    ]
}

fn documents(world: &World) -> Vec<(String, Kind, Value)> {
    world
        .declared()
        .into_iter()
        .map(|declared| {
            let AnyKind::Kubernetes(kind) = declared.id.kind else { panic!("{}", declared.id) };
            match declared.desired {
                Desired::Ready(document) => (declared.id.to_string(), kind, document.wire().clone()),
                other => panic!("{} is {other:?}", declared.id),
            }
        })
        .collect()
}

/// The pod of an object that has one.
fn pod(kind: Kind, body: &Value) -> Option<&Value> {
    body.pointer(match kind {
        Kind::Deployment | Kind::StatefulSet | Kind::Job => "/spec/template/spec",
        Kind::CronJob => "/spec/jobTemplate/spec/template/spec",
        _ => return None,
    })
}

fn containers(pod: &Value) -> Vec<&Value> {
    ["containers", "initContainers"].iter().filter_map(|list| pod[*list].as_array()).flatten().collect()
}

#[test]
fn every_object_is_declared_once_and_what_it_needs_is_declared() {
    for (name, world) in worlds() {
        let declared = resources::declare(&world.context());
        let mut ids: Vec<_> = declared.iter().map(|declared| &declared.id).collect();
        ids.sort();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}: something is declared twice");
        for one in &declared {
            for need in &one.needs {
                assert!(
                    ids.binary_search(&need).is_ok(),
                    "{name}: {} needs {need}, which is not declared",
                    one.id
                );
            }
        }
    }
}

#[test]
fn nothing_needs_itself_in_a_round() {
    for (name, world) in worlds() {
        let declared = resources::declare(&world.context());
        let mut open: Vec<_> = declared.iter().collect();
        loop {
            let before = open.len();
            let waiting: Vec<_> = open.iter().map(|one| one.id.clone()).collect();
            open.retain(|one| one.needs.iter().any(|need| waiting.contains(need)));
            if open.is_empty() {
                break;
            }
            assert!(open.len() < before, "{name}: a round through {}", open[0].id);
        }
    }
}

#[test]
fn every_object_says_whose_it_is() {
    for (name, world) in worlds() {
        for (id, _, body) in documents(&world) {
            assert!(driver::is_ours(&body), "{name}: {id}");
            assert_eq!(driver::newer_generation(&body), Some(GENERATION), "{name}: {id}");
            assert!(driver::applied(&body).is_some_and(|hash| hash.len() == 64), "{name}: {id}");
            let object = body["metadata"]["name"].as_str().unwrap();
            assert!(object.len() <= 63, "{name}: {object}");
        }
    }
}

#[test]
fn an_object_that_is_there_as_written_is_no_difference() {
    for (name, world) in worlds() {
        for declared in world.declared() {
            let Desired::Ready(document) = &declared.desired else { panic!() };
            let AnyKind::Kubernetes(kind) = declared.id.kind else { panic!() };
            let changes = driver::compare(kind, document, document.wire());
            assert!(changes.is_empty(), "{name}: {}: {changes:?}", declared.id);
        }
    }
}

#[test]
fn no_secret_value_is_anywhere_but_in_a_secret() {
    for (name, world) in worlds() {
        for (id, kind, body) in documents(&world) {
            if kind != Kind::Secret {
                assert!(!body.to_string().contains(SECRET), "{name}: {id}");
            }
        }
        for declared in world.declared() {
            assert!(!format!("{declared:?}").contains(SECRET), "{name}: {}", declared.id);
        }
    }
}

#[test]
fn every_container_says_what_it_asks_for_and_what_it_may() {
    for (name, world) in worlds() {
        for (id, kind, body) in documents(&world) {
            let Some(pod) = pod(kind, &body) else { continue };
            assert_eq!(pod["enableServiceLinks"], json!(false), "{name}: {id}");
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}: {id}");
            for container in containers(pod) {
                for part in ["requests", "limits"] {
                    for amount in ["cpu", "memory", "ephemeral-storage"] {
                        let there = &container["resources"][part][amount];
                        assert!(
                            there.is_string(),
                            "{name}: {id}: {} lacks {part} of {amount}",
                            container["name"]
                        );
                    }
                }
                assert!(container["securityContext"]["privileged"].is_null());
                assert!(container["securityContext"].is_object(), "{name}: {id}: {}", container["name"]);
                let image = container["image"].as_str().unwrap();
                assert!(image.contains("@sha256:"), "{name}: {id}: {image}");
            }
        }
    }
}

#[test]
fn every_pod_is_covered_by_a_network_policy() {
    let world = World::of(everything());
    let all = documents(&world);
    let policies: Vec<&Value> =
        all.iter().filter(|(_, kind, _)| *kind == Kind::NetworkPolicy).map(|(_, _, body)| body).collect();
    for (id, kind, body) in &all {
        if pod(*kind, body).is_none() {
            continue;
        }
        let component = &body["metadata"]["labels"]["component"];
        let covered = policies
            .iter()
            .any(|policy| &policy["spec"]["podSelector"]["matchLabels"]["component"] == component);
        assert!(covered, "{id}: no policy for {component}");
    }
}

#[test]
fn before_anything_is_seen_everything_says_what_it_waits_on() {
    let world = World::default_set();
    let seen = Inventory::default();
    let context = Context { seen: &seen, ..world.context() };
    let mut waiting = 0;
    for declared in kubernetes::declare(&context) {
        if let Desired::Waiting(waits) = declared.desired {
            assert!(!waits.is_empty(), "{}", declared.id);
            waiting += 1;
        }
    }
    assert!(waiting > 20, "only {waiting} objects wait");
}

#[test]
fn without_the_application_there_is_only_the_ground_it_stands_on() {
    let world = World::of(Spec { deploy_application: false, ..Spec::default() });
    let kinds: Vec<Kind> = documents(&world).into_iter().map(|(_, kind, _)| kind).collect();
    assert_eq!(kinds, [Kind::Namespace, Kind::ServiceAccount, Kind::ServiceAccount, Kind::ServiceAccount]);
}
