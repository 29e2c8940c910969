//! The Cloud SQL Auth Proxy beside a container.
//!
//! As a native sidecar (an init container that is restarted always) it is up before the migration's and
//! the application's containers, and it does not keep a Job's pod from finishing.

use k8s_openapi::api::core::v1::Container;

use crate::resources::facts;

use super::images::{self, Image};
use super::scope::Scope;
use super::sizes::{Size, resources, size};
use super::waits::Waits;
use super::{database, probes, security};

/// The sidecar's name.
pub const NAME: &str = "cloud-sql-proxy";

/// Port of its health endpoints.
const HEALTH_PORT: u16 = 9090;

/// A proxy of one pod moves little more than bytes.
const SIZE: Size = size("100m", "128Mi", "256Mi");

/// The user of the proxy's image (`nonroot` of distroless).
const UID: i64 = 65532;

/// The sidecar; `None` when the spec reaches the instance directly.
pub fn sidecar(scope: &Scope<'_>, waits: &mut Waits) -> Option<Container> {
    if !scope.spec().enable_cloudsql_volume {
        return None;
    }
    let connection = waits.take(facts::sql_connection(scope.context));
    let args = [
        "--private-ip".to_owned(),
        format!("--port={}", database::PORT),
        "--structured-logs".to_owned(),
        "--health-check".to_owned(),
        // The kubelet asks from the node, not from inside the pod.
        "--http-address=0.0.0.0".to_owned(),
        format!("--http-port={HEALTH_PORT}"),
        "--exit-zero-on-sigterm".to_owned(),
        connection,
    ];
    Some(Container {
        name: NAME.into(),
        image: Some(waits.take(images::pinned(scope.context, Image::SqlProxy))),
        args: Some(args.to_vec()),
        restart_policy: Some("Always".into()),
        startup_probe: Some(probes::http("/startup", HEALTH_PORT, probes::pace(1, 5, 60))),
        liveness_probe: Some(probes::http("/liveness", HEALTH_PORT, probes::pace(60, 10, 5))),
        resources: Some(resources(None, SIZE)),
        security_context: Some(security::unprivileged(UID, true)),
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn it_is_a_sidecar_that_is_up_first() {
        let pod = World::default_set().body(Kind::Deployment, "")["spec"]["template"]["spec"].clone();
        let sidecar = &pod["initContainers"][0];
        assert_eq!((&sidecar["name"], &sidecar["restartPolicy"]), (&NAME.into(), &"Always".into()));
        assert_eq!(sidecar["args"].as_array().unwrap().last().unwrap(), "p-1:us-central1:app-sql-0a1b2c3d");
    }

    #[test]
    fn without_it_the_instances_own_address_is_used() {
        let world = World::of(Spec { enable_cloudsql_volume: false, ..Spec::default() });
        assert!(world.body(Kind::Deployment, "")["spec"]["template"]["spec"]["initContainers"].is_null());
        assert_eq!(world.variable("api", "DB_HOST").as_deref(), Some("10.20.0.3"));
        assert_eq!(world.variable("plugin-daemon", "DB_SSL_MODE").as_deref(), Some("require"));
    }
}
