//! The sandbox that runs users' code.

use k8s_openapi::api::core::v1::Container;

use crate::resources::Declared;
use crate::rotation::server::{Server, Twin};

use super::environment::{self, Application};
use super::images::Image;
use super::probes::{self, pace};
use super::scope::Scope;
use super::service::SANDBOX_PORT;
use super::sizes::size;
use super::standalone::{self, Standalone};
use super::workload::Replacement;
use super::{enabled, security, turn};

/// It locks each run into a directory and a user of its own, so it starts as root with the rights to do
/// that, and to stop what takes too long under another user.
const RIGHTS: [&str; 7] = ["SYS_CHROOT", "SETUID", "SETGID", "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL"];

/// The sandbox and what it reads. It has no account and no way out but the proxy.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    if !enabled(&scope.spec().sandbox, true) {
        return Vec::new();
    }
    turn::declare(scope, Server::Sandbox, |twin| sandbox(scope, application, twin))
}

fn sandbox(scope: &Scope<'_>, application: &Application, twin: Twin) -> Vec<Declared> {
    let wanted = &scope.spec().sandbox;
    let health = |pace| Some(probes::http("/health", SANDBOX_PORT, pace));
    let main = Container {
        // It unpacks an interpreter when it starts.
        startup_probe: health(pace(5, 5, 30)),
        readiness_probe: health(probes::READINESS),
        liveness_probe: health(pace(30, 10, 5)),
        security_context: Some(security::root_with(&RIGHTS)),
        ..Default::default()
    };
    let mut waits = application.waits();
    let secrets = environment::secrets::sandbox(scope, &application.secrets, &mut waits);
    let component = Standalone {
        component: Server::Sandbox.component(twin),
        image: Image::Sandbox,
        port: SANDBOX_PORT,
        plain: environment::sandbox::sandbox(scope),
        secrets,
        waits,
        main,
        resources: wanted.resources.as_ref(),
        size: size("500m", "1Gi", "2Gi"),
        replicas: wanted.replicas.unwrap_or(1),
        replacement: Replacement::Rolling,
        needs: vec![],
    };
    standalone::declare(scope, component, |pod, _| pod.with_scratch("dependencies", "/dependencies"))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::Kind;
    use super::super::fixture::World;
    use super::*;
    use crate::inventory::{Payload, Sighting};
    use crate::resources::ResourceId;
    use crate::spec::Spec;
    use crate::spec::types::Sensitive;

    const COMPONENT: &str = "sandbox";

    /// A world in which the callers have been told what is declared, and then the key got another version.
    fn with_a_new_key(told: World, version: u64) -> World {
        let mut world = told;
        world.seen.cluster_reachable = true;
        world.seen.at = "2026-11-23T10:00:00Z".parse().ok();
        for (kind, suffix) in
            [(Kind::Secret, "-env"), (Kind::Secret, "-sandbox-env"), (Kind::Deployment, "-sandbox")]
        {
            note(&mut world, kind, suffix);
        }
        let content = Sensitive::new(format!("key-{version}"));
        world
            .seen
            .payloads
            .insert(world.names.secret("code-execution-api-key"), Payload { version, content });
        world
    }

    /// Somebody wrote an object as it is declared, where it is.
    fn note(world: &mut World, kind: Kind, suffix: &str) {
        let name = format!("{}{suffix}", world.names.prefix);
        let id = ResourceId::kubernetes(kind, &world.names.namespace(&world.spec), &name);
        if world.declared().iter().any(|declared| declared.id == id) {
            let body = world.body(kind, suffix);
            world.seen.note(id, Sighting::Present(body));
        }
    }

    fn text(world: &World, suffix: &str, name: &str) -> Option<String> {
        let bytes = STANDARD.decode(world.body(Kind::Secret, suffix)["data"][name].as_str()?).ok()?;
        String::from_utf8(bytes).ok()
    }

    #[test]
    fn whoever_says_where_the_sandbox_is_decides() {
        let mut spec = Spec::default();
        spec.environment_variables.insert(Server::Sandbox.endpoint().into(), "http://mine:8194".into());
        let world = with_a_new_key(World::of(spec), 4);
        assert_eq!(text(&world, "-sandbox-env", "API_KEY").as_deref(), Some("key-4"));
        assert_eq!(text(&world, "-env", Server::Sandbox.endpoint()), None);
    }

    #[test]
    fn its_key_is_the_one_its_callers_show_and_its_only_secret() {
        let world = World::default_set();
        let (own, api) = (world.body(Kind::Secret, "-sandbox-env"), world.body(Kind::Secret, "-env"));
        assert_eq!(own["data"].as_object().unwrap().len(), 1);
        assert_eq!(own["data"]["API_KEY"], api["data"]["CODE_EXECUTION_API_KEY"]);
    }

    #[test]
    fn its_only_way_out_is_the_proxy() {
        let mut spec = Spec::default();
        assert!(
            World::default_set()
                .variable(COMPONENT, "HTTPS_PROXY")
                .is_some_and(|url| url.ends_with("-ssrf-proxy:3128"))
        );
        spec.ssrf_proxy.enabled = Some(false);
        assert_eq!(World::of(spec).variable(COMPONENT, "HTTPS_PROXY"), None);
    }
}
