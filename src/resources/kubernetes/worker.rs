//! The Celery worker: indexing, mail, asynchronous workflows.

use k8s_openapi::api::core::v1::Container;

use crate::resources::Declared;

use super::application::{self, Member};
use super::enabled;
use super::environment::{self, Application};
use super::probes::{self, pace};
use super::scope::Scope;
use super::sizes::size;
use super::workload::Replacement;

/// The component's name.
pub const COMPONENT: &str = "worker";

/// Asks this worker through the broker. The small module answers in 3 s; the one that the worker runs
/// takes 21 s to load (measured).
const PING: &str = "celery -A celery_healthcheck.celery inspect ping -d celery@$HOSTNAME";

/// Least seconds to stop: a task that is cut off, such as an indexing, starts over.
const GRACE_SECS: i64 = 300;

/// The worker.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let wanted = &scope.spec().worker;
    if !enabled(wanted, true) {
        return Vec::new();
    }
    let main = Container {
        name: COMPONENT.into(),
        startup_probe: Some(probes::shell(PING, pace(15, 30, 20))),
        // Each ping costs two and a half seconds of CPU.
        liveness_probe: Some(probes::shell(PING, pace(120, 30, 5))),
        ..Default::default()
    };
    let member = Member {
        component: COMPONENT,
        wanted,
        plain: environment::worker::worker(scope, application),
        main,
        size: size("1000m", "2Gi", "2Gi"),
        grace_secs: i64::from(scope.spec().termination_grace_period_seconds).max(GRACE_SECS),
        needs_database: true,
        mounts: true,
        replicas: wanted.replicas.unwrap_or(1),
        replacement: Replacement::Rolling,
    };
    application::declare(scope, application, member)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::fixture::World;
    use crate::spec::Spec;

    #[test]
    fn a_task_may_finish_and_the_broker_is_asked_about_this_worker() {
        let pod = World::default_set().body(Kind::Deployment, "-worker")["spec"]["template"]["spec"].clone();
        assert_eq!(pod["terminationGracePeriodSeconds"], 300);
        let command = pod["containers"][0]["livenessProbe"]["exec"]["command"].to_string();
        assert!(command.contains("celery_healthcheck") && command.contains("$HOSTNAME"), "{command}");
        assert!(pod["containers"][0]["readinessProbe"].is_null(), "no request reaches it");
    }

    #[test]
    fn it_can_be_switched_off() {
        let mut spec = Spec::default();
        spec.worker.enabled = Some(false);
        let declared = World::of(spec).declared();
        assert!(!declared.iter().any(|one| one.id.name.ends_with("-worker") && one.id.kind != policy()));
    }

    fn policy() -> crate::resources::Kind {
        crate::resources::Kind::Kubernetes(Kind::NetworkPolicy)
    }
}
