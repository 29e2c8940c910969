//! Long-running operations: recognising one in an answer, where to look for it, and how it stands.

use serde_json::Value;

use crate::inventory::OperationState;
use crate::plan::GoogleRequest;

/// Where an operation is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRef {
    /// Host of its API.
    pub host: &'static str,
    /// Path with the API's base: `v1/projects/p/operations/x`.
    pub path: String,
}

/// The operation that a call started; `None` when it was done at once.
pub fn operation_of(request: &GoogleRequest, answer: &Value) -> Option<OperationRef> {
    if !matches!(operation_state(answer)?, OperationState::Running) {
        return None;
    }
    let name = answer.get("name")?.as_str()?;
    let path = if name.contains('/') {
        let version = request.path.split('/').next()?;
        format!("{version}/{name}")
    } else {
        bare_path(request, answer, name)?
    };
    Some(OperationRef { host: request.host, path })
}

/// How an answer's operation stands; `None` when the answer is not an operation.
pub fn operation_state(answer: &Value) -> Option<OperationState> {
    let ended = match answer.get("status").and_then(Value::as_str) {
        // Cloud SQL, Compute and GKE.
        Some(status) if is_legacy(answer) => status == "DONE",
        // The general form leaves `done` out while it is false.
        _ if is_general(answer) => answer.get("done").and_then(Value::as_bool).unwrap_or(false),
        _ => return None,
    };
    if !ended {
        return Some(OperationState::Running);
    }
    Some(failure(answer).map_or(OperationState::Done, OperationState::Failed))
}

/// Reason and message of an operation that ended badly.
pub fn operation_error(answer: &Value) -> Option<(String, String)> {
    let error = answer.get("error").filter(|error| !error.is_null())?;
    // Cloud SQL and Compute list errors; the general form and GKE have one.
    let listed = error.get("errors").and_then(Value::as_array);
    let one = std::slice::from_ref(error);
    let errors = listed.map_or(one, Vec::as_slice);
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let reason = text(errors.first().and_then(|error| error.get("code")));
    let messages: Vec<String> = errors.iter().map(|error| text(error.get("message"))).collect();
    Some((reason, messages.join("; ")))
}

fn failure(answer: &Value) -> Option<String> {
    let (reason, message) = operation_error(answer)?;
    Some(super::scrub::text(&if reason.is_empty() { message } else { format!("{reason}: {message}") }))
}

fn is_legacy(answer: &Value) -> bool {
    let kind = answer.get("kind").and_then(Value::as_str).unwrap_or_default();
    matches!(kind, "sql#operation" | "compute#operation") || answer.get("operationType").is_some()
}

/// `{"name": "…operations/…", "done", "metadata", "error" | "response"}`.
fn is_general(answer: &Value) -> bool {
    let name = answer.get("name").and_then(Value::as_str).unwrap_or_default();
    name.starts_with("operations/") || name.contains("/operations/")
}

/// The path of an operation that is only named, not addressed.
fn bare_path(request: &GoogleRequest, answer: &Value, name: &str) -> Option<String> {
    let (base, below) = request.path.split_once("projects/")?;
    let project = below.split(['/', ':']).next()?;
    let place = |field: &str| answer.get(field).and_then(Value::as_str).map(last_part);
    let path = match request.host {
        "sqladmin.googleapis.com" => format!("{base}projects/{project}/operations/{name}"),
        "compute.googleapis.com" => match (place("zone"), place("region")) {
            (Some(zone), _) => format!("{base}projects/{project}/zones/{zone}/operations/{name}"),
            (None, Some(region)) => format!("{base}projects/{project}/regions/{region}/operations/{name}"),
            (None, None) => format!("{base}projects/{project}/global/operations/{name}"),
        },
        "container.googleapis.com" => {
            let asked = below.split_once("locations/").and_then(|(_, rest)| rest.split('/').next());
            let location = place("location").or_else(|| place("zone")).or(asked)?;
            format!("{base}projects/{project}/locations/{location}/operations/{name}")
        }
        _ => return None,
    };
    Some(path)
}

fn last_part(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Body, Method};
    use serde_json::json;

    fn path(host: &'static str, path: &str, answer: Value) -> Option<String> {
        let (path, query) = (path.to_owned(), Vec::new());
        let request =
            GoogleRequest { method: Method::Post, host, path, query, body: Body::Empty, method_id: "x" };
        operation_of(&request, &answer).map(|operation| operation.path)
    }

    #[test]
    fn each_family_is_found_where_it_lives() {
        let compute = |place: Value| {
            let mut answer = json!({"kind": "compute#operation", "name": "o", "status": "RUNNING"});
            answer.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
            answer
        };
        let url = "https://www.googleapis.com/compute/v1/projects/p";
        for (host, asked, answer, found) in [
            (
                "sqladmin.googleapis.com",
                "v1/projects/p/instances",
                json!({"kind": "sql#operation", "name": "o", "status": "PENDING", "operationType": "CREATE"}),
                "v1/projects/p/operations/o",
            ),
            (
                "compute.googleapis.com",
                "compute/v1/projects/p/zones/z/disks",
                compute(json!({"zone": format!("{url}/zones/z")})),
                "compute/v1/projects/p/zones/z/operations/o",
            ),
            (
                "compute.googleapis.com",
                "compute/v1/projects/p/regions/r/addresses",
                compute(json!({"region": format!("{url}/regions/r")})),
                "compute/v1/projects/p/regions/r/operations/o",
            ),
            (
                "compute.googleapis.com",
                "compute/v1/projects/p/global/addresses",
                compute(json!({})),
                "compute/v1/projects/p/global/operations/o",
            ),
            (
                "container.googleapis.com",
                "v1/projects/p/locations/l/clusters/c",
                json!({"name": "operation-1", "operationType": "UPDATE_CLUSTER", "status": "RUNNING"}),
                "v1/projects/p/locations/l/operations/operation-1",
            ),
            (
                "artifactregistry.googleapis.com",
                "v1/projects/p/locations/l/repositories",
                json!({"name": "projects/p/locations/l/operations/o"}),
                "v1/projects/p/locations/l/operations/o",
            ),
            (
                "serviceusage.googleapis.com",
                "v1/projects/p/services:batchEnable",
                json!({"name": "operations/acat.1", "done": false}),
                "v1/operations/acat.1",
            ),
            (
                "cloudresourcemanager.googleapis.com",
                "v3/projects/p",
                json!({"name": "operations/1"}),
                "v3/operations/1",
            ),
        ] {
            assert_eq!(path(host, asked, answer).as_deref(), Some(found));
        }
    }

    #[test]
    fn what_is_done_at_once_is_not_followed() {
        let noop = json!({"name": "operations/noop.DONE_OPERATION", "done": true, "response": {}});
        assert_eq!(path("serviceusage.googleapis.com", "v1/projects/p/services:batchEnable", noop), None);
        // Resources that only look a little like an operation.
        for resource in [
            json!({"name": "projects/p/secrets/s"}),
            json!({"name": "c", "status": "RUNNING", "location": "l"}),
            json!({"name": "a", "kind": "compute#address", "status": "RESERVED"}),
        ] {
            assert_eq!(operation_state(&resource), None, "{resource}");
        }
    }

    #[test]
    fn an_end_is_told_good_from_bad() {
        let failed = |answer: Value| match operation_state(&answer) {
            Some(OperationState::Failed(text)) => text,
            other => format!("{other:?}"),
        };
        let listed = json!({"errors": [{"code": "A", "message": "a"}, {"code": "B", "message": "b"}]});
        assert_eq!(
            failed(json!({"kind": "compute#operation", "status": "DONE", "error": listed})),
            "A: a; b"
        );
        let general = json!({"name": "operations/1", "done": true, "error": {"code": 9, "message": "m"}});
        assert_eq!(failed(general), "9: m");
        assert_eq!(failed(json!({"kind": "sql#operation", "status": "DONE"})), "Some(Done)");
    }
}
