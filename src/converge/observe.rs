//! Looking: what there is in the project, the cluster and the registries.
//!
//! What has to be read depends on what was read (the cluster on the network, the databases on the
//! instance), so looking goes on until nothing new has to be read. Calls of one turn run side by side.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use crate::cloud::{Cloud, ClusterAddress, Kubernetes, Listing};
use crate::error::CloudError;
use crate::images;
use crate::inventory::{Inventory, Payload, Sighting};
use crate::plan::{self, GoogleRequest};
use crate::resources::google::reading::{self, Covers, Read};
use crate::resources::{self, Kind, Readiness, ResourceId, google, kubernetes};
use crate::rotation;
use crate::spec::types::Sensitive;

use super::Scene;
use super::execute::Memory;

/// Turns after which looking stops even if something new could be read; the chain discovery, instance,
/// databases, addresses needs four.
const MAX_TURNS: usize = 6;

/// How many lines of a failed Job's log are kept.
const LOG_LINES: usize = 20;

/// Looks at everything the deployment consists of. What cannot be read is noted as unreadable.
pub async fn observe(cloud: &Cloud, scene: &Scene, memory: &mut Memory, now: Timestamp) -> Inventory {
    let mut seen = Inventory::begun(now, scene.orders.clone());
    seen.rotation_topic.clone_from(&cloud.rotation_topic);
    seen.reminders.extend(scene.hint.as_ref().and_then(|hint| hint.reminder()));
    memory.refresh(cloud, &mut seen).await;
    let mut made = BTreeMap::new();
    let (told, ()) =
        futures::join!(super::images::ask(cloud, scene), google_turns(cloud, scene, &mut seen, &mut made));
    (seen.registry, seen.sources) = told;
    super::attest::look(cloud, scene, &mut seen).await;
    super::shelf::look(cloud, scene, &mut seen).await;
    let (client, copied) =
        futures::join!(reach(cloud, scene, &seen), super::mirror::list(cloud, scene, &seen));
    memory.cluster = client;
    seen.mirror.copied = copied;
    // Before the cluster: which Jobs there should be depends on what the instance has done.
    if let Some(read) = operations(scene, &seen) {
        let answer = answer(cloud, &read).await;
        take_in(&read, answer, &mut seen);
    }
    if let Some(client) = &memory.cluster {
        cluster(client, scene, &mut seen).await;
        // Which versions of a key have to be read depends on what is still shown of it.
        google_turns(cloud, scene, &mut seen, &mut made).await;
    }
    judge_images(scene, &mut seen);
    // What is to be copied depends on what was decided, and what runs on what is copied.
    super::mirror::look(cloud, scene, &mut seen).await;
    seen
}

/// The read that tells what keeps the SQL instance busy. Only who has something to write there has to know.
fn operations(scene: &Scene, seen: &Inventory) -> Option<Read> {
    let context = scene.context(seen);
    let plan = plan::plan(&google::declare(&context), seen, i64::MAX);
    let written = plan.steps.iter().map(|step| step.resource.kind);
    let awaited = plan.pending.iter().map(|pending| pending.resource.kind);
    let kinds =
        [google::Kind::SqlInstance, google::Kind::SqlDatabase, google::Kind::SqlUser].map(Kind::Google);
    let unsettled = written.chain(awaited).any(|kind| kinds.contains(&kind));
    // A rotation recognises by them that a password was set.
    (unsettled || rotation::sight::is_watched(&context))
        .then(|| reading::operations(&google::sql_instance::id(&context)))
}

/// Decides which digest each image has to have; what is declared depends on it.
fn judge_images(scene: &Scene, seen: &mut Inventory) {
    let (spec, names, record) = (&scene.spec, &scene.names, &scene.images.record);
    let asked = &scene.asked_version;
    seen.images = images::judge(&images::Known { spec, asked, names, seen, record });
    seen.digests = seen.images.digests.clone();
}

/// Reads what is wanted, and nothing twice: `made` has what each read said of what it did not mention.
async fn google_turns(
    cloud: &Cloud,
    scene: &Scene,
    seen: &mut Inventory,
    made: &mut BTreeMap<String, Sighting>,
) {
    for _ in 0..MAX_TURNS {
        let ids = wanted(scene, seen);
        let (again, fresh): (Vec<Read>, Vec<Read>) = reading::reads(&scene.names.project, &ids)
            .into_iter()
            .partition(|read| made.contains_key(&key(&read.request)));
        // A list that was read already also tells about a resource that is only wanted since then.
        for read in &again {
            note_rest(&read.covers, &ids, seen, &made[&key(&read.request)]);
        }
        if fresh.is_empty() {
            return;
        }
        let answers = join_all(fresh.iter().map(|read| answer(cloud, read))).await;
        for (read, answer) in fresh.iter().zip(answers) {
            let rest = take_in(read, answer, seen);
            note_rest(&read.covers, &ids, seen, &rest);
            made.insert(key(&read.request), rest);
        }
    }
}

/// Google resources that are declared, or were known once, and that nobody has looked at yet.
fn wanted(scene: &Scene, seen: &Inventory) -> BTreeSet<ResourceId> {
    let context = scene.context(seen);
    let declared = google::declare(&context).into_iter().map(|declared| declared.id);
    let declared = declared.chain(google::looked_at(&context));
    let known = scene.known.iter().filter(|id| is_lasting(id)).cloned();
    declared.chain(known).filter(|id| seen.sighting(id).is_none()).collect()
}

/// Whether a resource that was known once is worth looking at when nothing declares it any more.
fn is_lasting(id: &ResourceId) -> bool {
    matches!(id.kind, Kind::Google(kind) if kind != google::Kind::Object && kind.descriptor().delete.is_some())
}

fn key(request: &GoogleRequest) -> String {
    format!("{:?} {}/{} {:?}", request.method, request.host, request.path, request.query)
}

async fn answer(cloud: &Cloud, read: &Read) -> Result<Listing, CloudError> {
    match read.covers {
        Covers::One(_) => {
            let body = cloud.google.call(&read.request).await?;
            Ok(Listing { pages: vec![body], missing: Vec::new() })
        }
        _ => cloud.google.list_all(&read.request).await,
    }
}

/// Notes what an answer tells, and says what is the case with everything it does not mention.
fn take_in(read: &Read, answer: Result<Listing, CloudError>, seen: &mut Inventory) -> Sighting {
    match (&read.covers, answer) {
        (Covers::One(id), Ok(listing)) => {
            for body in listing.pages {
                note(id.clone(), body, seen);
            }
            Sighting::Absent
        }
        (Covers::All(kind, parent), Ok(listing)) => {
            for page in &listing.pages {
                for (id, body) in reading::items(*kind, parent, page) {
                    note(id, body, seen);
                }
            }
            seen.listed.insert((Kind::Google(*kind), parent.clone()));
            match listing.missing.as_slice() {
                [] => Sighting::Absent,
                missing => Sighting::Unreadable(format!("{} could not be asked", missing.join(", "))),
            }
        }
        (_, Err(error)) if error.is_not_found() => Sighting::Absent,
        (_, Err(error)) if error.reason == "SERVICE_DISABLED" => {
            Sighting::Unreadable("its API is not enabled yet".into())
        }
        (_, Err(error)) => Sighting::Unreadable(error.to_string()),
    }
}

/// Notes the same about everything that a read was to tell about and did not.
fn note_rest(covers: &Covers, ids: &BTreeSet<ResourceId>, seen: &mut Inventory, sighting: &Sighting) {
    let untold: Vec<&ResourceId> =
        ids.iter().filter(|id| reading::covered(covers, id) && seen.sighting(id).is_none()).collect();
    for id in untold {
        seen.note(id.clone(), sighting.clone());
    }
}

/// Notes a body; a secret version's payload goes where nothing prints it.
fn note(id: ResourceId, mut body: Value, seen: &mut Inventory) {
    if id.kind == Kind::Google(google::Kind::SecretVersion) {
        let secret = id.name.trim_end_matches("/versions").to_owned();
        if let Some(payload) = payload(&body) {
            seen.payloads.insert(secret, payload);
        }
        if let Some(fields) = body.as_object_mut() {
            fields.remove("payload");
        }
    }
    seen.note(id, Sighting::Present(body));
}

fn payload(body: &Value) -> Option<Payload> {
    let version = body.get("name")?.as_str()?.rsplit('/').next()?.parse().ok()?;
    let data = STANDARD.decode(body.pointer("/payload/data")?.as_str()?).ok()?;
    Some(Payload { version, content: Sensitive::new(String::from_utf8(data).ok()?) })
}

/// The cluster's client, once the cluster has been found.
async fn reach(cloud: &Cloud, scene: &Scene, seen: &Inventory) -> Option<Kubernetes> {
    let cluster = resources::facts::cluster(&scene.context(seen)).ok()?;
    let address = ClusterAddress::of(seen.body(&cluster.id)?)?;
    match cloud.kubernetes(&address).await {
        Ok(client) => Some(client),
        Err(error) => {
            tracing::warn!(%error, cluster = %cluster.id, "the cluster's API cannot be reached");
            None
        }
    }
}

/// Looks at the cluster: the namespace, every kind of object of ours in it, and logs of failed Jobs.
async fn cluster(client: &Kubernetes, scene: &Scene, seen: &mut Inventory) {
    let namespace = scene.names.namespace(&scene.spec);
    let selector = format!("dify-reconciler/deployment={}", scene.names.deployment);
    let listings = join_all(kubernetes::Kind::ALL.into_iter().map(|kind| {
        let (namespace, selector) = (&namespace, &selector);
        async move { (kind, client.list(kind, namespace, selector).await) }
    }));
    seen.cluster_reachable = true;
    for (kind, listing) in listings.await {
        let rest = match listing {
            Ok(objects) => {
                take_in_objects(kind, objects, seen);
                Sighting::Absent
            }
            Err(error) => {
                seen.cluster_reachable = false;
                Sighting::Unreadable(error.to_string())
            }
        };
        seen.note_rest(Kind::Kubernetes(kind), rest);
    }
    log_tails(client, seen).await;
}

/// `None` means that the cluster does not serve the kind, which is the same as having no object of it.
fn take_in_objects(kind: kubernetes::Kind, objects: Option<Vec<Value>>, seen: &mut Inventory) {
    for object in objects.unwrap_or_default() {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = ResourceId::kubernetes(kind, &text("/metadata/namespace"), &text("/metadata/name"));
        seen.note(id, Sighting::Present(object));
    }
}

async fn log_tails(client: &Kubernetes, seen: &mut Inventory) {
    let kind = Kind::Kubernetes(kubernetes::Kind::Job);
    let failed: Vec<ResourceId> = seen
        .of_kind(kind)
        .filter(|(_, body)| {
            let readiness = kubernetes::driver::readiness(kubernetes::Kind::Job, body);
            matches!(readiness, Readiness::Failed(_))
        })
        .map(|(id, _)| id.clone())
        .collect();
    for id in failed {
        match client.pod_log_tail(id.namespace(), id.short_name(), LOG_LINES).await {
            Ok(tail) => seen.log_tails.extend(tail.map(|tail| (id, tail))),
            Err(error) => tracing::warn!(%error, job = %id, "the Job's log could not be read"),
        }
    }
}
