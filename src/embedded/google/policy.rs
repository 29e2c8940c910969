//! IAM policies: etags, normalisation as the services do it, and members that must exist.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::context::Cx;
use super::error::ApiError;
use super::store::text;

/// Limit of principals in one policy.
const MOST_PRINCIPALS: usize = 1500;
/// What a policy that nobody has written yet answers.
const FIRST_ETAG: &str = "ACAB";

/// The policy of the resource at `key`.
pub fn get(cx: &Cx, key: &str) -> Value {
    cx.world.get(&policy_key(key)).cloned().unwrap_or_else(|| json!({"version": 1, "etag": FIRST_ETAG}))
}

/// Where the policy of a resource is kept.
pub fn policy_key(key: &str) -> String {
    format!("{key}#iam")
}

/// `setIamPolicy`: the body has `policy` and perhaps `updateMask`. A stale etag is refused with 409 ABORTED;
/// no etag overwrites unconditionally. Errors: 400 for members that are malformed or do not exist.
pub fn set(cx: &mut Cx, key: &str, body: &Value) -> Result<Value, ApiError> {
    let policy = body.get("policy").ok_or_else(|| ApiError::invalid("Policy is missing."))?;
    let current = get(cx, key);
    let etag = text(policy, "etag");
    if !etag.is_empty() && etag != text(&current, "etag") {
        return Err(ApiError::aborted(
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential \
             backoff.",
        ));
    }
    let mut wanted = current;
    wanted["bindings"] = bindings(cx, policy)?;
    wanted["version"] = json!(policy["version"].as_i64().unwrap_or(1).max(1));
    // Without the mask the audit configuration is left alone.
    if text(body, "updateMask").contains("auditConfigs") {
        wanted["auditConfigs"] = policy.get("auditConfigs").cloned().unwrap_or_else(|| json!([]));
    }
    wanted["etag"] = json!(cx.world.next_etag());
    cx.world.put(policy_key(key), wanted.clone());
    Ok(wanted)
}

/// Bindings as the services keep them: equal roles merged, members lower-cased, sorted and single, none
/// empty.
pub fn bindings(cx: &Cx, policy: &Value) -> Result<Value, ApiError> {
    let mut merged: BTreeMap<(String, String), (Value, BTreeSet<String>)> = BTreeMap::new();
    for binding in policy["bindings"].as_array().into_iter().flatten() {
        let role = text(binding, "role").to_owned();
        if !role.starts_with("roles/") && !role.contains("/roles/") {
            return Err(ApiError::invalid(format!("Role {role} is not supported for this resource.")));
        }
        let condition = binding.get("condition").cloned().unwrap_or(Value::Null);
        if !condition.is_null() && policy["version"].as_i64() != Some(3) {
            return Err(ApiError::invalid("Policy version must be 3 when a binding has a condition."));
        }
        let entry =
            merged.entry((role, condition.to_string())).or_insert_with(|| (condition, BTreeSet::new()));
        for member in binding["members"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            entry.1.insert(member_as_kept(cx, member)?);
        }
    }
    let principals: usize = merged.values().map(|(_, members)| members.len()).sum();
    if principals > MOST_PRINCIPALS {
        return Err(ApiError::invalid(format!("Policy has more than {MOST_PRINCIPALS} principals.")));
    }
    let kept = merged.into_iter().filter(|(_, (_, members))| !members.is_empty());
    Ok(Value::Array(
        kept.map(|((role, _), (condition, members))| {
            let mut binding = json!({"role": role, "members": members});
            if !condition.is_null() {
                binding["condition"] = condition;
            }
            binding
        })
        .collect(),
    ))
}

fn member_as_kept(cx: &Cx, member: &str) -> Result<String, ApiError> {
    const KINDS: [&str; 8] = [
        "user:",
        "serviceAccount:",
        "group:",
        "domain:",
        "projectOwner:",
        "projectEditor:",
        "projectViewer:",
        "deleted:",
    ];
    if ["allUsers", "allAuthenticatedUsers"].contains(&member)
        || member.starts_with("principal://")
        || member.starts_with("principalSet://")
        || member.starts_with("deleted:")
    {
        return Ok(member.to_owned());
    }
    let kind = KINDS.iter().find(|kind| member.starts_with(**kind) && member.len() > kind.len());
    let Some(kind) = kind else {
        return Err(ApiError::invalid(format!("Invalid member {member}: no known kind of principal.")));
    };
    let name = &member[kind.len()..];
    if *kind != "serviceAccount:" {
        return Ok(format!("{kind}{}", name.to_lowercase()));
    }
    // The namespace and account of a workload identity keep their spelling.
    if name.contains('[') {
        return Ok(member.to_owned());
    }
    let email = name.to_lowercase();
    let ours = email.ends_with(&format!("@{}.iam.gserviceaccount.com", cx.site.project));
    if ours && !account_visible(cx, &email) {
        return Err(ApiError::invalid(format!("Service account {email} does not exist.")));
    }
    Ok(format!("{kind}{email}"))
}

/// Whether a service account of the project exists and can be seen already.
pub fn account_visible(cx: &Cx, email: &str) -> bool {
    let key = format!("iam/projects/{}/serviceAccounts/{email}", cx.site.project);
    let visible_at = cx.world.get(&key).map(|account| text(account, "_visibleAt").parse());
    matches!(visible_at, Some(Ok(at)) if cx.now >= at) || matches!(visible_at, Some(Err(_)))
}

/// Renames a deleted account in every policy.
pub fn forget_account(cx: &mut Cx, email: &str, unique_id: &str) {
    let (old, new) =
        (format!("serviceAccount:{email}"), format!("deleted:serviceAccount:{email}?uid={unique_id}"));
    cx.world.each_policy(|policy| {
        for binding in policy["bindings"].as_array_mut().into_iter().flatten() {
            for member in binding["members"].as_array_mut().into_iter().flatten() {
                if member.as_str() == Some(&old) {
                    *member = json!(new);
                }
            }
        }
    });
}

/// `testIamPermissions` of an embedded cloud: everything is allowed.
pub fn test(body: &Value) -> Value {
    json!({"permissions": body.get("permissions").cloned().unwrap_or_else(|| json!([]))})
}
