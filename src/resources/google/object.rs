//! Objects of the backup bucket that the reconciler writes itself: the first and the last of a backup, and markers.
//!
//! Identity: `b/<bucket>/o/<name>`, the name with its slashes. Written once under `ifGenerationMatch=0`, so that two
//! workers never write two; never compared. Removed at the generation that was seen (Cloud Storage v1).

use serde_json::Value;

use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::{Document, ResourceId};

use super::descriptor::{Create, Descriptor, Precondition, READ_ONLY, Update};

/// Cloud Storage v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "storage.googleapis.com",
    base: "storage/v1",
    get: "storage.objects.get",
    create: Create::Custom(create),
    update: Update::Never("it is written once"),
    delete: Some(DELETE),
    delete_precondition: Precondition::None,
    ..READ_ONLY
};

const DELETE: &str = "storage.objects.delete";

/// The call that lists what lies below a prefix.
pub fn list(bucket: &str, prefix: &str) -> GoogleRequest {
    let path = format!("storage/v1/b/{bucket}/o");
    let mut call = DESCRIPTOR.call(Method::Get, path, "storage.objects.list");
    call.query.push(("prefix", prefix.to_owned()));
    call
}

/// The call that removes the object that was seen, for good only as far as the bucket keeps no versions.
pub fn delete(id: &ResourceId, seen: &Value) -> Option<GoogleRequest> {
    let (bucket, name) = parts(id)?;
    let generation = seen.get("generation")?.as_str()?.to_owned();
    let path = format!("storage/v1/b/{bucket}/o/{}", segment(name));
    let mut call = DESCRIPTOR.call(Method::Delete, path, DELETE);
    call.query.push(("ifGenerationMatch", generation));
    Some(call)
}

fn create(id: &ResourceId, desired: &Document) -> GoogleRequest {
    let (bucket, name) = parts(id).unwrap_or_default();
    let path = format!("upload/storage/v1/b/{bucket}/o");
    let mut call = DESCRIPTOR.call(Method::Post, path, "storage.objects.insert");
    call.query =
        vec![("uploadType", "media".into()), ("name", name.to_owned()), ("ifGenerationMatch", "0".into())];
    call.body = Body::Document(desired.clone());
    call
}

fn parts(id: &ResourceId) -> Option<(&str, &str)> {
    id.name.strip_prefix("b/")?.split_once("/o/")
}

/// A name as one part of a path. Our names have nothing else that would need it.
fn segment(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F").replace(' ', "%20").replace('?', "%3F").replace('#', "%23")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::google::{Kind, driver};

    fn id() -> ResourceId {
        ResourceId::google(Kind::Object, "b/app-backups/o/prod/20261126T020000Z/manifest.json")
    }

    #[test]
    fn an_object_is_made_only_where_there_is_none() {
        let call = driver::create(&id(), &Document::new(json!({"version": 1})), 1);
        assert_eq!(call.path, "upload/storage/v1/b/app-backups/o");
        assert!(call.query.contains(&("ifGenerationMatch", "0".into())));
        assert!(call.query.contains(&("name", "prod/20261126T020000Z/manifest.json".into())));
    }

    #[test]
    fn only_the_generation_that_was_seen_is_removed() {
        let call = driver::delete(&id(), &json!({"generation": "7"})).expect("it may go");
        assert_eq!(call.path, "storage/v1/b/app-backups/o/prod%2F20261126T020000Z%2Fmanifest.json");
        assert_eq!(call.query, [("ifGenerationMatch", "7".to_owned())]);
        assert!(driver::delete(&id(), &json!({})).is_none());
    }
}
