//! Notification configurations of a bucket. Creating one twice makes two, as in production.

use serde_json::{Value, json};

use super::buckets;
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};

/// Answers the calls below `notificationConfigs`.
pub fn route(cx: &mut Cx, bucket: &str, rest: &[&str]) -> Option<Answer> {
    match (cx.call.method.as_str(), rest) {
        ("GET", []) => Some(list(cx, bucket)),
        ("POST", []) => Some(insert(cx, bucket)),
        ("GET", [id]) => Some(fetch(cx, bucket, id).map(|found| Reply::json(&found))),
        ("DELETE", [id]) => Some(fetch(cx, bucket, id).map(|_| {
            cx.world.take(&key(bucket, id));
            Reply::empty(204)
        })),
        _ => None,
    }
}

/// The configurations of a bucket.
pub fn all(cx: &Cx, bucket: &str) -> Vec<Value> {
    cx.world.children(&format!("storage/b/{bucket}/n")).map(|(_, config)| config.clone()).collect()
}

fn key(bucket: &str, id: &str) -> String {
    format!("storage/b/{bucket}/n/{id}")
}

fn fetch(cx: &Cx, bucket: &str, id: &str) -> Result<Value, ApiError> {
    let found = cx.world.get(&key(bucket, id)).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("Notification {id} not found.")))
}

fn list(cx: &mut Cx, bucket: &str) -> Answer {
    buckets::fetch(cx, bucket)?;
    let mut answer = json!({"kind": "storage#notifications"});
    let items = all(cx, bucket);
    if !items.is_empty() {
        answer["items"] = json!(items);
    }
    Ok(Reply::json(&answer))
}

fn insert(cx: &mut Cx, bucket: &str) -> Answer {
    buckets::fetch(cx, bucket)?;
    let mut config = cx.call.json()?;
    let topic = config["topic"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches("//pubsub.googleapis.com/")
        .to_owned();
    if cx.world.get(&format!("pubsub/{topic}")).is_none() {
        return Err(ApiError::invalid(format!(
            "Cloud Pub/Sub topic {topic} does not exist or cannot be used."
        )));
    }
    let id = (1..).map(|id: u32| id.to_string()).find(|id| cx.world.get(&key(bucket, id)).is_none());
    let id = id.unwrap_or_default();
    config["kind"] = json!("storage#notification");
    config["id"] = json!(id);
    config["topic"] = json!(format!("//pubsub.googleapis.com/{topic}"));
    config["etag"] = json!(id);
    config["selfLink"] =
        json!(format!("https://www.googleapis.com/storage/v1/b/{bucket}/notificationConfigs/{id}"));
    cx.world.put(key(bucket, &id), config.clone());
    Ok(Reply::json(&config))
}
