//! The Job that brings the schema to a version, and proves it.
//!
//! One Job, because of several migrations at once all but one report success and do nothing. The proof
//! is its own container: the schema's head must be the image's.

use k8s_openapi::api::core::v1::Container;

use crate::backup::due::last_load;
use crate::backup::{Shelf, before};
use crate::resources::{Declared, ResourceId, Wait, facts};
use crate::slice::Slice;

use super::environment::{self, Application};
use super::images;
use super::job::{self, Attempt};
use super::scope::{Scope, bounded, dns};
use super::sizes::{resources, size};
use super::{Kind, application, config, db_init, gates, jobs, stamp};

/// The component's name.
pub const COMPONENT: &str = "migrate";

/// Least seconds: an upgrade may build indexes on large tables.
const DEADLINE_SECS: u32 = 1800;

/// The migration needs Redis for its lock and fails without; a new VM takes minutes to offer it.
const MIGRATE: &str = "until (exec 3<>\"/dev/tcp/$REDIS_HOST/$REDIS_PORT\") 2>/dev/null; do\n  \
     echo \"waiting for Redis at $REDIS_HOST:$REDIS_PORT\"; sleep 5\ndone\n\
     exec /bin/bash /entrypoint.sh\n";

/// Log lines may come between, so only what looks like a revision counts.
const VERIFY: &str = r#"set -euo pipefail
revisions() { sed -nE 's/^([0-9a-f]{6,40})( \(.*\))?$/\1/p' | sort -u | tr '\n' ' '; }
current=$(flask db current | revisions)
heads=$(flask db heads | revisions)
if [ -n "$heads" ] && [ "$current" = "$heads" ]; then
  echo "the schema is at $current" | tee /dev/termination-log
else
  echo "the schema is at ${current:-nothing}, the image expects ${heads:-nothing}" | tee /dev/termination-log
  exit 1
fi
"#;

/// The Job's address: another version or another image of the same version is another Job.
pub fn id(scope: &Scope<'_>) -> ResourceId {
    scope.id(Kind::Job, &name(scope))
}

/// The Job and its ConfigMap.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let slice = Slice::Migration;
    let plain = environment::worker::migration(scope, application);
    let config_map = config::name(scope, COMPONENT);
    let mut waits = application.waits();
    if Shelf::of(scope.context).is_none() && crate::backup::has_bucket(scope.context) {
        waits.take::<()>(Err(Wait::dependency(
            "the backups cannot be looked at: a restore may have been done",
        )));
    }
    waits.take(before::gate(scope.context));
    let main = Container {
        name: "verify".into(),
        command: Some(vec!["/bin/bash".into(), "-c".into(), VERIFY.into()]),
        resources: Some(resources(None, size("1000m", "2Gi", "1Gi"))),
        ..Default::default()
    };
    let pod = application::pod(scope, application, &config_map, &plain, None, main, &mut waits);
    let migrate = Container {
        name: COMPONENT.into(),
        command: Some(vec!["/bin/bash".into(), "-c".into(), MIGRATE.into()]),
        ..pod.main.clone()
    };
    let pod = pod.after(migrate).with_proxy(scope, &mut waits);
    let deadline_secs = scope.spec().job_execution_wait_timeout.max(DEADLINE_SECS);
    let attempt = Attempt { retries: 2, deadline_secs: Some(deadline_secs), completions: 1 };
    let name = name(scope);
    let body = job::job(scope, &name, COMPONENT, attempt, pod.template(scope, COMPONENT));
    let mut needs = gates::application(scope, &config_map);
    needs.push(db_init::id(scope));
    needs.extend(jobs::gating(scope));
    vec![
        config::declare(scope, &config_map, COMPONENT, slice, &plain, &application.plain_waits),
        scope.declare(Kind::Job, &name, slice, needs, &waits, &body),
    ]
}

/// Without the digest there is no hash; then the Job waits for it under a name without one.
fn name(scope: &Scope<'_>) -> String {
    let version = dns(&scope.spec().application_version);
    // By what it is, wherever it is pulled from: a copy of the same image migrates nothing else.
    let image = facts::named(scope.context, &images::api(scope.spec()));
    let digest = image.map(|image| stamp::short_hash(&image));
    // After a restore the schema may be an older one, and has to be brought up again.
    let loaded = Shelf::of(scope.context).and_then(|shelf| last_load(&shelf).map(stamp::short_hash));
    let parts: Vec<String> =
        [COMPONENT.to_owned(), version].into_iter().chain(digest).chain(loaded).collect();
    bounded(&scope.names().component(&parts.join("-")))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;

    fn job(world: &World) -> Declared {
        let named = |one: &Declared| one.id.short_name().contains("-migrate-1");
        world.declared().into_iter().find(named).expect("a migration")
    }

    #[test]
    fn another_image_of_the_same_version_is_another_job() {
        let before = World::default_set();
        let mut after = World::default_set();
        after.seen.digests.insert("langgenius/dify-api:1.17.1".into(), "sha256:other".into());
        assert_ne!(job(&before).id, job(&after).id);
    }

    #[test]
    fn what_serves_waits_for_it_and_it_waits_for_the_databases() {
        let world = World::default_set();
        let migration = job(&world);
        for name in ["", "-worker", "-beat"] {
            let id = format!("Deployment {0}/{0}{name}", world.names.prefix);
            let one = world.declared().into_iter().find(|one| one.id.to_string() == id).unwrap();
            assert!(one.needs.contains(&migration.id), "{id}");
        }
        assert!(migration.needs.iter().any(|need| need.short_name().contains("-db-init-")));
    }

    #[test]
    fn only_the_migration_migrates() {
        let world = World::default_set();
        for component in ["api", "worker", "beat"] {
            assert_eq!(world.variable(component, "MIGRATION_ENABLED").as_deref(), Some("false"));
        }
        assert_eq!(world.variable(COMPONENT, "MIGRATION_ENABLED").as_deref(), Some("true"));
        assert_eq!(world.variable(COMPONENT, "MODE").as_deref(), Some("migration"));
    }
}
