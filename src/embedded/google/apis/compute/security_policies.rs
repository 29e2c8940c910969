//! Cloud Armor policies: rules by priority, the last of which is always there.

use serde_json::{Value, json};

use super::{fetch, writes};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::mask;

/// The priority of the rule that catches the rest.
const DEFAULT_PRIORITY: i64 = 2_147_483_647;

/// Adds the default rule when the policy came without one.
pub fn prepare(document: &mut Value) {
    let mut rules = document["rules"].as_array().cloned().unwrap_or_default();
    if !rules.iter().any(|rule| rule["priority"] == json!(DEFAULT_PRIORITY)) {
        rules.push(json!({
            "action": "allow", "priority": DEFAULT_PRIORITY, "description": "default rule", "preview": false,
            "match": {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["*"]}},
        }));
    }
    document["rules"] = json!(rules);
    if document.get("type").is_none() {
        document["type"] = json!("CLOUD_ARMOR");
    }
}

/// `getRule`, `addRule`, `patchRule`, `removeRule`.
pub fn action(cx: &mut Cx, target: &str, action: &str) -> Option<Result<Value, ApiError>> {
    let priority = cx.call.query("priority").and_then(|priority| priority.parse::<i64>().ok()).unwrap_or(0);
    Some(match action {
        "getRule" => fetch(cx, target).and_then(|policy| {
            let at = find(&policy, priority)?;
            Ok(policy["rules"][at].clone())
        }),
        "addRule" | "patchRule" | "removeRule" => change(cx, target, action, priority),
        _ => return None,
    })
}

fn find(policy: &Value, priority: i64) -> Result<usize, ApiError> {
    let rules = policy["rules"].as_array();
    let at = rules.and_then(|rules| rules.iter().position(|rule| rule["priority"] == json!(priority)));
    at.ok_or_else(|| {
        ApiError::invalid(format!(
            "Invalid value for field 'priority': '{priority}'. The resource has no rule of this priority."
        ))
    })
}

fn change(cx: &mut Cx, target: &str, action: &str, priority: i64) -> Result<Value, ApiError> {
    let mut policy = fetch(cx, target)?;
    let body = cx.call.json()?;
    match action {
        "addRule" => {
            let new = body["priority"].as_i64().unwrap_or(0);
            if find(&policy, new).is_ok() {
                return Err(ApiError::invalid(format!(
                    "Invalid value for field 'resource.priority': '{new}'. Cannot have rules with the same \
                     priorities."
                )));
            }
            if let Some(rules) = policy["rules"].as_array_mut() {
                rules.push(body);
                rules.sort_by_key(|rule| rule["priority"].as_i64());
            }
        }
        "patchRule" => {
            let at = find(&policy, priority)?;
            mask::merge(&mut policy["rules"][at], &body);
        }
        _ => {
            let at = find(&policy, priority)?;
            if let Some(rules) = policy["rules"].as_array_mut() {
                rules.remove(at);
            }
        }
    }
    policy["fingerprint"] = json!(cx.world.next_etag());
    Ok(writes::commit(cx, target, action, policy))
}
