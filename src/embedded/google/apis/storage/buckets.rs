//! Buckets and their policies, whose etag is the bucket's metageneration.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{set, text};
use crate::embedded::google::{list, mask, policy, precondition};

/// The store's key of a bucket.
pub fn key(bucket: &str) -> String {
    format!("storage/b/{bucket}")
}

/// The bucket, or 404.
pub fn fetch(cx: &Cx, bucket: &str) -> Result<Value, ApiError> {
    let found = cx.world.get(&key(bucket)).cloned();
    found.ok_or_else(|| ApiError::not_found("The specified bucket does not exist."))
}

/// `buckets.list`.
pub fn list(cx: &mut Cx) -> Answer {
    let prefix = cx.call.query("prefix").unwrap_or_default();
    let items = cx.world.children("storage/b").map(|(_, bucket)| bucket);
    let items = items.filter(|bucket| text(bucket, "name").starts_with(prefix)).cloned().collect();
    let mut answer = list::cut(cx.call, "items", items)?;
    answer["kind"] = json!("storage#buckets");
    Ok(Reply::json(&answer))
}

/// `buckets.insert`.
pub fn insert(cx: &mut Cx) -> Answer {
    cx.call.required("project")?;
    let body = cx.call.json()?;
    let name = text(&body, "name").to_owned();
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_.".contains(letter);
    if name.len() < 3 || name.len() > 63 || !name.chars().all(plain) {
        return Err(ApiError::invalid(format!("Invalid bucket name: '{name}'")));
    }
    if cx.world.get(&key(&name)).is_some() {
        return Err(ApiError::new(
            409,
            "ALREADY_EXISTS",
            "conflict",
            "Your previous request to create the named bucket succeeded and you already own it.",
        ));
    }
    let bucket = create(cx, &name, body);
    Ok(Reply::json(&bucket))
}

/// Makes a bucket with the defaults of the service.
pub fn create(cx: &mut Cx, name: &str, body: Value) -> Value {
    let mut bucket = json!({
        "location": "US",
        "storageClass": "STANDARD",
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": false},
                             "publicAccessPrevention": "inherited"},
        "softDeletePolicy": {"retentionDurationSeconds": "604800"},
    });
    mask::merge(&mut bucket, &body);
    let location = text(&bucket, "location").to_uppercase();
    let kind = if ["US", "EU", "ASIA"].contains(&location.as_str()) { "multi-region" } else { "region" };
    set(
        &mut bucket,
        json!({
            "kind": "storage#bucket", "id": name, "name": name, "location": location, "locationType": kind,
            "projectNumber": cx.site.number, "metageneration": "1",
            "generation": cx.world.next_generation(cx.now).to_string(),
            "etag": etag(1), "timeCreated": cx.stamp(), "updated": cx.stamp(),
            "selfLink": format!("https://www.googleapis.com/storage/v1/b/{name}"),
        }),
    );
    cx.world.put(key(name), bucket.clone());
    let project = &cx.site.project;
    let owners = [format!("projectEditor:{project}"), format!("projectOwner:{project}")];
    let bindings = json!([
        {"role": "roles/storage.legacyBucketOwner", "members": owners},
        {"role": "roles/storage.legacyBucketReader", "members": [format!("projectViewer:{project}")]},
    ]);
    cx.world.put(policy::policy_key(&key(name)), json!({"version": 1, "bindings": bindings}));
    bucket
}

/// `buckets.get`.
pub fn get(cx: &mut Cx, bucket: &str) -> Answer {
    let found = fetch(cx, bucket)?;
    match precondition::check(cx.call, Some(&found))? {
        precondition::Verdict::Met => Ok(Reply::json(&found)),
        precondition::Verdict::NotModified => Ok(Reply::empty(304)),
    }
}

/// `buckets.patch` and `buckets.update`.
pub fn patch(cx: &mut Cx, name: &str, whole: bool) -> Answer {
    let mut bucket = fetch(cx, name)?;
    precondition::check(cx.call, Some(&bucket))?;
    let mut body = cx.call.json()?;
    for fixed in
        ["name", "id", "metageneration", "generation", "projectNumber", "timeCreated", "kind", "selfLink"]
    {
        body[fixed] = bucket[fixed].clone();
    }
    if whole {
        let location = bucket["location"].clone();
        bucket = body;
        bucket["location"] = location;
    } else {
        // Lifecycle and the like are replaced whole.
        for list in ["lifecycle", "cors", "logging", "website"] {
            if body.get(list).is_some()
                && let Some(bucket) = bucket.as_object_mut()
            {
                bucket.remove(list);
            }
        }
        mask::merge(&mut bucket, &body);
    }
    touch(cx, &mut bucket);
    cx.world.put(key(name), bucket.clone());
    Ok(Reply::json(&bucket))
}

fn touch(cx: &Cx, bucket: &mut Value) {
    let next = metageneration(bucket) + 1;
    set(bucket, json!({"metageneration": next.to_string(), "etag": etag(next), "updated": cx.stamp()}));
}

fn metageneration(bucket: &Value) -> u64 {
    text(bucket, "metageneration").parse().unwrap_or(1)
}

/// `buckets.delete`: refused while anything is in it, noncurrent versions included.
pub fn delete(cx: &mut Cx, name: &str) -> Answer {
    let bucket = fetch(cx, name)?;
    precondition::check(cx.call, Some(&bucket))?;
    let full =
        ["o", "v"].iter().any(|kind| cx.world.below(&format!("{}/{kind}/", key(name))).next().is_some());
    if full {
        let message = "The bucket you tried to delete is not empty.";
        return Err(ApiError::new(409, "FAILED_PRECONDITION", "conflict", message));
    }
    if cx.site.directories.contains_key(name) {
        return Err(ApiError::forbidden("A bucket that is a directory cannot be deleted."));
    }
    cx.world.remove_tree(&key(name));
    Ok(Reply::empty(204))
}

/// `buckets.getIamPolicy`.
pub fn get_policy(cx: &mut Cx, name: &str) -> Answer {
    let bucket = fetch(cx, name)?;
    Ok(Reply::json(&policy_answer(cx, name, &bucket)))
}

fn policy_answer(cx: &Cx, name: &str, bucket: &Value) -> Value {
    let mut answer = policy::get(cx, &key(name));
    set(
        &mut answer,
        json!({"kind": "storage#policy", "resourceId": format!("projects/_/buckets/{name}"),
               "etag": etag(metageneration(bucket))}),
    );
    answer
}

/// `buckets.setIamPolicy`: the body is the policy itself; a stale etag is 412.
pub fn set_policy(cx: &mut Cx, name: &str) -> Answer {
    let mut bucket = fetch(cx, name)?;
    let wanted = cx.call.json()?;
    let given = text(&wanted, "etag");
    if !given.is_empty() && given != etag(metageneration(&bucket)) {
        return Err(ApiError::condition_not_met(
            "At least one of the pre-conditions you specified did not hold.",
        ));
    }
    let bindings = policy::bindings(cx, &wanted)?;
    let version = wanted["version"].as_i64().unwrap_or(1).max(1);
    cx.world.put(policy::policy_key(&key(name)), json!({"version": version, "bindings": bindings}));
    touch(cx, &mut bucket);
    cx.world.put(key(name), bucket.clone());
    Ok(Reply::json(&policy_answer(cx, name, &bucket)))
}

/// The etag of a metageneration: a protobuf with the number in field 1, in base64 (`CAE=` is 1).
pub fn etag(number: u64) -> String {
    let mut bytes = vec![0x08];
    let mut rest = number;
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        bytes.push(if rest == 0 { low } else { low | 0x80 });
        if rest == 0 {
            break;
        }
    }
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_etag_of_the_first_metageneration_is_the_real_one() {
        assert_eq!(super::etag(1), "CAE=");
    }
}
