//! Every document and every call that the Google driver can make, held against Google's own discovery
//! documents: the method exists, under that HTTP method and path, its parameters are known, and the body has
//! only fields that the API takes, of the right type, with values it knows.
//!
//! The documents are put in place by `tests/support/discovery.sh`. Without them the tests say so and pass,
//! unless `DIFY_REQUIRE_DISCOVERY=1`.

#[path = "contract/body.rs"]
mod body;
#[path = "contract/calls.rs"]
mod calls;
#[path = "contract/documents.rs"]
mod documents;
#[path = "contract/scenes.rs"]
mod scenes;
mod support;
#[path = "contract/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use dify_reconciler::inventory::Inventory;
use dify_reconciler::resources::google::{Kind, driver, reading};
use dify_reconciler::resources::{Desired, Kind as AnyKind, Readiness, google};

use documents::Documents;
use scenes::Scene;

/// Set to `1`: missing documents are a failure, not a reason to skip.
const REQUIRE_DISCOVERY: &str = "DIFY_REQUIRE_DISCOVERY";

fn documents_or_skip() -> Option<Documents> {
    let found = Documents::find();
    support::present_or_skip(found.as_ref(), REQUIRE_DISCOVERY)?;
    found.ok()
}

#[test]
fn every_call_is_one_that_google_documents() {
    let Some(documents) = documents_or_skip() else { return };
    let mut faults = BTreeSet::new();
    let mut covered: BTreeMap<&str, usize> = BTreeMap::new();
    for scene in scenes::all() {
        for call in calls::of(&scene) {
            *covered.entry(call.request.method_id).or_default() += 1;
            for fault in documents.faults(&call.request) {
                faults.insert(format!("{}: {}: {fault}", call.what, call.request.method_id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.into_iter().collect::<Vec<_>>().join("\n"));
    // Enough calls that a scene which declares nothing would be noticed.
    for method in [
        "sql.instances.insert",
        "sql.instances.patch",
        "storage.buckets.setIamPolicy",
        "compute.instances.setMetadata",
        "compute.instances.getGuestAttributes",
        "secretmanager.projects.secrets.addVersion",
        "certificatemanager.projects.locations.certificateMaps.certificateMapEntries.create",
        "artifactregistry.projects.locations.repositories.patch",
        "artifactregistry.projects.locations.repositories.setIamPolicy",
        "artifactregistry.projects.locations.repositories.dockerImages.list",
        "iam.projects.serviceAccounts.setIamPolicy",
        "binaryauthorization.projects.updatePolicy",
        "binaryauthorization.projects.attestors.validateAttestationOccurrence",
        "compute.aggregated",
    ] {
        let method = if method == "compute.aggregated" { "compute.instances.aggregatedList" } else { method };
        assert!(covered.contains_key(method), "{method} was never made");
    }
}

#[test]
fn a_notice_is_published_as_google_documents_it() {
    let Some(documents) = documents_or_skip() else { return };
    let status = dify_reconciler::state::status::Status {
        deployment: "prod".into(),
        history: vec![dify_reconciler::state::status::Happened {
            at: "2026-11-23T00:00:00Z".parse().expect("a time"),
            generation: 1,
            cause: "test".into(),
            what: "converged".into(),
            about: None,
        }],
        ..Default::default()
    };
    let now = "2026-11-23T00:00:01Z".parse().expect("a time");
    let notices = dify_reconciler::notify::news(None, &status, now).notices;
    assert_eq!(notices.len(), 1);
    let request = dify_reconciler::cloud::notices::publish("projects/p-1234/topics/notices", &notices);
    assert_eq!(documents.faults(&request), Vec::<String>::new());
}

#[test]
fn a_fault_is_found() {
    let Some(documents) = documents_or_skip() else { return };
    let scene = Scene::default();
    let create = calls::of(&scene).into_iter().find(|call| call.request.method_id == "sql.instances.insert");
    let mut request = create.expect("the instance is made").request;
    assert!(documents.faults(&request).is_empty());
    let broken = [
        (serde_json::json!({"settings": {"tear": "x"}}), "tear"),
        (serde_json::json!({"settings": {"edition": "CHEAP"}}), "CHEAP"),
        (serde_json::json!({"settings": {"storageAutoResize": "yes"}}), "storageAutoResize"),
        (serde_json::json!({"createTime": "now"}), "createTime"),
    ];
    for (document, word) in broken {
        request.body =
            dify_reconciler::plan::Body::Document(dify_reconciler::resources::Document::new(document));
        let faults = documents.faults(&request);
        assert!(faults.iter().any(|fault| fault.contains(word)), "{word}: {faults:?}");
    }
    request.path = "v1/projects/p/instance".into();
    request.query.push(("dryRun", "true".into()));
    assert!(documents.faults(&request).len() >= 2);
}

#[test]
fn a_world_that_is_as_declared_needs_nothing() {
    for scene in scenes::all() {
        let seen = world::complete(&scene);
        for declared in google::declare(&scene.context(&seen)) {
            let AnyKind::Google(kind) = declared.id.kind else { panic!("{} is not Google's", declared.id) };
            let body = seen.body(&declared.id).unwrap_or_else(|| panic!("{} was not made", declared.id));
            match &declared.desired {
                Desired::Ready(document) => {
                    let changes = driver::compare(kind, document, body);
                    assert!(changes.is_empty(), "{}: {}: {changes:?}", scene.name, declared.id);
                }
                Desired::Waiting(waits) => panic!("{}: {} waits: {waits:?}", scene.name, declared.id),
                Desired::Found | Desired::Generated(_) | Desired::Copied(_) => {}
                Desired::Act(act) => panic!("{}: {} is changed: {:?}", scene.name, declared.id, act.changes),
            }
            assert_eq!(driver::readiness(kind, body), Readiness::Ready, "{}: {}", scene.name, declared.id);
        }
    }
}

#[test]
fn what_is_needed_is_declared_and_nothing_needs_itself() {
    for scene in scenes::all() {
        for seen in [Inventory::default(), world::found(&scene), world::complete(&scene)] {
            let declared = google::declare(&scene.context(&seen));
            let ids: BTreeSet<_> = declared.iter().map(|declared| declared.id.clone()).collect();
            assert_eq!(ids.len(), declared.len(), "{}: something is declared twice", scene.name);
            let order: BTreeMap<_, _> =
                declared.iter().map(|declared| (&declared.id, &declared.needs)).collect();
            for declared in &declared {
                for need in &declared.needs {
                    assert!(ids.contains(need), "{}: {} needs {need}", scene.name, declared.id);
                }
                assert!(!reaches(&order, &declared.id, &declared.id, 0), "{} needs itself", declared.id);
            }
        }
    }
}

fn reaches<'a>(
    order: &BTreeMap<
        &'a dify_reconciler::resources::ResourceId,
        &'a Vec<dify_reconciler::resources::ResourceId>,
    >,
    from: &dify_reconciler::resources::ResourceId,
    to: &dify_reconciler::resources::ResourceId,
    depth: usize,
) -> bool {
    let needs = order.get(from).map_or(&[][..], |needs| needs.as_slice());
    depth > 12 || needs.iter().any(|need| need == to || reaches(order, need, to, depth + 1))
}

#[test]
fn a_look_at_a_default_deployment_takes_few_calls() {
    let scene = Scene::default();
    let seen = world::complete(&scene);
    let ids = google::declare(&scene.context(&seen)).into_iter().map(|declared| declared.id).collect();
    let reads = reading::reads("p-1234", &ids);
    assert!(reads.len() <= 34, "{} calls", reads.len());
    let told = |id| reads.iter().any(|read| reading::covered(&read.covers, id));
    assert!(ids.iter().all(told), "some resource is not read");
}

#[test]
fn no_call_shows_a_secret() {
    for scene in scenes::all() {
        for call in calls::of(&scene) {
            let shown = format!("{:?}", call.request);
            assert!(!shown.contains(world::PASSWORD), "{} shows a secret", call.what);
        }
    }
}

#[test]
fn data_is_never_removed() {
    for kind in
        [Kind::SqlInstance, Kind::SqlDatabase, Kind::Bucket, Kind::Disk, Kind::Secret, Kind::SecretVersion]
    {
        assert!(!driver::deletable(kind), "{}", kind.name());
    }
}
