//! What worker, beat and the migration read beyond the shared variables.

use super::super::scope::Scope;
use super::{Application, Plain, plain};

/// The worker's variables. `CELERY_QUEUES` is left unset: the image knows its own list, which grows with
/// releases.
pub fn worker(scope: &Scope<'_>, application: &Application) -> Plain {
    // Greenlets, not processes; upstream's compose takes 4.
    let own = plain(&[("CELERY_WORKER_AMOUNT", "4")]);
    let users = scope.spec().worker.env_vars.as_ref();
    application.environment(scope, own, users, &[("MODE", "worker"), ("MIGRATION_ENABLED", "false")])
}

/// The beat's variables.
pub fn beat(scope: &Scope<'_>, application: &Application) -> Plain {
    let users = scope.spec().beat.env_vars.as_ref();
    application.environment(scope, Plain::new(), users, &[("MODE", "beat"), ("MIGRATION_ENABLED", "false")])
}

/// The migration's variables. Without `MIGRATION_ENABLED`, `MODE=migration` would start the server.
pub fn migration(scope: &Scope<'_>, application: &Application) -> Plain {
    application.environment(
        scope,
        Plain::new(),
        None,
        &[("MODE", "migration"), ("MIGRATION_ENABLED", "true")],
    )
}
