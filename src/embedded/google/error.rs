//! Google's JSON error bodies, in both families: AIP style with `status` and `details`, and the older style
//! of Compute, Cloud SQL and Cloud Storage with an `errors` list and camel-case reasons.

use serde_json::{Value, json};

use super::reply::Reply;

/// What an API refuses with.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// Canonical code, such as `NOT_FOUND`.
    pub status: &'static str,
    /// The older APIs' reason, such as `notFound`.
    pub reason: &'static str,
    /// The text for a person.
    pub message: String,
    /// AIP details, each with its `@type`.
    pub details: Vec<Value>,
}

impl ApiError {
    /// An error with everything spelled out.
    pub fn new(code: u16, status: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, status, reason, message: message.into(), details: Vec::new() }
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "NOT_FOUND", "notFound", message)
    }

    /// 409: the name is taken.
    pub fn already_exists(message: impl Into<String>) -> Self {
        Self::new(409, "ALREADY_EXISTS", "alreadyExists", message)
    }

    /// 409: somebody else was quicker.
    pub fn aborted(message: impl Into<String>) -> Self {
        Self::new(409, "ABORTED", "conflict", message)
    }

    /// 400: the request makes no sense whatever the state.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", "invalid", message)
    }

    /// 400: the request would make sense in another state.
    pub fn failed_precondition(message: impl Into<String>) -> Self {
        Self::new(400, "FAILED_PRECONDITION", "failedPrecondition", message)
    }

    /// 412: a generation, metageneration or fingerprint is stale.
    pub fn condition_not_met(message: impl Into<String>) -> Self {
        Self::new(412, "FAILED_PRECONDITION", "conditionNotMet", message)
    }

    /// 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "PERMISSION_DENIED", "forbidden", message)
    }

    /// 500: the embedded cloud itself is in trouble (a directory it may not write, for instance).
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "INTERNAL", "backendError", message)
    }

    /// Adds one detail.
    pub fn with_detail(mut self, detail: Value) -> Self {
        self.details.push(detail);
        self
    }

    /// The refusal of a call to an API the project has not enabled.
    pub fn service_disabled(service: &str, project_number: &str) -> Self {
        let address = format!(
            "https://console.developers.google.com/apis/api/{service}/overview?project={project_number}"
        );
        let message = format!(
            "{service} has not been used in project {project_number} before or it is disabled. Enable it by \
             visiting {address} then retry. If you enabled this API recently, wait a few minutes for the \
             action to propagate to our systems and retry."
        );
        Self::new(403, "PERMISSION_DENIED", "accessNotConfigured", message).with_detail(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "SERVICE_DISABLED",
            "domain": "googleapis.com",
            "metadata": {"service": service, "consumer": format!("projects/{project_number}"),
                         "containerInfo": project_number},
        }))
    }

    /// The response as the API at `host` would send it.
    pub fn reply(&self, host: &str) -> Reply {
        Reply::json_with_status(self.code, &self.body(host))
    }

    fn body(&self, host: &str) -> Value {
        let older = ["compute.", "sqladmin.", "storage."].iter().any(|start| host.starts_with(start));
        let mut error = json!({"code": self.code, "message": self.message});
        if older {
            error["errors"] = json!([{"message": self.message, "domain": "global", "reason": self.reason}]);
        }
        // Cloud Storage never sends a canonical status.
        if !older || (!self.details.is_empty() && !host.starts_with("storage.")) {
            error["status"] = json!(self.status);
        }
        if !self.details.is_empty() {
            error["details"] = json!(self.details);
        }
        json!({"error": error})
    }
}
