//! Cloud Storage buckets: Dify's files, the plugin daemon's, backups, and the user's own.
//!
//! Identity: `b/<bucket>`. Desired: versioning, seven days of soft delete, no public access, no object ACLs,
//! lifecycle. Dify's bucket holds the RSA keys that model credentials are encrypted with: losing it makes them
//! unreadable even if the database is restored (module defect D-8). Compare: every field given. Changes carry
//! `ifMetagenerationMatch`. Never removed (Cloud Storage v1).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::plan::GoogleRequest;
use crate::resources::{Context, Declared, Document, ResourceId, Wait, facts};
use crate::slice::Slice;
use crate::spec::types::{LifecycleRule, StorageBucket};

use super::descriptor::{Create, Descriptor, Precondition, READ_ONLY, Update};
use super::{Kind, declared, labels, patch, ready_or_waiting, request};

/// Cloud Storage v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "storage.googleapis.com",
    base: "storage/v1",
    get: "storage.buckets.get",
    create: Create::Custom(create),
    update: Update::Merged { method_id: "storage.buckets.patch", precondition: Precondition::Metageneration },
    labels: Some("/labels"),
    written_once: &["/project"],
    immutable: &[("/location", "a bucket cannot move; copy its objects into another one")],
    delete: Some("storage.buckets.delete"),
    delete_precondition: Precondition::Metageneration,
    data_store: true,
    ..READ_ONLY
};

/// Seconds that a deleted object can be restored: the service's own default.
const SOFT_DELETE_SECS: u64 = 604_800;

/// Days that an overwritten or deleted version is kept, so that versions do not pile up for ever.
const NONCURRENT_DAYS: u32 = 30;

/// Days that what was swept out of the backup bucket can still be had back.
const BACKUP_NONCURRENT_DAYS: u32 = 3;

/// Name ends of the buckets that every deployment has.
pub const OWN: [&str; 3] = ["storage", "plugin", "backups"];

/// The address of a bucket.
pub fn id(bucket: &str) -> ResourceId {
    ResourceId::google(Kind::Bucket, format!("b/{bucket}"))
}

/// Every bucket.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let own = OWN.into_iter().map(|suffix| (context.names.bucket(suffix), own(context, suffix)));
    let theirs =
        user_buckets(context).into_iter().map(|bucket| (name(context, bucket), users(context, bucket)));
    own.chain(theirs)
        .map(|(name, body)| declared(context, id(&name), Slice::Storage, ready_or_waiting(body), Vec::new()))
        .collect()
}

/// The user's buckets that are to be made, without those that have the name of one of ours.
pub fn user_buckets<'a>(context: &Context<'a>) -> Vec<&'a StorageBucket> {
    if !context.spec.create_cloud_storage {
        return Vec::new();
    }
    let mut taken: BTreeSet<String> = OWN.iter().map(|suffix| context.names.bucket(suffix)).collect();
    context.spec.storage_buckets.iter().filter(|bucket| taken.insert(name(context, bucket))).collect()
}

/// The name of a user's bucket.
pub fn name(context: &Context<'_>, bucket: &StorageBucket) -> String {
    bucket.name.clone().unwrap_or_else(|| context.names.bucket(&bucket.name_suffix))
}

fn own(context: &Context<'_>, suffix: &str) -> Result<Value, Wait> {
    // Backups go by their retention, manifest first and never the last; a bucket's rule by age knows nothing of that.
    let days = if suffix == "backups" { BACKUP_NONCURRENT_DAYS } else { NONCURRENT_DAYS };
    let rules = json!([{"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": days}}]);
    Ok(body(context, &StorageBucket::default(), facts::region(context)?, rules))
}

fn users(context: &Context<'_>, bucket: &StorageBucket) -> Result<Value, Wait> {
    let location = match &bucket.location {
        Some(location) => location.clone(),
        None => facts::region(context)?,
    };
    let rules = bucket.lifecycle_rules.iter().flatten().map(rule).collect();
    let mut body = body(context, bucket, location, rules);
    if let Some(cors) = &bucket.cors {
        body["cors"] = cors.iter().map(camel).collect();
    }
    Ok(body)
}

fn body(context: &Context<'_>, bucket: &StorageBucket, location: String, rules: Value) -> Value {
    let retention = bucket.soft_delete_retention_seconds.unwrap_or(SOFT_DELETE_SECS);
    json!({
        // Not a field of the bucket but a parameter of the call that makes it.
        "project": context.names.project,
        "location": location.to_ascii_uppercase(),
        "storageClass": bucket.storage_class.as_deref().unwrap_or("STANDARD"),
        "labels": labels::all(context),
        "versioning": {"enabled": bucket.versioning_enabled.unwrap_or(true)},
        "softDeletePolicy": {"retentionDurationSeconds": retention.to_string()},
        "iamConfiguration": {
            "publicAccessPrevention": bucket.public_access_prevention.as_deref().unwrap_or("enforced"),
            "uniformBucketLevelAccess": {"enabled": bucket.uniform_bucket_level_access.unwrap_or(true)},
        },
        "lifecycle": {"rule": rules},
    })
}

fn rule(rule: &LifecycleRule) -> Value {
    let LifecycleRule { action, condition } = rule;
    let mut made = json!({"action": {"type": action.kind}, "condition": {}});
    if let Some(class) = &action.storage_class {
        made["action"]["storageClass"] = class.as_str().into();
    }
    let is_live = condition.with_state.as_deref().and_then(|state| match state {
        "LIVE" => Some(true),
        "ARCHIVED" => Some(false),
        _ => None,
    });
    let fields: [(&str, Option<Value>); 7] = [
        ("age", condition.age.map(Value::from)),
        ("createdBefore", condition.created_before.clone().map(Value::from)),
        ("isLive", is_live.map(Value::from)),
        ("matchesStorageClass", condition.matches_storage_class.clone().map(Value::from)),
        ("numNewerVersions", condition.num_newer_versions.map(Value::from)),
        ("daysSinceCustomTime", condition.days_since_custom_time.map(Value::from)),
        ("daysSinceNoncurrentTime", condition.days_since_noncurrent_time.map(Value::from)),
    ];
    for (field, value) in fields {
        if let Some(value) = value {
            made["condition"][field] = value;
        }
    }
    made
}

/// A CORS rule with the module's field names in the API's spelling.
fn camel(rule: &Value) -> Value {
    let fields = rule.as_object().into_iter().flatten();
    let renamed: Map<String, Value> = fields
        .map(|(field, value)| {
            let field = match field.as_str() {
                "response_header" => "responseHeader",
                "max_age_seconds" => "maxAgeSeconds",
                other => other,
            };
            (field.to_owned(), value.clone())
        })
        .collect();
    Value::Object(renamed)
}

fn create(id: &ResourceId, desired: &Document) -> GoogleRequest {
    let mut body = desired.wire().clone();
    let project = body.as_object_mut().and_then(|fields| fields.remove("project"));
    patch::put(&mut body, "/name", id.short_name().into());
    let mut call = request::post(&DESCRIPTOR, id, "storage.buckets.insert", body);
    call.query.push(("project", project.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()));
    call
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Body;
    use crate::resources::google::driver;
    use crate::spec::types::{LifecycleAction, LifecycleCondition};

    #[test]
    fn the_project_is_a_parameter_of_the_creation() {
        let call =
            driver::create(&id("files"), &Document::new(json!({"project": "p-1", "location": "EU"})), 1);
        assert_eq!((call.path.as_str(), &call.query), ("storage/v1/b", &vec![("project", "p-1".to_owned())]));
        let Body::Document(body) = call.body else { panic!("no body") };
        assert_eq!(*body.wire(), json!({"location": "EU", "name": "files"}));
    }

    #[test]
    fn a_change_is_tied_to_the_metageneration() {
        let desired = Document::new(json!({"versioning": {"enabled": true}, "labels": {"tenant": "demo"}}));
        let seen =
            json!({"metageneration": "4", "versioning": {"enabled": false}, "labels": {"tenant": "demo"}});
        let changes = driver::compare(Kind::Bucket, &desired, &seen);
        let call = driver::update(&id("files"), &desired, &seen, &changes, 1).unwrap();
        assert_eq!(call.query, [("ifMetagenerationMatch", "4".to_owned())]);
        assert!(driver::update(&id("files"), &desired, &json!({}), &changes, 1).is_err());
    }

    #[test]
    fn a_lifecycle_rule_is_spelled_as_the_api_does() {
        let made = rule(&LifecycleRule {
            action: LifecycleAction {
                kind: "SetStorageClass".into(),
                storage_class: Some("NEARLINE".into()),
            },
            condition: LifecycleCondition { with_state: Some("ARCHIVED".into()), ..Default::default() },
        });
        assert_eq!(
            made,
            json!({"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"},
                                "condition": {"isLive": false}})
        );
    }
}
