//! Looking at the shelf: what lies in the backup bucket. One list call, which the objects' content is no part of.

use serde_json::Value;

use crate::backup;
use crate::cloud::Cloud;
use crate::inventory::{Inventory, Sighting};
use crate::resources::{Kind, ResourceId, google};

use super::Scene;

/// Notes every object of the deployment's shelf, once the bucket is there. What could not be listed stays unknown, and
/// then nothing is begun, removed or restored.
pub async fn look(cloud: &Cloud, scene: &Scene, seen: &mut Inventory) {
    let context = scene.context(seen);
    if !backup::is_concerned(&scene.spec) || !backup::has_bucket(&context) {
        return;
    }
    let bucket = backup::bucket(&context);
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
    seen.note_rest(kind, Sighting::Absent);
}
