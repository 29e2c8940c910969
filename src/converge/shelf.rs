//! Looking at the shelf: what lies in the backup bucket. One list call, which the objects' content is no part of.

use serde_json::Value;

use crate::backup;
use crate::cloud::Cloud;
use crate::inventory::{Inventory, Sighting};
use crate::resources::{Kind, ResourceId, google, kubernetes};

use super::Scene;

/// Notes every object of the deployment's shelf, once the bucket is there. What could not be listed stays unknown, and
/// then nothing is begun, removed or restored.
pub async fn look(cloud: &Cloud, scene: &Scene, seen: &mut Inventory) {
    let context = scene.context(seen);
    let bucket = backup::bucket(&context);
    if !backup::is_concerned(&scene.spec) || seen.body(&google::bucket::id(&bucket)).is_none() {
        return;
    }
    let kind = Kind::Google(google::Kind::Object);
    let request = google::object::list(&bucket, &backup::prefix(&context));
    let listing = match cloud.google.list_all(&request).await {
        Ok(listing) => listing,
        Err(error) => {
            tracing::warn!(%error, bucket, "the backups could not be listed");
            return;
        }
    };
    for item in listing.pages.iter().filter_map(|page| page.get("items")?.as_array()).flatten() {
        let Some(name) = item.get("name").and_then(Value::as_str) else { continue };
        let id = ResourceId::google(google::Kind::Object, format!("b/{bucket}/o/{name}"));
        seen.note(id, Sighting::Present(item.clone()));
    }
    seen.listed.insert((kind, format!("b/{bucket}")));
}

/// Notes that what should lie on the shelf and was not listed is not there. What should depends on the cluster too, so
/// this comes after looking at it.
pub fn note_absent(scene: &Scene, seen: &mut Inventory) {
    let kind = Kind::Google(google::Kind::Object);
    if !seen.listed.contains(&(kind, format!("b/{}", backup::bucket(&scene.context(seen))))) {
        return;
    }
    let wanted = kubernetes::declare(&scene.context(seen)).into_iter().map(|declared| declared.id);
    let absent: Vec<ResourceId> =
        wanted.filter(|id| id.kind == kind && seen.sighting(id).is_none()).collect();
    for id in absent {
        seen.note(id, Sighting::Absent);
    }
}
