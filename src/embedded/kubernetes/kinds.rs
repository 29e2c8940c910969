//! The kinds that are served: one row each.

use super::schema::{self, Type};

/// A kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The API group; empty for the core one.
    pub group: &'static str,
    /// The version served.
    pub version: &'static str,
    /// The kind's name.
    pub kind: &'static str,
    /// Its name in paths.
    pub plural: &'static str,
    /// Whether it lives in namespaces.
    pub namespaced: bool,
    /// Whether it has a `/status`.
    pub status: bool,
    /// Whether changes of its spec are counted.
    pub generation: bool,
    /// Whether it comes from a CRD.
    pub custom: bool,
    /// Its type in `schema/types.txt`.
    schema: &'static str,
}

const STATUS: u8 = 1;
const GENERATION: u8 = 2;
const CUSTOM: u8 = 4;

/// Every kind, in the order `/apis` names their groups.
pub static KINDS: &[Kind] = &[
    kind("", "v1", "Namespace", "namespaces", "core.v1.Namespace", STATUS),
    kind("", "v1", "ResourceQuota", "resourcequotas", "core.v1.ResourceQuota", STATUS),
    kind("", "v1", "ServiceAccount", "serviceaccounts", "core.v1.ServiceAccount", 0),
    kind("", "v1", "Secret", "secrets", "core.v1.Secret", 0),
    kind("", "v1", "ConfigMap", "configmaps", "core.v1.ConfigMap", 0),
    kind("", "v1", "Service", "services", "core.v1.Service", STATUS),
    kind(
        "",
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        "core.v1.PersistentVolumeClaim",
        STATUS,
    ),
    kind("", "v1", "Pod", "pods", "core.v1.Pod", STATUS | GENERATION),
    kind("", "v1", "Event", "events", "core.v1.Event", 0),
    kind("apps", "v1", "Deployment", "deployments", "apps.v1.Deployment", STATUS | GENERATION),
    kind("apps", "v1", "StatefulSet", "statefulsets", "apps.v1.StatefulSet", STATUS | GENERATION),
    kind("apps", "v1", "ReplicaSet", "replicasets", "apps.v1.ReplicaSet", STATUS | GENERATION),
    kind("batch", "v1", "Job", "jobs", "batch.v1.Job", STATUS | GENERATION),
    kind("batch", "v1", "CronJob", "cronjobs", "batch.v1.CronJob", STATUS | GENERATION),
    kind(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "autoscaling.v2.HorizontalPodAutoscaler",
        STATUS,
    ),
    kind(
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "policy.v1.PodDisruptionBudget",
        STATUS | GENERATION,
    ),
    kind(
        "networking.k8s.io",
        "v1",
        "NetworkPolicy",
        "networkpolicies",
        "networking.v1.NetworkPolicy",
        GENERATION,
    ),
    kind("rbac.authorization.k8s.io", "v1", "Role", "roles", "rbac.v1.Role", 0),
    kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "rbac.v1.RoleBinding", 0),
    custom("gateway.networking.k8s.io", "v1", "Gateway", "gateways", STATUS),
    custom("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", STATUS),
    custom("gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", "referencegrants", 0),
    custom("networking.gke.io", "v1", "GCPBackendPolicy", "gcpbackendpolicies", STATUS),
    custom("networking.gke.io", "v1", "HealthCheckPolicy", "healthcheckpolicies", STATUS),
    custom("networking.gke.io", "v1", "GCPGatewayPolicy", "gcpgatewaypolicies", STATUS),
    custom("autoscaling.k8s.io", "v1", "VerticalPodAutoscaler", "verticalpodautoscalers", STATUS),
];

const fn kind(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    schema: &'static str,
    marks: u8,
) -> Kind {
    Kind {
        group,
        version,
        kind,
        plural,
        namespaced: !matches!(schema.as_bytes(), b"core.v1.Namespace"),
        status: marks & STATUS != 0,
        generation: marks & GENERATION != 0,
        custom: marks & CUSTOM != 0,
        schema,
    }
}

const fn custom(
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
    marks: u8,
) -> Kind {
    kind(group, version, name, plural, name, marks | GENERATION | CUSTOM)
}

impl Kind {
    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// How its fields merge.
    pub fn schema(&self) -> &'static Type {
        schema::root(self.schema)
    }

    /// The path of its collection, or of one object if `name` is not empty.
    pub fn path(&self, namespace: &str, name: &str) -> String {
        let root = if self.group.is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{}", self.api_version())
        };
        let namespace = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
        let name = if name.is_empty() { String::new() } else { format!("/{name}") };
        format!("{root}{namespace}/{}{name}", self.plural)
    }
}

/// The kind at a path.
pub fn by_plural(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

/// The kind of this name (`Deployment`) or plural (`deployments`).
pub fn by_name(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.kind == name || kind.plural == name)
}

/// The kind of an object.
pub fn of_object(object: &serde_json::Value) -> Option<&'static Kind> {
    let text = |field: &str| object.get(field).and_then(serde_json::Value::as_str);
    let (api_version, name) = (text("apiVersion")?, text("kind")?);
    KINDS.iter().find(|kind| kind.kind == name && kind.api_version() == api_version)
}
