//! Each state of Redis' rotation by what is seen of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::inventory::Inventory;
use crate::resources::{Kind as AnyKind, Names, ResourceId, kubernetes};
use crate::spec::Spec;
use crate::spec::types::Sensitive;

/// A deployment: enabled versions of the password, what the VM was asked for and says, and what clients have.
struct World {
    spec: Spec,
    names: Names,
    seen: Inventory,
}

impl World {
    fn new(enabled: &[u64], asked: &str, says: Option<&str>, clients: u64) -> Self {
        let spec = Spec { project_id: "p-1".into(), ..Spec::default() };
        let names = Names::new("demo", &spec, "0a1b2c3d");
        let at = "2026-11-23T12:00:00Z".parse().expect("a time");
        let mut seen = Inventory::begun(at, Default::default());
        seen.cluster_reachable = true;
        let mut world = Self { spec, names, seen };
        let newest = enabled.iter().max().copied().expect("a version");
        let secret = world.names.secret(SECRET);
        for version in enabled {
            let payload =
                Payload { version: *version, content: Sensitive::new(format!("password-{version}")) };
            let name = match *version == newest {
                true => secret.clone(),
                false => format!("{secret}/versions/{version}"),
            };
            world.seen.payloads.insert(name, payload);
        }
        let one = |number: &u64| {
            json!({"name": format!("{secret}/versions/{number}"), "state": "ENABLED",
                                        "createTime": "2026-11-01T00:00:00Z"})
        };
        let versions: Vec<Value> = enabled.iter().map(one).collect();
        let said = says.map(|says| {
            json!({"queryValue": {"items": [
            {"namespace": "dify-reconciler", "key": ATTRIBUTE, "value": says}]}})
        });
        let shown = json!({"data": {"REDIS_PASSWORD": STANDARD.encode(format!("password-{clients}"))}});
        let vm = json!({"metadata": {"items": [{"key": ATTRIBUTE, "value": asked}]}});
        let (vm_id, said_id, history, secret) = {
            let context = world.context();
            (
                nfs::instance(&context),
                guest_attributes::id(&context),
                secret_history::id(&context, SECRET),
                kubernetes::own_secret(&context, ""),
            )
        };
        world.seen.note(vm_id, Sighting::Present(vm));
        world.seen.note(said_id, said.map_or(Sighting::Absent, Sighting::Present));
        world.seen.note(history, Sighting::Present(json!({ "versions": versions })));
        world.seen.note(secret, Sighting::Present(shown));
        world.rolled_out("2026-11-23T09:00:00Z");
        world
    }

    fn rolled_out(&mut self, at: &str) {
        let id = ResourceId::kubernetes(kubernetes::Kind::Deployment, &self.names.prefix, "worker");
        assert_eq!(id.kind, AnyKind::Kubernetes(kubernetes::Kind::Deployment));
        let body = json!({"status": {"conditions": [{"type": "Progressing", "status": "True",
            "reason": "NewReplicaSetAvailable", "lastUpdateTime": at}]}});
        self.seen.note(id, Sighting::Present(body));
    }

    fn context(&self) -> Context<'_> {
        Context { spec: &self.spec, names: &self.names, generation: 1, seen: &self.seen }
    }

    fn wanted(&self) -> String {
        text(&wanted(&self.context()))
    }

    fn password(&self) -> String {
        password(&self.context()).map_or_else(|wait| wait.why, |payload| payload.content.reveal().to_owned())
    }
}

#[test]
fn both_are_asked_for_before_anybody_uses_the_new_one() {
    let drawn = World::new(&[1, 2], "v1", Some("v1"), 1);
    assert_eq!((drawn.wanted(), drawn.password()), ("v1 v2".into(), "password-1".into()));
    let asked = World::new(&[1, 2], "v1 v2", Some("v1"), 1);
    assert_eq!(asked.password(), "password-1", "the VM has not said that Redis takes it");
    assert!(waits(&asked.context()).is_some());
    let takes = World::new(&[1, 2], "v1 v2", Some("v1 v2"), 1);
    assert_eq!((takes.wanted(), takes.password()), ("v1 v2".into(), "password-2".into()));
}

#[test]
fn the_old_one_is_forgotten_when_everybody_has_changed_over_and_then_disabled() {
    let mut rolling = World::new(&[1, 2], "v1 v2", Some("v1 v2"), 2);
    rolling.rolled_out("2026-11-23T11:59:00Z");
    assert_eq!(rolling.wanted(), "v1 v2", "pods from before may still be there");
    assert!(waits(&rolling.context()).is_some_and(|wait| wait.why.contains("worker")));
    let drained = World::new(&[1, 2], "v1 v2", Some("v1 v2"), 2);
    assert_eq!(drained.wanted(), "v2");
    assert!(is_forgetting(&drained.context()), "which needs everything to run as declared");
    let forgetting = World::new(&[1, 2], "v2", Some("v1 v2"), 2);
    assert_eq!((forgetting.wanted(), forgetting.password()), ("v2".into(), "password-2".into()));
    assert!(!is_settled(&forgetting.context()) && waits(&forgetting.context()).is_some());
    let settled = World::new(&[1, 2], "v2", Some("v2"), 2);
    assert!(is_settled(&settled.context()) && waits(&settled.context()).is_none());
    assert_eq!(super::super::keys::retired(&settled.context(), SECRET), Some(1));
}

#[test]
fn a_vm_that_says_nothing_changes_nothing_for_its_clients() {
    let silent = World::new(&[1, 2], "v1 v2", None, 1);
    assert_eq!(silent.password(), "password-1");
    assert_eq!(held_up(&silent.context()).map(|(version, _)| version), Some(1));
    let before = World::new(&[1, 2], "", None, 1);
    assert_eq!((before.wanted(), before.password()), ("v1 v2".into(), "password-1".into()));
    let started_anew = World::new(&[2], "v2", None, 2);
    assert_eq!(started_anew.password(), "password-2");
}

#[test]
fn when_the_vm_cannot_be_asked_everybody_keeps_what_they_have() {
    for (clients, asked) in [(1, "v1 v2"), (2, "v1 v2"), (2, "v2")] {
        let mut world = World::new(&[1, 2], asked, Some("v1"), clients);
        let id = guest_attributes::id(&world.context());
        world.seen.note(id, Sighting::Unreadable("403: not allowed".into()));
        assert_eq!(world.password(), format!("password-{clients}"));
        assert_eq!(world.wanted(), asked, "and nothing is forgotten");
        assert_eq!(held_up(&world.context()).is_some_and(|(_, why)| why.contains("403")), clients == 1);
    }
}

#[test]
fn another_version_in_the_middle_is_taken_up_the_same_way() {
    let world = World::new(&[1, 2, 3], "v1 v2", Some("v1 v2"), 1);
    assert_eq!((world.wanted(), world.password()), ("v1 v2 v3".into(), "password-2".into()));
}
