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
