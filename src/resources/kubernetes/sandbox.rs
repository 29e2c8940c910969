//! The sandbox that runs users' code.

use k8s_openapi::api::core::v1::Container;

use crate::resources::Declared;

use super::environment::{self, Application};
use super::images::Image;
use super::probes::{self, pace};
use super::scope::Scope;
use super::service::SANDBOX_PORT;
use super::sizes::size;
use super::standalone::{self, Standalone};
use super::workload::Replacement;
use super::{enabled, security};

/// The component's name.
pub const COMPONENT: &str = "sandbox";

/// It locks each run into a directory and a user of its own, so it starts as root with the rights to do
/// that, and to stop what takes too long under another user.
const RIGHTS: [&str; 7] = ["SYS_CHROOT", "SETUID", "SETGID", "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL"];

/// The sandbox and what it reads. It has no account and no way out but the proxy.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let wanted = &scope.spec().sandbox;
    if !enabled(wanted, true) {
        return Vec::new();
    }
    let health = |pace| Some(probes::http("/health", SANDBOX_PORT, pace));
    let main = Container {
        // It unpacks an interpreter when it starts.
        startup_probe: health(pace(5, 5, 30)),
        readiness_probe: health(probes::READINESS),
        liveness_probe: health(pace(30, 10, 5)),
        security_context: Some(security::root_with(&RIGHTS)),
        ..Default::default()
    };
    let component = Standalone {
        component: COMPONENT,
        image: Image::Sandbox,
        port: SANDBOX_PORT,
        plain: environment::sandbox::sandbox(scope),
        secrets: environment::secrets::sandbox(&application.secrets),
        waits: application.waits(),
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
    use super::super::Kind;
    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

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
