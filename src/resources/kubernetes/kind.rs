//! The kinds of Kubernetes objects that are written, and where their API is.

/// A kind of Kubernetes object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    Namespace,
    ResourceQuota,
    ServiceAccount,
    NetworkPolicy,
    ConfigMap,
    Secret,
    PersistentVolumeClaim,
    Job,
    CronJob,
    Deployment,
    StatefulSet,
    Service,
    HorizontalPodAutoscaler,
    VerticalPodAutoscaler,
    PodDisruptionBudget,
    Gateway,
    HttpRoute,
    GcpBackendPolicy,
    HealthCheckPolicy,
}

/// Where a kind's API is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKind {
    /// Group, empty for the core API.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// The kind's name.
    pub kind: &'static str,
    /// Plural, as in the path.
    pub plural: &'static str,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
}

impl Kind {
    /// Every kind, in the order in which a first install needs them.
    pub const ALL: [Kind; 19] = [
        Kind::Namespace,
        Kind::ResourceQuota,
        Kind::ServiceAccount,
        Kind::NetworkPolicy,
        Kind::ConfigMap,
        Kind::Secret,
        Kind::PersistentVolumeClaim,
        Kind::Job,
        Kind::CronJob,
        Kind::Deployment,
        Kind::StatefulSet,
        Kind::Service,
        Kind::HorizontalPodAutoscaler,
        Kind::VerticalPodAutoscaler,
        Kind::PodDisruptionBudget,
        Kind::Gateway,
        Kind::HttpRoute,
        Kind::GcpBackendPolicy,
        Kind::HealthCheckPolicy,
    ];

    /// The kind's name, as in a manifest.
    pub fn name(self) -> &'static str {
        self.api().kind
    }

    /// Where the kind's API is.
    #[rustfmt::skip]
    pub fn api(self) -> ApiKind {
        let namespaced = self != Kind::Namespace;
        let (group, version, kind, plural) = match self {
            Kind::Namespace => ("", "v1", "Namespace", "namespaces"),
            Kind::ResourceQuota => ("", "v1", "ResourceQuota", "resourcequotas"),
            Kind::ServiceAccount => ("", "v1", "ServiceAccount", "serviceaccounts"),
            Kind::NetworkPolicy => ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
            Kind::ConfigMap => ("", "v1", "ConfigMap", "configmaps"),
            Kind::Secret => ("", "v1", "Secret", "secrets"),
            Kind::PersistentVolumeClaim => ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
            Kind::Job => ("batch", "v1", "Job", "jobs"),
            Kind::CronJob => ("batch", "v1", "CronJob", "cronjobs"),
            Kind::Deployment => ("apps", "v1", "Deployment", "deployments"),
            Kind::StatefulSet => ("apps", "v1", "StatefulSet", "statefulsets"),
            Kind::Service => ("", "v1", "Service", "services"),
            Kind::HorizontalPodAutoscaler => ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            Kind::VerticalPodAutoscaler => ("autoscaling.k8s.io", "v1", "VerticalPodAutoscaler", "verticalpodautoscalers"),
            Kind::PodDisruptionBudget => ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
            Kind::Gateway => ("gateway.networking.k8s.io", "v1", "Gateway", "gateways"),
            Kind::HttpRoute => ("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
            Kind::GcpBackendPolicy => ("networking.gke.io", "v1", "GCPBackendPolicy", "gcpbackendpolicies"),
            Kind::HealthCheckPolicy => ("networking.gke.io", "v1", "HealthCheckPolicy", "healthcheckpolicies"),
        };
        ApiKind { group, version, kind, plural, namespaced }
    }
}
