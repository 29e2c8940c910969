//! The user's CronJobs.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, JobTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::resources::Declared;
use crate::slice::Slice;
use crate::spec::types::CronJob as Wanted;

use super::environment::{Application, secrets};
use super::job::{self, Attempt};
use super::scope::{Scope, cut, dns};
use super::sizes::{limits, size};
use super::users::{Reads, Run};
use super::waits::Waits;
use super::{Kind, config, credentials, stamp};

/// The component that all of them count as.
pub const COMPONENT: &str = "cron";

/// A CronJob's name leaves room for the time that its Jobs' names end in.
const NAME_CHARS: usize = 52;

/// Every CronJob and what it reads.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let jobs = &scope.spec().cron_jobs;
    jobs.iter().flat_map(|job| declare_one(scope, application, job)).collect()
}

fn declare_one(scope: &Scope<'_>, application: &Application, wanted: &Wanted) -> Vec<Declared> {
    let (slice, mut secret_waits) = (Slice::Workload, Waits::default());
    let none = BTreeMap::new();
    let reads = Reads {
        variables: wanted.env_vars.as_ref(),
        secrets: secrets::users(scope, wanted.secret_env_vars.as_ref().unwrap_or(&none), &mut secret_waits),
        database: true,
        application_secrets: true,
    };
    let own = config::name(scope, &format!("{COMPONENT}-{}", dns(&wanted.name)));
    let plain = reads.plain(scope, application);
    let mut all = vec![config::declare(scope, &own, COMPONENT, slice, &plain, &application.plain_waits)];
    if !reads.secrets.is_empty() {
        all.push(credentials::declare(scope, &own, COMPONENT, slice, &reads.secrets, &secret_waits));
    }
    let mut waits = application.waits().and(&secret_waits);
    let run = Run {
        image: wanted.image.as_deref(),
        command: wanted.command.as_deref(),
        args: wanted.args.as_deref(),
        script: wanted.script_path.as_deref(),
    };
    let mut main = run.container(scope, &dns(&wanted.name), &mut waits);
    let stock = size("500m", "256Mi", "1Gi");
    main.resources = Some(limits(wanted.cpu_limit.as_deref(), wanted.memory_limit.as_deref(), stock));
    let mut pod = reads.pod(scope, application, &own, main, &mut waits);
    if wanted.mount_nfs == Some(true) {
        pod = pod.with_nfs(scope, &mut waits);
    }
    pod = pod.with_buckets(scope, Some(wanted.mount_gcs_volumes.as_deref().unwrap_or_default()), &mut waits);
    pod.spec.restart_policy = Some(wanted.restart_policy.clone().unwrap_or_else(|| "OnFailure".into()));
    let attempt = Attempt { retries: 3, deadline_secs: None, completions: 1 };
    let job = job::spec(attempt, pod.template(scope, COMPONENT));
    let name = cut(&scope.names().component(&format!("{COMPONENT}-{}", dns(&wanted.name))), NAME_CHARS);
    let body = CronJob {
        metadata: scope.metadata(&name, COMPONENT),
        spec: Some(schedule(scope, wanted, job)),
        ..Default::default()
    };
    let needs = reads.needs(scope, &own);
    all.push(scope.declare(Kind::CronJob, &name, slice, needs, &waits, &body));
    all
}

fn schedule(scope: &Scope<'_>, wanted: &Wanted, job: k8s_openapi::api::batch::v1::JobSpec) -> CronJobSpec {
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let labels = stamp::labels(scope.names(), scope.spec(), COMPONENT);
    CronJobSpec {
        schedule: wanted.schedule.clone(),
        time_zone: Some("Etc/UTC".into()),
        concurrency_policy: Some(wanted.concurrency_policy.clone().unwrap_or_else(|| "Forbid".into())),
        failed_jobs_history_limit: Some(number(wanted.failed_jobs_history_limit.unwrap_or(1))),
        successful_jobs_history_limit: Some(number(wanted.successful_jobs_history_limit.unwrap_or(3))),
        starting_deadline_seconds: wanted.starting_deadline_seconds.map(i64::from),
        suspend: Some(wanted.suspend.unwrap_or(false)),
        job_template: JobTemplateSpec {
            metadata: Some(ObjectMeta { labels: Some(labels), ..Default::default() }),
            spec: Some(job),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::World;
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn it_runs_the_api_image_with_its_environment_at_utc() {
        let mut spec = Spec::default();
        let job = json!([{"name": "tidy_up", "schedule": "0 3 * * *", "args": ["flask", "x"],
                          "secret_env_vars": {"K": "cron-key"}}]);
        spec.set("cron_jobs", job).unwrap().unwrap();
        let world = World::of(spec);
        let body = world.body(Kind::CronJob, "-cron-tidy-up");
        assert_eq!(body["spec"]["timeZone"], "Etc/UTC");
        assert_eq!(body["spec"]["concurrencyPolicy"], "Forbid");
        let pod = &body["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(pod["restartPolicy"], "OnFailure");
        let sources: Vec<&str> = pod["containers"][0]["envFrom"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|source| source.pointer("/secretRef/name")?.as_str())
            .collect();
        assert_eq!(sources, ["appdifydemo0a1b2c3d-env", "appdifydemo0a1b2c3d-cron-tidy-up-env"]);
    }
}
