//! IAM v1: service accounts and their policies.

use serde_json::{Value, json};

use crate::embedded::google::context::{Cx, after, stamp};
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{stable_number, text};
use crate::embedded::google::{crud, mask, policy};

const SERVICE: &str = "iam";

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    let ["v1", "projects", project, "serviceAccounts", ref rest @ ..] = path[..] else { return None };
    let result = match (method, rest) {
        ("GET", []) => accounts(cx),
        ("POST", []) => create(cx, project),
        (_, [id, rest @ ..]) => match find(cx, id) {
            Err(error) => Err(error),
            Ok(account) => of_account(cx, method, rest, &account)?,
        },
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

fn of_account(cx: &mut Cx, method: &str, rest: &[&str], account: &Value) -> Option<Result<Value, ApiError>> {
    let name = text(account, "name").to_owned();
    let key = format!("{SERVICE}/{name}");
    Some(match (method, rest) {
        ("GET", []) => Ok(account.clone()),
        ("PATCH", []) => patch(cx, &key, account),
        ("DELETE", []) => {
            cx.world.remove_tree(&key);
            policy::forget_account(cx, text(account, "email"), text(account, "uniqueId"));
            Ok(json!({}))
        }
        ("POST", [":getIamPolicy"]) => Ok(policy::get(cx, &key)),
        ("POST", [":setIamPolicy"]) => cx.call.json().and_then(|body| policy::set(cx, &key, &body)),
        ("POST", [":testIamPermissions"]) => cx.call.json().map(|body| policy::test(&body)),
        ("POST", [verb @ (":enable" | ":disable")]) => {
            let mut account = account.clone();
            account["disabled"] = json!(*verb == ":disable");
            cx.world.put(key, account);
            Ok(json!({}))
        }
        _ => return None,
    })
}

fn accounts(cx: &mut Cx) -> Result<Value, ApiError> {
    let all = crud::all(cx, SERVICE, &format!("projects/{}/serviceAccounts", cx.site.project));
    let visible = all.into_iter().filter(|account| policy::account_visible(cx, text(account, "email")));
    crate::embedded::google::list::cut(cx.call, "accounts", visible.collect())
}

/// An account by email or unique id, once it can be seen.
fn find(cx: &Cx, id: &str) -> Result<Value, ApiError> {
    let all = crud::all(cx, SERVICE, &format!("projects/{}/serviceAccounts", cx.site.project));
    let found = all.into_iter().find(|account| {
        (text(account, "email") == id || text(account, "uniqueId") == id)
            && policy::account_visible(cx, text(account, "email"))
    });
    found.ok_or_else(|| ApiError::not_found(format!("Unknown service account: {id}")))
}

fn create(cx: &mut Cx, project: &str) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let id = text(&body, "accountId").to_owned();
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let starts = id.chars().next().is_some_and(|letter| letter.is_ascii_lowercase());
    if !(6..=30).contains(&id.len()) || !id.chars().all(plain) || !starts || id.ends_with('-') {
        return Err(ApiError::invalid(
            "Request contains an invalid argument: account_id must be 6 to 30 lower-case letters, digits and \
             dashes.",
        ));
    }
    if project != cx.site.project {
        return Err(ApiError::forbidden(format!(
            "Permission denied on project {project} (or it may not exist)."
        )));
    }
    let email = format!("{id}@{project}.iam.gserviceaccount.com");
    let key = format!("{SERVICE}/projects/{project}/serviceAccounts/{email}");
    if cx.world.get(&key).is_some() {
        return Err(ApiError::already_exists(format!(
            "Service account {id} already exists within project projects/{project}."
        )));
    }
    // A new account under an old email is another principal.
    let unique = stable_number(&format!("{email}{}", cx.world.next_number()));
    let mut account = json!({
        "name": format!("projects/{project}/serviceAccounts/{email}"), "projectId": project,
        "uniqueId": unique,
        "email": email, "oauth2ClientId": unique, "etag": cx.world.next_etag(),
        "_visibleAt": stamp(after(cx.now, cx.site.delays.service_account)),
    });
    mask::merge(&mut account, &body["serviceAccount"]);
    cx.world.put(key, account.clone());
    Ok(account)
}

/// PATCH has the account and the mask in the body.
fn patch(cx: &mut Cx, key: &str, account: &Value) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let mut account = account.clone();
    mask::update(&mut account, &body["serviceAccount"], body["updateMask"].as_str());
    account["etag"] = json!(cx.world.next_etag());
    cx.world.put(key, account.clone());
    Ok(account)
}
