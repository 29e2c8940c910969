//! Every call that a scene can lead to: makings, changes of every field that is compared, removals, reads.

use dify_reconciler::images::{attest, build, promotion};
use dify_reconciler::inventory::Inventory;
use dify_reconciler::plan::GoogleRequest;
use dify_reconciler::resources::google::{self, driver, reading};
use dify_reconciler::resources::{Desired, Document, Kind as AnyKind, ResourceId};
use serde_json::{Value, json};

use crate::scenes::Scene;
use crate::world;

/// A call and what it is for.
pub struct Call {
    /// For people.
    pub what: String,
    /// The call.
    pub request: GoogleRequest,
}

/// All calls of a scene.
pub fn of(scene: &Scene) -> Vec<Call> {
    let mut calls = images(scene);
    for seen in [Inventory::default(), world::found(scene), world::complete(scene)] {
        let context = scene.context(&seen);
        let declared = google::declare(&context);
        let mut ids: std::collections::BTreeSet<ResourceId> =
            declared.iter().map(|declared| declared.id.clone()).collect();
        ids.insert(google::guest_attributes::id(&context));
        for read in reading::reads("p-1234", &ids) {
            calls.push(call("read", &scene.name, read.request));
        }
        calls.push(call("list", &"images", google::docker_image::list(&context)));
        let operations = reading::operations(&google::sql_instance::id(&context));
        calls.push(call("read", &scene.name, operations.request));
        for declared in declared {
            let id = &declared.id;
            match &declared.desired {
                Desired::Ready(document) => {
                    calls.push(call("create", id, driver::create(id, document, context.generation)));
                    if let Some(body) = seen.body(id) {
                        calls.extend(changes(id, document, body));
                        calls.extend(driver::delete(id, body).map(|request| call("delete", id, request)));
                    }
                }
                Desired::Generated(recipe) => calls.push(call("generate", id, driver::generate(id, *recipe))),
                Desired::Act(act) => calls.push(call("act on", id, act.request.clone())),
                Desired::Waiting(_) | Desired::Found | Desired::Copied(_) => {}
            }
        }
    }
    calls
}

/// What is read of builds and promotions.
fn images(scene: &Scene) -> Vec<Call> {
    let trigger = build::Trigger { parent: "projects/p-1234/locations/global", id: "t" };
    let mut calls = vec![call("list", &"builds", build::list(&trigger))];
    calls.extend(build::read("p-1234", "", "b-1").map(|request| call("read", &"a build", request)));
    let (note, uri) = ("projects/p-1234/notes/built", "https://eu.gcr.io/p/a@sha256:0");
    let attestation =
        json!({"serializedPayload": "e30=", "signatures": [{"publicKeyId": "k", "signature": "c2ln"}]});
    let occurrence = json!({"noteName": note, "resourceUri": uri, "attestation": attestation});
    calls.push(call("list", &"attestations", attest::list(note, uri)));
    let validate = attest::validate("projects/p-1234/attestors/built", &occurrence);
    calls.push(call("validate", &"an attestation", validate));
    if let Some(source) = promotion::source(&scene.spec, "appdify") {
        let rollout = json!({"name": format!("{}/releases/r/rollouts/r-1", source.pipeline)});
        calls.push(call("list", &"rollouts", promotion::list(&source)));
        calls.extend(promotion::read(&rollout).map(|request| call("read", &"a release", request)));
    }
    calls
}

fn call(what: &str, about: &dyn std::fmt::Display, request: GoogleRequest) -> Call {
    Call { what: format!("{what} {about}"), request }
}

/// A change for each field: what was seen is spoilt there, and nowhere else.
fn changes(id: &ResourceId, desired: &Document, seen: &Value) -> Vec<Call> {
    let AnyKind::Google(kind) = id.kind else { return Vec::new() };
    let mut calls = Vec::new();
    let mut spoilt_all = seen.clone();
    for path in leaves("", desired.wire()) {
        let mut spoilt = seen.clone();
        for body in [&mut spoilt, &mut spoilt_all] {
            if let Some(value) = body.pointer_mut(&path) {
                *value = spoil(value);
            }
        }
        let changes = driver::compare(kind, desired, &spoilt);
        if changes.is_empty() {
            continue;
        }
        match driver::update(id, desired, &spoilt, &changes, 7) {
            Ok(request) => calls.push(call("update", &format!("{id} {path}"), request)),
            Err(why) => assert!(why.contains("cannot"), "{id} {path}: {why}"),
        }
    }
    let changes = driver::compare(kind, desired, &spoilt_all);
    if let (false, Ok(request)) = (changes.is_empty(), driver::update(id, desired, &spoilt_all, &changes, 7))
    {
        calls.push(call("update all of", id, request));
    }
    calls
}

/// Pointers of all scalars and lists.
fn leaves(path: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            fields
                .iter()
                .flat_map(|(name, value)| leaves(&format!("{path}/{}", escaped(name)), value))
                .collect()
        }
        _ => vec![path.to_owned()],
    }
}

fn spoil(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Number(_) => json!(0),
        Value::String(_) => json!("other"),
        _ => json!([]),
    }
}
