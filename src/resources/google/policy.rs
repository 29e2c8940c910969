//! IAM policies: bindings of ours that must be contained, never those of others removed.
//!
//! Services lower-case members, merge equal roles and sort them, so members are compared that way. A write
//! sends the policy as it was seen plus what is missing, tied to its etag: an empty etag would overwrite
//! whatever somebody else has granted meanwhile.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Change, Document, ResourceId};

use super::descriptor::Descriptor;
use super::request;

/// The etag of a policy that nobody has written yet. A policy that was not seen is only ever written under
/// this one, so that a policy with bindings is never overwritten.
const NEVER_WRITTEN: &str = "ACAB";

/// A desired policy: these members have these roles.
pub fn document(bindings: &[(&str, Vec<String>)]) -> Document {
    let bindings: Vec<Value> =
        bindings.iter().map(|(role, members)| json!({"role": role, "members": members})).collect();
    Document::new(json!({ "bindings": bindings }))
}

/// The call that reads the policy of a resource, conditions included.
pub fn read(descriptor: &Descriptor, method: Method, id: &ResourceId) -> GoogleRequest {
    let mut call = descriptor.call(method, descriptor.path(&id.name, ":getIamPolicy"), descriptor.get);
    call.query.push(("options.requestedPolicyVersion", "3".into()));
    call
}

/// The call that writes the policy of a resource.
pub fn set(
    descriptor: &Descriptor,
    id: &ResourceId,
    method_id: &'static str,
    policy: Value,
) -> GoogleRequest {
    request::on(descriptor, id, ":setIamPolicy", method_id, json!({ "policy": policy }))
}

/// The members that lack a role.
pub fn compare(desired: &Document, seen: &Value) -> Vec<Change> {
    missing(desired, seen)
        .into_iter()
        .map(|(role, member)| Change {
            path: format!("/bindings/{}", role.replace('/', "~1")),
            from: None,
            to: Some(member),
        })
        .collect()
}

/// The seen policy with what is missing added.
///
/// # Errors
/// When the seen policy has no etag.
pub fn complete(desired: &Document, seen: &Value) -> Result<Value, String> {
    if seen.get("etag").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err("the policy was read without an etag, so that a change could not be tied to it".into());
    }
    let mut policy = seen.clone();
    let mut bindings: Vec<Value> = list(seen, "bindings").to_vec();
    for (role, member) in missing(desired, seen) {
        match bindings.iter_mut().find(|binding| is_plain(binding, &role)) {
            Some(binding) => {
                let mut members = list(binding, "members").to_vec();
                members.push(member.into());
                binding["members"] = members.into();
            }
            None => bindings.push(json!({"role": role, "members": [member]})),
        }
    }
    let conditional = bindings.iter().any(|binding| binding.get("condition").is_some());
    policy["version"] = json!(if conditional { 3 } else { 1 });
    policy["bindings"] = bindings.into();
    if let Some(fields) = policy.as_object_mut() {
        fields.remove("kind");
        fields.remove("resourceId");
    }
    Ok(policy)
}

/// A first policy: the bindings of ours, written only if there are none yet.
pub fn first(desired: &Document) -> Value {
    let mut policy = desired.wire().clone();
    policy["etag"] = NEVER_WRITTEN.into();
    policy["version"] = 1.into();
    policy
}

/// The seen policy without these members in these roles, and what went; `None` when none of them is in it.
pub fn without(desired: &Document, seen: &Value) -> Option<(Vec<Change>, Value)> {
    let mut changes = Vec::new();
    let mut policy = seen.clone();
    let bindings = policy.get_mut("bindings")?.as_array_mut()?;
    for ours in list(desired.wire(), "bindings") {
        let (role, gone) = (text(ours, "role"), list(ours, "members"));
        let is_gone = |member: &Value| {
            gone.iter().any(|gone| {
                gone.as_str().map(str::to_ascii_lowercase) == member.as_str().map(str::to_ascii_lowercase)
            })
        };
        for binding in bindings.iter_mut().filter(|binding| is_plain(binding, role)) {
            let (out, kept): (Vec<Value>, Vec<Value>) =
                list(binding, "members").iter().cloned().partition(is_gone);
            let path = format!("/bindings/{}", role.replace('/', "~1"));
            changes.extend(out.iter().filter_map(Value::as_str).map(|member| Change {
                path: path.clone(),
                from: Some(member.to_owned()),
                to: None,
            }));
            binding["members"] = kept.into();
        }
    }
    bindings.retain(|binding| !list(binding, "members").is_empty());
    (!changes.is_empty()).then_some((changes, policy))
}

fn missing(desired: &Document, seen: &Value) -> Vec<(String, String)> {
    let present: BTreeSet<(String, String)> = list(seen, "bindings")
        .iter()
        .filter(|binding| binding.get("condition").is_none())
        .flat_map(pairs)
        .collect();
    let mut missing = Vec::new();
    for binding in list(desired.wire(), "bindings") {
        for member in list(binding, "members").iter().filter_map(Value::as_str) {
            let role = text(binding, "role");
            if !present.contains(&(role.to_owned(), member.to_ascii_lowercase())) {
                missing.push((role.to_owned(), member.to_owned()));
            }
        }
    }
    missing
}

fn pairs(binding: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    let members = list(binding, "members").iter().filter_map(Value::as_str);
    members.map(|member| (text(binding, "role").to_owned(), member.to_ascii_lowercase()))
}

fn is_plain(binding: &Value, role: &str) -> bool {
    text(binding, "role") == role && binding.get("condition").is_none()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Document {
        document(&[("roles/cloudsql.client", vec!["serviceAccount:A@p.iam.gserviceaccount.com".into()])])
    }

    #[test]
    fn a_member_is_found_however_it_is_spelled() {
        let seen = json!({"etag": "x", "bindings": [{"role": "roles/cloudsql.client",
            "members": ["user:b@example.com", "serviceAccount:a@p.iam.gserviceaccount.com"]}]});
        // The service keeps the member's prefix as it is and lower-cases the address.
        assert!(compare(&ours(), &seen).is_empty());
    }

    #[test]
    fn a_conditional_binding_is_not_ours() {
        let seen = json!({"etag": "x", "bindings": [{"role": "roles/cloudsql.client", "condition": {"expression": "false"},
            "members": ["serviceAccount:a@p.iam.gserviceaccount.com"]}]});
        assert_eq!(compare(&ours(), &seen).len(), 1);
        let policy = complete(&ours(), &seen).unwrap();
        assert_eq!(policy["version"], 3);
        assert_eq!(policy["bindings"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn what_others_granted_stays() {
        let seen = json!({"etag": "x", "version": 1, "auditConfigs": [{"service": "allServices"}],
            "bindings": [{"role": "roles/cloudsql.client", "members": ["user:b@example.com"]},
                         {"role": "roles/owner", "members": ["user:c@example.com"]}]});
        let policy = complete(&ours(), &seen).unwrap();
        assert_eq!(policy["etag"], "x");
        assert_eq!(policy["bindings"][0]["members"].as_array().map(Vec::len), Some(2));
        assert_eq!(policy["bindings"][1]["role"], "roles/owner");
        assert!(compare(&ours(), &policy).is_empty());
    }

    #[test]
    fn only_ours_go_again() {
        let seen = json!({"etag": "x", "bindings": [{"role": "roles/cloudsql.client",
            "members": ["user:b@example.com", "serviceAccount:a@p.iam.gserviceaccount.com"]}]});
        let (changes, policy) = without(&ours(), &seen).unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!(policy["bindings"][0]["members"], json!(["user:b@example.com"]));
        assert!(without(&ours(), &policy).is_none());
    }

    #[test]
    fn nothing_is_written_without_an_etag() {
        assert!(complete(&ours(), &json!({"bindings": []})).is_err());
        assert_eq!(first(&ours())["etag"], "ACAB");
    }
}
