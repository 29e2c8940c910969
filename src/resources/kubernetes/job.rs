//! Jobs: run once for what their name stands for.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::scope::Scope;

/// How often and how long a Job may try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Retries after the first failure.
    pub retries: u32,
    /// Seconds for all of it; without, it may take for ever.
    pub deadline_secs: Option<u32>,
    /// Pods that have to succeed.
    pub completions: u32,
}

/// A Job of one pod after the other. It is kept when it is done: that it succeeded is how the next look
/// knows that there is nothing to do.
pub fn job(
    scope: &Scope<'_>,
    name: &str,
    component: &str,
    attempt: Attempt,
    template: PodTemplateSpec,
) -> Job {
    Job {
        metadata: scope.metadata(name, component),
        spec: Some(spec(attempt, template)),
        ..Default::default()
    }
}

/// The specification alone, for a CronJob too.
pub fn spec(attempt: Attempt, mut template: PodTemplateSpec) -> JobSpec {
    if let Some(pod) = &mut template.spec {
        pod.restart_policy.get_or_insert_with(|| "Never".into());
    }
    let number = |value: u32| Some(i32::try_from(value).unwrap_or(i32::MAX));
    JobSpec {
        backoff_limit: number(attempt.retries),
        active_deadline_seconds: attempt.deadline_secs.map(|secs| i64::from(secs.max(1))),
        completions: number(attempt.completions.max(1)),
        parallelism: Some(1),
        template,
        ..Default::default()
    }
}
