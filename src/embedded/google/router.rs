//! Which API answers a call.

use serde_json::json;

use super::apis;
use super::call::Call;
use super::context::Cx;
use super::error::ApiError;
use super::reply::{Answer, Reply};

/// APIs that refuse calls of a project that has not enabled them. Cloud Storage, Service Usage, IAM
/// credentials and the metadata server always answer.
const REFUSING: [&str; 17] = [
    "artifactregistry",
    "binaryauthorization",
    "certificatemanager",
    "clouddeploy",
    "cloudresourcemanager",
    "cloudscheduler",
    "cloudtasks",
    "compute",
    "container",
    "containeranalysis",
    "iam",
    "monitoring",
    "pubsub",
    "secretmanager",
    "servicenetworking",
    "sqladmin",
    "eventarc",
];

/// Ends of the hosts that speak the registry protocol.
const REGISTRIES: [&str; 5] = ["-docker.pkg.dev", "docker.io", "gcr.io", "ghcr.io", "quay.io"];

/// Answers the call, or nothing when no API knows the path.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let host = cx.call.host.clone();
    let service = host.split('.').next().unwrap_or_default();
    if cx.site.strict_apis && REFUSING.contains(&service) && !apis::service_usage::enabled(cx, &host) {
        return Some(Err(ApiError::service_disabled(&host, &cx.site.number)));
    }
    match service {
        "serviceusage" => apis::service_usage::route(cx),
        "cloudresourcemanager" => apis::resource_manager::route(cx),
        "iam" => apis::iam::route(cx),
        "compute" => apis::compute::route(cx),
        "container" => apis::container::route(cx),
        "sqladmin" => apis::sql::route(cx),
        "secretmanager" => apis::secret_manager::route(cx),
        "storage" => apis::storage::route(cx),
        "cloudtasks" => apis::tasks::route(cx),
        "cloudscheduler" => apis::scheduler::route(cx),
        "pubsub" => apis::pubsub::route(cx),
        "artifactregistry" => apis::artifact_registry::route(cx),
        "certificatemanager" => apis::certificate_manager::route(cx),
        "servicenetworking" => apis::service_networking::route(cx),
        "monitoring" => apis::monitoring::route(cx),
        "binaryauthorization" => apis::attestation::binary_authorization(cx),
        "containeranalysis" => apis::attestation::container_analysis(cx),
        "cloudbuild" => apis::delivery::build(cx),
        "clouddeploy" => apis::delivery::deploy(cx),
        "registry" => apis::registry::route(cx),
        _ if REGISTRIES.iter().any(|end| host.ends_with(end)) => apis::registry::route(cx),
        "metadata" | "oauth2" | "www" => apis::metadata::route(cx),
        _ => None,
    }
}

/// 404 that names the path.
pub fn unknown(call: &Call) -> Reply {
    let path = format!("{} {}{}", call.method, call.host, call.path);
    Reply::json_with_status(
        404,
        &json!({"error": {"code": 404, "status": "NOT_FOUND",
                          "message": format!("The embedded cloud does not know {path}")}}),
    )
}
