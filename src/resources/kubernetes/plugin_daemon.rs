//! The plugin daemon. Without it there are no models, no datasets and no tools.

use k8s_openapi::api::core::v1::Container;

use crate::resources::Declared;
use crate::rotation::server::{Server, Twin};

use super::environment::plugin_daemon::WORKING_ROOT;
use super::environment::{self, Application};
use super::images::Image;
use super::probes::{self, pace};
use super::scope::Scope;
use super::service::PLUGIN_DAEMON_PORT;
use super::sizes::size;
use super::standalone::{self, Standalone};
use super::workload::Replacement;
use super::{account, enabled, gates, inner_api, security, storage, turn};

/// It answers once its own schema is up to date; what lies behind it is not asked.
pub const HEALTH: &str = "/health/check";

/// Room for unpacked plugins and their Python environments. They can be built again, which takes minutes
/// and the package index, so they outlive the pod.
const DISK: &str = "20Gi";

/// The plugin daemon, its disk, and what it reads. It runs as root and builds environments in its own
/// file system; its image allows nothing else.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    if !enabled(&scope.spec().plugin_daemon, true) {
        return Vec::new();
    }
    turn::declare(scope, Server::PluginDaemon, |twin| daemon(scope, application, twin))
}

fn daemon(scope: &Scope<'_>, application: &Application, twin: Twin) -> Vec<Declared> {
    let (wanted, name) = (&scope.spec().plugin_daemon, Server::PluginDaemon.component(twin));
    let claim = scope.names().component(name);
    let (claim_id, disk) = storage::claim(scope, &claim, name, DISK, storage::STORAGE_CLASS);
    let mut needs = gates::plugin_daemon(scope);
    needs.push(claim_id);
    needs.extend(inner_api::needs(scope, Server::PluginDaemon, twin));
    let mut waits = application.waits();
    let secrets = environment::secrets::plugin_daemon(scope, &application.secrets, &mut waits);
    let port = PLUGIN_DAEMON_PORT;
    let main = Container {
        startup_probe: Some(probes::http(HEALTH, port, pace(5, 5, 60))),
        readiness_probe: Some(probes::http(HEALTH, port, probes::READINESS)),
        liveness_probe: Some(probes::http(HEALTH, port, pace(30, 10, 5))),
        security_context: Some(security::as_image()),
        ..Default::default()
    };
    let component = Standalone {
        component: name,
        image: Image::PluginDaemon,
        port,
        plain: environment::plugin_daemon::plugin_daemon(scope, application),
        secrets,
        waits,
        main,
        resources: wanted.resources.as_ref(),
        size: size("1000m", "2Gi", "2Gi"),
        replicas: wanted.replicas.unwrap_or(1),
        // Two pods cannot have one disk.
        replacement: Replacement::OneAtATime,
        needs,
    };
    let mut all = standalone::declare(scope, component, |pod, waits| {
        pod.with_identity(account::plugin_daemon(scope.names()))
            .with_proxy(scope, waits)
            .with_volume(storage::claimed("storage", &claim), storage::mount("storage", WORKING_ROOT))
    });
    all.push(disk);
    all
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::fixture::World;

    const COMPONENT: &str = "plugin-daemon";

    #[test]
    fn it_has_its_own_database_account_and_secrets() {
        let world = World::default_set();
        assert_eq!(world.variable(COMPONENT, "DB_DATABASE").as_deref(), Some("dify_db_demo_0a1b2c3d_plugin"));
        let pod = world.body(Kind::Deployment, "-plugin-daemon")["spec"]["template"]["spec"].clone();
        assert_eq!(pod["serviceAccountName"], "appdifydemo0a1b2c3d-plugin-daemon");
        let secret = world.body(Kind::Secret, "-plugin-daemon-env");
        let names: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["DB_PASSWORD", "DIFY_INNER_API_KEY", "REDIS_PASSWORD", "SERVER_KEY"]);
    }

    #[test]
    fn keys_are_the_same_on_both_sides() {
        let world = World::default_set();
        let (own, api) = (world.body(Kind::Secret, "-plugin-daemon-env"), world.body(Kind::Secret, "-env"));
        assert_eq!(own["data"]["SERVER_KEY"], api["data"]["PLUGIN_DAEMON_KEY"]);
        assert_eq!(own["data"]["DIFY_INNER_API_KEY"], api["data"]["INNER_API_KEY_FOR_PLUGIN"]);
    }

    #[test]
    fn two_pods_never_want_one_disk() {
        let body = World::default_set().body(Kind::Deployment, "-plugin-daemon");
        assert_eq!(body["spec"]["strategy"]["type"], "Recreate");
    }
}
