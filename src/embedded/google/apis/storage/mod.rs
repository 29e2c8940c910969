//! Cloud Storage, JSON API v1.

pub mod buckets;
pub mod directory;
pub mod download;
pub mod events;
pub mod listing;
pub mod notifications;
pub mod objects;
pub mod upload;

use serde_json::json;

use crate::embedded::google::context::Cx;
use crate::embedded::google::policy;
use crate::embedded::google::reply::{Answer, Reply};

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    if let ["storage", _, "b", bucket, "o", ..] | ["upload" | "download", _, _, "b", bucket, "o", ..] =
        path[..]
    {
        directory::scan(cx, bucket);
    }
    match path[..] {
        ["storage", "v1", "b"] => match method {
            "GET" => Some(buckets::list(cx)),
            "POST" => Some(buckets::insert(cx)),
            _ => None,
        },
        ["storage", "v1", "b", bucket] => match method {
            "GET" => Some(buckets::get(cx, bucket)),
            "PATCH" | "PUT" => Some(buckets::patch(cx, bucket, method == "PUT")),
            "DELETE" => Some(buckets::delete(cx, bucket)),
            _ => None,
        },
        ["storage", "v1", "b", bucket, "iam"] => match method {
            "GET" => Some(buckets::get_policy(cx, bucket)),
            "PUT" => Some(buckets::set_policy(cx, bucket)),
            _ => None,
        },
        ["storage", "v1", "b", bucket, "iam", "testPermissions"] if method == "GET" => {
            let asked: Vec<&str> = call
                .query
                .iter()
                .filter(|(name, _)| name == "permissions")
                .map(|(_, value)| value.as_str())
                .collect();
            let mut answer = policy::test(&json!({"permissions": asked}));
            answer["kind"] = json!("storage#testIamPermissionsResponse");
            Some(buckets::fetch(cx, bucket).map(|_| Reply::json(&answer)))
        }
        ["storage", "v1", "b", bucket, "notificationConfigs", ref rest @ ..] => {
            notifications::route(cx, bucket, rest)
        }
        ["storage", "v1", "projects", _, "serviceAccount"] if method == "GET" => {
            let email = format!("service-{}@gs-project-accounts.iam.gserviceaccount.com", cx.site.number);
            Some(Ok(Reply::json(&json!({"kind": "storage#serviceAccount", "email_address": email}))))
        }
        ["upload", "storage", "v1", "b", bucket, "o"] => upload::route(cx, bucket),
        ["storage", "v1", "b", bucket, "o"] if method == "GET" => Some(listing::list(cx, bucket)),
        ["storage", "v1", "b", bucket, "o", name] | ["download", "storage", "v1", "b", bucket, "o", name] => {
            match method {
                "GET" => Some(download::get(cx, bucket, name, path[0] == "download")),
                "PATCH" | "PUT" => Some(objects::patch(cx, bucket, name)),
                "DELETE" => Some(objects::delete(cx, bucket, name)),
                _ => None,
            }
        }
        ["storage", "v1", "b", bucket, "o", name, "rewriteTo" | "copyTo", "b", to_bucket, "o", to_name]
            if method == "POST" =>
        {
            Some(objects::copy(cx, (bucket, name), (to_bucket, to_name), path[6] == "rewriteTo"))
        }
        ["storage", "v1", "b", bucket, "o", name, "compose"] if method == "POST" => {
            Some(objects::compose(cx, bucket, name))
        }
        _ => None,
    }
}
