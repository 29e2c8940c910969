//! Celery beat: schedules, triggers, timeouts. Exactly one, or everything scheduled happens twice.

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
pub const COMPONENT: &str = "beat";

/// The image's own `MODE=beat` writes its schedule into the working directory, which is read-only here
/// (it fails with EROFS).
const COMMAND: [&str; 8] =
    ["celery", "-A", "app.celery", "beat", "--loglevel", "INFO", "-s", "/tmp/celerybeat-schedule"];

/// There is no ping; the schedule is written every few minutes, under a name that the database library
/// may lengthen.
const WRITES: &str = "find /tmp -maxdepth 1 -name 'celerybeat-schedule*' -mmin -30 | grep -q .";

/// Beat.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let wanted = &scope.spec().beat;
    if !enabled(wanted, true) {
        return Vec::new();
    }
    let main = Container {
        name: COMPONENT.into(),
        command: Some(COMMAND.map(str::to_owned).to_vec()),
        startup_probe: Some(probes::shell(WRITES, pace(10, 10, 60))),
        liveness_probe: Some(probes::shell(WRITES, pace(300, 10, 3))),
        ..Default::default()
    };
    let member = Member {
        component: COMPONENT,
        wanted,
        plain: environment::worker::beat(scope, application),
        main,
        size: size("250m", "768Mi", "1Gi"),
        grace_secs: i64::from(scope.spec().termination_grace_period_seconds),
        // It boots the whole application and asks the database nothing.
        needs_database: false,
        mounts: false,
        replicas: wanted.replicas.unwrap_or(1).min(1),
        replacement: Replacement::OneAtATime,
    };
    application::declare(scope, application, member)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::fixture::World;
    use crate::spec::Spec;

    #[test]
    fn there_is_one_whatever_the_spec_says_and_never_two_at_once() {
        let mut spec = Spec::default();
        spec.beat.replicas = Some(3);
        let body = World::of(spec).body(Kind::Deployment, "-beat");
        assert_eq!(body["spec"]["replicas"], 1);
        assert_eq!(body["spec"]["strategy"]["type"], "Recreate");
    }

    #[test]
    fn its_schedule_is_where_it_may_write() {
        let pod = World::default_set().body(Kind::Deployment, "-beat")["spec"]["template"]["spec"].clone();
        assert!(pod["containers"][0]["command"].to_string().contains("/tmp/celerybeat-schedule"));
        assert_eq!(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
    }
}
