//! The metadata server, the token endpoint and the key set of the ID tokens.

use serde_json::json;

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::token::KEY_SET;

/// Answers a call, or nothing for a path the server does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let flavored = |reply: Reply| Some(Ok(reply.with_header("metadata-flavor", "Google")));
    let plain = |text: &str| flavored(Reply::text(200, text));
    let account = format!("dify-reconciler@{}.iam.gserviceaccount.com", cx.site.project);
    match path[..] {
        ["oauth2", "v3", "certs"] => {
            Some(Ok(Reply::json_with_status(200, &serde_json::from_str(KEY_SET).unwrap_or_default())
                .with_header("cache-control", "public, max-age=3600")))
        }
        // oauth2.googleapis.com/token
        ["token"] => Some(Ok(access_token())),
        [""] | ["computeMetadata"] | ["computeMetadata", "v1", ""] => plain("computeMetadata/"),
        ["computeMetadata", "v1", ref rest @ ..] => {
            if call.header("metadata-flavor") != Some("Google") {
                return Some(Err(ApiError::forbidden("Missing Metadata-Flavor:Google header.")));
            }
            match rest {
                ["universe", "universe-domain" | "universe_domain"] => plain("googleapis.com"),
                ["project", "project-id"] => plain(&cx.site.project),
                ["project", "numeric-project-id"] => plain(&cx.site.number),
                ["instance", "zone"] => plain(&format!("projects/{}/zones/us-central1-a", cx.site.number)),
                ["instance", "region"] => plain(&format!("projects/{}/regions/us-central1", cx.site.number)),
                ["instance", "service-accounts", _, "token"] => flavored(access_token()),
                ["instance", "service-accounts", _, "email"] => plain(&account),
                ["instance", "service-accounts", _, "scopes"] => {
                    plain("https://www.googleapis.com/auth/cloud-platform")
                }
                ["instance", "service-accounts", _, "identity"] => {
                    let audience = match call.required("audience") {
                        Ok(audience) => audience,
                        Err(error) => return Some(Err(error)),
                    };
                    match cx.site.signer.id_token(&account, audience, cx.now) {
                        Some(token) => plain(&token),
                        None => Some(Err(ApiError::internal("The token could not be signed."))),
                    }
                }
                ["instance", "service-accounts", _] | ["instance", "service-accounts", _, ""] => {
                    flavored(Reply::json(&json!({"email": account, "aliases": ["default"],
                        "scopes": ["https://www.googleapis.com/auth/cloud-platform"]})))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn access_token() -> Reply {
    Reply::json(
        &json!({"access_token": "embedded-cloud-access-token", "expires_in": 3599, "token_type": "Bearer"}),
    )
}
