//! Typed shapes of the Gateway API and of GKE's policies, as far as they are used here.
//!
//! Sources: Gateway API v1.3 (`gateway.networking.k8s.io`), GKE's Gateway policies
//! (`GoogleCloudPlatform/gke-gateway-api`, `networking.gke.io`).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

/// An object of one of these APIs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Object<S> {
    /// Group and version.
    pub api_version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Specification.
    pub spec: S,
}

/// What a Gateway should be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewaySpec {
    /// Which sort of load balancer.
    pub gateway_class_name: &'static str,
    /// Ports it listens on.
    pub listeners: Vec<Listener>,
    /// Addresses; Google assigns one when there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
}

/// An address of a Gateway.
#[derive(Serialize)]
pub struct Address {
    /// `NamedAddress`: a reserved one, by name.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name.
    pub value: String,
}

/// One port of a Gateway.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// Its name, by which routes choose it.
    pub name: &'static str,
    /// Its port.
    pub port: u16,
    /// `HTTP` or `HTTPS`.
    pub protocol: &'static str,
    /// Who may attach routes.
    pub allowed_routes: AllowedRoutes,
}

/// Whose routes a listener takes.
#[derive(Serialize)]
pub struct AllowedRoutes {
    /// Of which namespaces.
    pub namespaces: From,
}

/// A choice of namespaces.
#[derive(Serialize)]
pub struct From {
    /// `Same`: the Gateway's own.
    pub from: &'static str,
}

/// What an HTTPRoute should be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteSpec {
    /// The listener it belongs to.
    pub parent_refs: Vec<ParentRef>,
    /// Host names; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<String>,
    /// Rules.
    pub rules: Vec<Rule>,
}

/// A listener of a Gateway.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    /// Group of the Gateway.
    pub group: &'static str,
    /// `Gateway`.
    pub kind: &'static str,
    /// The Gateway.
    pub name: String,
    /// The listener.
    pub section_name: &'static str,
}

/// What happens to requests that match.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Which requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
    /// What is done with them on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// Where they go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub backend_refs: Vec<BackendRef>,
}

/// A condition on requests.
#[derive(Serialize)]
pub struct Match {
    /// On the path.
    pub path: PathMatch,
}

/// A condition on the path. A prefix counts by whole segments: `/api` is not the start of `/apis`.
#[derive(Serialize)]
pub struct PathMatch {
    /// `PathPrefix`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The prefix.
    pub value: String,
}

/// Something done on the way.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// `RequestRedirect`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where to.
    pub request_redirect: Redirect,
}

/// A redirection.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Redirect {
    /// The new scheme.
    pub scheme: &'static str,
    /// The status.
    pub status_code: u16,
}

/// A Service that requests go to.
#[derive(Serialize)]
pub struct BackendRef {
    /// Empty: the core group.
    pub group: &'static str,
    /// `Service`.
    pub kind: &'static str,
    /// The Service.
    pub name: String,
    /// Its port.
    pub port: u16,
    /// Share of the requests.
    pub weight: u16,
}

/// What a policy is about: a Service.
#[derive(Serialize)]
pub struct TargetRef {
    /// Empty: the core group.
    pub group: &'static str,
    /// `Service`.
    pub kind: &'static str,
    /// The Service.
    pub name: String,
}

/// What a GCPBackendPolicy or a HealthCheckPolicy says of a Service.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec<D> {
    /// What it says.
    pub default: D,
    /// Of which Service.
    pub target_ref: TargetRef,
}

/// How the load balancer treats a Service.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// Seconds a response may take; 30 when unset.
    pub timeout_sec: u32,
    /// What happens to open requests of a pod that goes.
    pub connection_draining: Draining,
    /// Whether a client comes back to the same pod.
    pub session_affinity: Affinity,
}

/// How long open requests may go on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Draining {
    /// Seconds, at most 3600.
    pub draining_timeout_sec: u32,
}

/// Whether a client comes back to the same pod.
#[derive(Serialize)]
pub struct Affinity {
    /// `NONE` or `CLIENT_IP`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// How the load balancer asks a pod whether it is well.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// Seconds between two questions.
    pub check_interval_sec: u32,
    /// Seconds for an answer; at most the interval.
    pub timeout_sec: u32,
    /// Good answers that make it well.
    pub healthy_threshold: u32,
    /// Bad ones that make it ill.
    pub unhealthy_threshold: u32,
    /// What is asked.
    pub config: HealthConfig,
}

/// What is asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthConfig {
    /// `HTTP`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The request.
    pub http_health_check: HttpHealthCheck,
}

/// An HTTP question.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpHealthCheck {
    /// `USE_SERVING_PORT`: the port that requests go to.
    pub port_specification: &'static str,
    /// The path.
    pub request_path: String,
}
