//! The GKE cluster, found on the network.
//!
//! Identity: `projects/<p>/locations/<l>/clusters/<c>`. It is the platform's; it has to exist and serve.
//! Readiness: `RUNNING`, and `RECONCILING` and `DEGRADED`, in which the API server answers (GKE v1).

use serde_json::Value;

use crate::resources::{Context, Declared, Desired, Readiness, ResourceId, Wait, WaitKind, facts};
use crate::slice::Slice;

use super::descriptor::{Descriptor, READ_ONLY};
use super::{Kind, declared, text};

/// Kubernetes Engine v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "container.googleapis.com",
    get: "container.projects.locations.clusters.get",
    readiness,
    ..READ_ONLY
};

/// The cluster that the deployment runs on.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let (id, desired) = match facts::cluster(context) {
        Ok(cluster) => (cluster.id, Desired::Found),
        Err(wait) => {
            // No cluster is at this place; it stands for the one that is looked for.
            let name = format!("projects/{}/locations/-/clusters/-", context.names.project);
            (ResourceId::google(Kind::Cluster, name), Desired::Waiting(vec![wait]))
        }
    };
    vec![declared(context, id, Slice::Network, desired, Vec::new())]
}

fn readiness(seen: &Value) -> Readiness {
    match text(seen, "/status") {
        "RUNNING" | "RECONCILING" | "DEGRADED" => Readiness::Ready,
        "STOPPING" => Readiness::Failed("the cluster is being deleted".into()),
        "ERROR" => Readiness::Failed("the cluster is in the state ERROR and may not serve".into()),
        status => Readiness::NotYet(Wait::new(WaitKind::LongOperation, format!("the cluster is {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cluster_serves_while_it_reconciles() {
        assert_eq!(readiness(&json!({"status": "RECONCILING"})), Readiness::Ready);
        assert!(matches!(readiness(&json!({"status": "PROVISIONING"})), Readiness::NotYet(_)));
    }
}
