//! Pub/Sub v1 over REST: topics, subscriptions with pull and push, publish.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::tasks::seconds;
use crate::embedded::google::context::Cx;
use crate::embedded::google::delivery::{Backoff, Delivery, Kind};
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{set, text};
use crate::embedded::google::{crud, mask, policy};

const SERVICE: &str = "pubsub";

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    let ["v1", "projects", project, kind @ ("topics" | "subscriptions"), ref rest @ ..] = path[..] else {
        return None;
    };
    let collection = format!("projects/{project}/{kind}");
    let name = |id: &str| format!("{collection}/{id}");
    let result = match (method, rest) {
        ("GET", []) => crud::list(cx, SERVICE, &collection, kind),
        ("PUT", [id]) => create(cx, kind, &name(id)),
        ("GET", [id]) => crud::fetch(cx, SERVICE, &name(id)),
        ("PATCH", [id]) => patch(cx, kind, &name(id)),
        ("DELETE", [id]) => crud::remove(cx, SERVICE, &name(id)).map(|_| json!({})),
        ("GET", [id, ":getIamPolicy"]) => {
            crud::fetch(cx, SERVICE, &name(id)).map(|_| policy::get(cx, &format!("{SERVICE}/{}", name(id))))
        }
        ("POST", [id, ":setIamPolicy"]) => set_policy(cx, &name(id)),
        ("POST", [_, ":testIamPermissions"]) => cx.call.json().map(|body| policy::test(&body)),
        ("POST", [id, ":publish"]) if kind == "topics" => publish_all(cx, &name(id)),
        ("POST", [id, ":pull"]) if kind == "subscriptions" => pull(cx, &name(id)),
        ("POST", [id, ":acknowledge"]) if kind == "subscriptions" => acknowledge(cx, &name(id)),
        ("POST", [_, ":modifyAckDeadline"]) if kind == "subscriptions" => Ok(json!({})),
        ("GET", [id, "subscriptions"]) if kind == "topics" => {
            let names: Vec<Value> =
                subscriptions(cx, &name(id)).iter().map(|one| one["name"].clone()).collect();
            Ok(json!({"subscriptions": names}))
        }
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

fn set_policy(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    crud::fetch(cx, SERVICE, name)?;
    let body = cx.call.json()?;
    policy::set(cx, &format!("{SERVICE}/{name}"), &body)
}

fn create(cx: &mut Cx, kind: &str, name: &str) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let mut document = json!({});
    if kind == "subscriptions" {
        let topic = text(&body, "topic");
        if cx.world.get(&format!("{SERVICE}/{topic}")).is_none() {
            return Err(ApiError::not_found(format!("Resource not found (resource={topic}).")));
        }
        document = json!({"ackDeadlineSeconds": 10, "messageRetentionDuration": "604800s", "pushConfig": {},
                          "expirationPolicy": {"ttl": "2678400s"}, "state": "ACTIVE"});
    }
    mask::merge(&mut document, &body);
    let short = name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut document = crud::create(cx, SERVICE, name, document).map_err(|_| {
        ApiError::already_exists(format!("Resource already exists in the project (resource={short})."))
    })?;
    if let Some(fields) = document.as_object_mut() {
        fields.remove("createTime");
        fields.remove("updateTime");
    }
    cx.world.put(format!("{SERVICE}/{name}"), document.clone());
    Ok(document)
}

/// PATCH has the resource in `topic` or `subscription` and the mask in the body.
fn patch(cx: &mut Cx, kind: &str, name: &str) -> Result<Value, ApiError> {
    let mut document = crud::fetch(cx, SERVICE, name)?;
    let body = cx.call.json()?;
    let changes = body.get(kind.trim_end_matches('s')).cloned().unwrap_or_else(|| json!({}));
    let update_mask = body["updateMask"].as_str();
    let update_mask = update_mask.ok_or_else(|| ApiError::invalid("The update_mask is missing."))?;
    mask::update(&mut document, &changes, Some(update_mask));
    document["name"] = json!(name);
    cx.world.put(format!("{SERVICE}/{name}"), document.clone());
    Ok(document)
}

fn publish_all(cx: &mut Cx, topic: &str) -> Result<Value, ApiError> {
    crud::fetch(cx, SERVICE, topic)?;
    let body = cx.call.json()?;
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    if messages.is_empty() {
        return Err(ApiError::invalid("The value for message_count is too small."));
    }
    let ids: Vec<String> = messages.into_iter().map(|message| publish(cx, topic, message)).collect();
    Ok(json!({"messageIds": ids}))
}

/// Publishes a message: kept for tests, queued for every subscription. Answers its id.
pub fn publish(cx: &mut Cx, topic: &str, mut message: Value) -> String {
    let id = (10_000_000_000_000 + cx.world.next_number()).to_string();
    set(&mut message, json!({"messageId": id, "publishTime": cx.stamp()}));
    cx.world.put(format!("{SERVICE}/{topic}/messages/{id}"), message.clone());
    for subscription in subscriptions(cx, topic) {
        let name = text(&subscription, "name").to_owned();
        match text(&subscription["pushConfig"], "pushEndpoint") {
            "" => cx.world.put(format!("{SERVICE}/{name}/backlog/messages/{id}"), message.clone()),
            url => {
                let delivery = push(cx, &subscription, &message, url);
                cx.world.queue(delivery);
            }
        }
    }
    id
}

fn subscriptions(cx: &Cx, topic: &str) -> Vec<Value> {
    let project = topic.split('/').take(2).collect::<Vec<_>>().join("/");
    let all = crud::all(cx, SERVICE, &format!("{project}/subscriptions"));
    all.into_iter().filter(|subscription| text(subscription, "topic") == topic).collect()
}

fn push(cx: &Cx, subscription: &Value, message: &Value, url: &str) -> Delivery {
    let name = text(subscription, "name").to_owned();
    let mut wrapped = message.clone();
    wrapped["message_id"] = message["messageId"].clone();
    wrapped["publish_time"] = message["publishTime"].clone();
    let token = subscription["pushConfig"].get("oidcToken").map(|token| {
        let audience = Some(text(token, "audience")).filter(|audience| !audience.is_empty()).unwrap_or(url);
        (text(token, "serviceAccountEmail").to_owned(), audience.to_owned())
    });
    let retry = &subscription["retryPolicy"];
    Delivery {
        id: 0,
        kind: Kind::Push { subscription: name.clone() },
        due: cx.now,
        attempts: 0,
        responses: 0,
        in_flight: false,
        url: url.to_owned(),
        method: "POST".into(),
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("user-agent".into(), "CloudPubSub-Google".into()),
        ],
        body: BASE64_STANDARD.encode(json!({"message": wrapped, "subscription": name}).to_string()),
        token,
        backoff: Backoff {
            first_secs: seconds(text(retry, "minimumBackoff")).unwrap_or(10.0),
            most_secs: seconds(text(retry, "maximumBackoff")).unwrap_or(600.0),
            ..Backoff::events()
        },
    }
}

fn pull(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    crud::fetch(cx, SERVICE, name)?;
    let most = cx.call.json()?["maxMessages"].as_u64().unwrap_or(1);
    let backlog = crud::all(cx, SERVICE, &format!("{name}/backlog/messages"));
    let received = backlog.into_iter().take(usize::try_from(most).unwrap_or(1)).map(|message| {
        let id = message["messageId"].clone();
        json!({"ackId": id, "message": message})
    });
    Ok(json!({"receivedMessages": received.collect::<Vec<_>>()}))
}

fn acknowledge(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    for id in body["ackIds"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        cx.world.take(&format!("{SERVICE}/{name}/backlog/messages/{id}"));
    }
    Ok(json!({}))
}
