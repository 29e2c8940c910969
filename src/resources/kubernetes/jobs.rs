//! The user's initialization jobs. They run after db-init and before the migration, once for each
//! definition.

use std::collections::BTreeMap;

use serde_json::json;

use crate::resources::{Declared, ResourceId};
use crate::slice::Slice;
use crate::spec::types::InitializationJob;

use super::environment::{Application, secrets};
use super::job::{self, Attempt};
use super::scope::{Scope, bounded, dns};
use super::sizes::{limits, size};
use super::users::{Reads, Run};
use super::waits::Waits;
use super::{Kind, config, credentials, stamp};

/// The component that all of them count as.
pub const COMPONENT: &str = "job";

/// Every job, each after those it depends on.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let jobs = &scope.spec().initialization_jobs;
    jobs.iter().flat_map(|job| declare_one(scope, application, job)).collect()
}

/// The jobs that hold the rollout until they succeeded.
pub fn gating(scope: &Scope<'_>) -> Vec<ResourceId> {
    let jobs = scope.spec().initialization_jobs.iter();
    jobs.filter(|job| job.execute_on_apply.unwrap_or(true)).map(|job| id(scope, job)).collect()
}

fn declare_one(scope: &Scope<'_>, application: &Application, wanted: &InitializationJob) -> Vec<Declared> {
    let (slice, mut secret_waits) = (Slice::Migration, Waits::default());
    let reads = reads(scope, wanted, &mut secret_waits);
    let own = config::name(scope, &format!("{COMPONENT}-{}", dns(&wanted.name)));
    let plain = reads.plain(scope, application);
    let mut all = vec![config::declare(scope, &own, COMPONENT, slice, &plain, &application.plain_waits)];
    if !reads.secrets.is_empty() {
        all.push(credentials::declare(scope, &own, COMPONENT, slice, &reads.secrets, &secret_waits));
    }
    let mut waits = application.waits().and(&secret_waits);
    let mut main = run(wanted).container(scope, &dns(&wanted.name), &mut waits);
    let stock = size("1000m", "512Mi", "1Gi");
    main.resources = Some(limits(wanted.cpu_limit.as_deref(), wanted.memory_limit.as_deref(), stock));
    let mut pod = reads.pod(scope, application, &own, main, &mut waits);
    if wanted.mount_nfs == Some(true) {
        pod = pod.with_nfs(scope, &mut waits);
    }
    pod = pod.with_buckets(scope, Some(wanted.mount_gcs_volumes.as_deref().unwrap_or_default()), &mut waits);
    let attempt = Attempt {
        retries: wanted.max_retries.unwrap_or(1),
        deadline_secs: Some(wanted.timeout_seconds.unwrap_or(600)),
        completions: wanted.task_count.unwrap_or(1),
    };
    let name = name(scope, wanted);
    let mut body = job::job(scope, &name, COMPONENT, attempt, pod.template(scope, COMPONENT));
    let text = wanted.description.clone().map(|text| ("dify-reconciler/description".to_owned(), text));
    body.metadata.annotations = text.map(|text| BTreeMap::from([text]));
    let mut needs = reads.needs(scope, &own);
    needs.extend(dependencies(scope, wanted));
    all.push(scope.declare(Kind::Job, &name, slice, needs, &waits, &body));
    all
}

fn reads<'a>(scope: &Scope<'_>, wanted: &'a InitializationJob, waits: &mut Waits) -> Reads<'a> {
    let database = wanted.needs_db.unwrap_or(true);
    let none = BTreeMap::new();
    Reads {
        variables: wanted.env_vars.as_ref(),
        secrets: secrets::users(scope, wanted.secret_env_vars.as_ref().unwrap_or(&none), waits),
        database,
        application_secrets: wanted.needs_secrets.unwrap_or(database),
    }
}

fn run(wanted: &InitializationJob) -> Run<'_> {
    Run {
        image: wanted.image.as_deref(),
        command: wanted.command.as_deref(),
        args: wanted.args.as_deref(),
        script: wanted.script_path.as_deref(),
    }
}

fn dependencies(scope: &Scope<'_>, wanted: &InitializationJob) -> Vec<ResourceId> {
    let names = wanted.depends_on_jobs.as_deref().unwrap_or_default();
    let jobs = scope.spec().initialization_jobs.iter();
    jobs.filter(|job| names.contains(&job.name)).map(|job| id(scope, job)).collect()
}

fn id(scope: &Scope<'_>, wanted: &InitializationJob) -> ResourceId {
    scope.id(Kind::Job, &name(scope, wanted))
}

/// The name changes with the definition and the image, so that what changed runs again.
fn name(scope: &Scope<'_>, wanted: &InitializationJob) -> String {
    let image = run(wanted).pinned(scope).unwrap_or_default();
    let hash: String = stamp::fingerprint(&json!({"job": wanted, "image": image})).chars().take(8).collect();
    bounded(&scope.names().component(&format!("{COMPONENT}-{}-{hash}", dns(&wanted.name))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    fn world(jobs: serde_json::Value) -> World {
        let mut spec = Spec::default();
        spec.set("initialization_jobs", jobs).unwrap().unwrap();
        World::of(spec)
    }

    fn find<'a>(all: &'a [Declared], part: &str) -> &'a Declared {
        let is_job = |one: &&Declared| one.id.to_string().starts_with("Job ");
        all.iter().filter(is_job).find(|one| one.id.name.contains(part)).expect(part)
    }

    #[test]
    fn they_run_in_the_order_of_what_they_depend_on() {
        let all = world(json!([
            {"name": "second", "command": ["true"], "depends_on_jobs": ["first"]},
            {"name": "first", "command": ["true"]},
        ]))
        .declared();
        assert!(find(&all, "job-second").needs.contains(&find(&all, "job-first").id));
        assert!(find(&all, "migrate").needs.contains(&find(&all, "job-second").id));
    }

    #[test]
    fn one_that_is_not_waited_for_holds_nothing_up() {
        let all =
            world(json!([{"name": "later", "command": ["true"], "execute_on_apply": false}])).declared();
        let later = &find(&all, "job-later").id;
        assert!(!all.iter().any(|one| one.needs.contains(later)));
    }

    #[test]
    fn another_definition_runs_again_and_the_same_does_not() {
        let id = |script: &str| {
            let all = world(json!([{"name": "j", "script_path": script}])).declared();
            find(&all, "job-j").id.clone()
        };
        assert_eq!(id("a"), id("a"));
        assert_ne!(id("a"), id("b"));
    }

    #[test]
    fn without_the_database_there_is_no_proxy_and_no_password() {
        let all = world(json!([{"name": "j", "command": ["true"], "needs_db": false}])).declared();
        let crate::resources::Desired::Ready(document) = &find(&all, "job-j").desired else { panic!() };
        let text = document.wire().to_string();
        assert!(
            !text.contains("cloud-sql-proxy")
                && !text.contains("ROOT_PASSWORD")
                && !text.contains("secretRef")
        );
    }
}
