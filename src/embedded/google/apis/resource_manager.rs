//! Cloud Resource Manager v1 and v3: the project and its policy.

use serde_json::{Value, json};

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::policy;
use crate::embedded::google::reply::{Answer, Reply};

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    let result = match (method, &path[..]) {
        ("GET", ["v1", "projects", id]) => fetch(cx, id).map(|_| first_edition(cx)),
        ("GET", ["v3", "projects", id]) => fetch(cx, id),
        ("POST", ["v1" | "v3", "projects", id, ":getIamPolicy"]) => {
            fetch(cx, id).map(|_| policy::get(cx, &key(&cx.site.project)))
        }
        ("POST", ["v1" | "v3", "projects", id, ":setIamPolicy"]) => set_policy(cx, id),
        ("POST", ["v1" | "v3", "projects", _, ":testIamPermissions"]) => {
            cx.call.json().map(|body| policy::test(&body))
        }
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

/// The store's key of a project.
pub fn key(project: &str) -> String {
    format!("cloudresourcemanager/projects/{project}")
}

/// The project by id or number; 403 for any other, as for one the caller may not see.
fn fetch(cx: &Cx, id: &str) -> Result<Value, ApiError> {
    let ours = id == cx.site.project || id == cx.site.number;
    let found = cx.world.get(&key(&cx.site.project)).filter(|_| ours).cloned();
    found.ok_or_else(|| {
        ApiError::forbidden(format!(
            "Permission 'resourcemanager.projects.get' denied on resource \
             '//cloudresourcemanager.googleapis.com/projects/{id}' (or it may not exist)."
        ))
    })
}

fn first_edition(cx: &Cx) -> Value {
    json!({"projectId": cx.site.project, "projectNumber": cx.site.number, "name": cx.site.project,
           "lifecycleState": "ACTIVE", "createTime": "2024-01-01T00:00:00Z"})
}

fn set_policy(cx: &mut Cx, id: &str) -> Result<Value, ApiError> {
    fetch(cx, id)?;
    let body = cx.call.json()?;
    let key = key(&cx.site.project);
    policy::set(cx, &key, &body)
}
