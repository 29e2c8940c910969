//! Whether anything may still run that was started with what was in use before.
//!
//! A pod of an earlier rollout is gone at the latest when its time to stop has passed since the rollout ended, which
//! the Deployment tells (`Progressing`, `NewReplicaSetAvailable`); `rotation_propagation_delay_sec` may make it longer.
//! A StatefulSet's rollout ends with its last old pod.
//! That everything has been rolled out at all, the planner sees: whoever asks here needs the workloads to stand.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::resources::kubernetes::{self, stamp};
use crate::resources::{Context, Kind as AnyKind, ResourceId, Wait, WaitKind};

use super::sight;

/// Kubernetes' own time to stop, in seconds, where a pod names none.
const GRACE_SECS: i64 = 30;

/// What a node may be late, in seconds.
const LATE_SECS: i64 = 5;

/// How long a pod of any Deployment may take to stop, in seconds.
pub fn longest_grace_secs(context: &Context<'_>) -> i64 {
    let all = context.seen.of_kind(AnyKind::Kubernetes(kubernetes::Kind::Deployment));
    let running = all.filter(|(_, body)| !is_let_go(body));
    running.map(|(_, body)| grace_secs(body) + LATE_SECS).max().unwrap_or(0)
}

fn grace_secs(deployment: &Value) -> i64 {
    let named = deployment.pointer("/spec/template/spec/terminationGracePeriodSeconds");
    named.and_then(Value::as_i64).unwrap_or(GRACE_SECS)
}

/// What may still know the old one, and why it is thought so; `None` when everybody has gone. A rollout has its own
/// wait, or has failed: then there is nothing to be waited for here.
pub fn leaving(context: &Context<'_>) -> Option<Wait> {
    leaving_from(context, 0, &[])
}

/// The same for whoever calls these components, and when what a pod has begun may go on for so many seconds without it.
pub fn leaving_from(context: &Context<'_>, secs: i64, called: &[ResourceId]) -> Option<Wait> {
    let Some(at) = context.seen.at.filter(|_| context.seen.cluster_reachable) else {
        return Some(Wait::dependency("the cluster could not be looked at"));
    };
    let delay_secs = i64::from(context.spec.rotation_propagation_delay_sec);
    let (mut newest, mut last) = (Timestamp::MIN, None);
    for (id, body) in context.seen.of_kind(AnyKind::Kubernetes(kubernetes::Kind::Deployment)) {
        if is_let_go(body) || called.contains(id) {
            continue;
        }
        let name = id.short_name();
        let Some(ended) = ended(body) else {
            return Some(Wait::dependency(format!("{name} is being rolled out")));
        };
        let grace_secs = grace_secs(body).max(delay_secs) + LATE_SECS + secs;
        let gone = ended.checked_add(SignedDuration::from_secs(grace_secs)).unwrap_or(Timestamp::MAX);
        if at < gone {
            last = last.max(Some((gone, name)));
        }
        newest = newest.max(ended);
    }
    if let Some(wait) = stateful(context) {
        return Some(wait);
    }
    let user = || sight::users(context).into_iter().find(|(since, _)| *since <= newest);
    if let Some((gone, name)) = last {
        return Some(Wait::until(at, gone, format!("a pod of {name} from before may run until {gone}")));
    }
    user().map(|(_, user)| Wait::new(WaitKind::Rollout, format!("{user} may have been started before")))
}

/// A StatefulSet with pods from before. With `OnDelete` it is the user who replaces them.
fn stateful(context: &Context<'_>) -> Option<Wait> {
    let mut all = context.seen.of_kind(AnyKind::Kubernetes(kubernetes::Kind::StatefulSet));
    let (id, body) = all.find(|(_, body)| {
        let revision = |field: &str| body.pointer(&format!("/status/{field}")).and_then(Value::as_str);
        let count =
            |field: &str| body.pointer(&format!("/status/{field}")).and_then(Value::as_i64).unwrap_or(0);
        let differ =
            revision("updateRevision").is_some() && revision("updateRevision") != revision("currentRevision");
        // With `OnDelete` the current revision is never moved on.
        differ && count("updatedReplicas") < count("replicas")
    })?;
    let name = id.short_name();
    let on_delete = body.pointer("/spec/updateStrategy/type").and_then(Value::as_str) == Some("OnDelete");
    Some(match on_delete {
        true => Wait::new(WaitKind::User, format!("pods of {name} are replaced by whoever deletes them")),
        false => Wait::dependency(format!("{name} is being rolled out")),
    })
}

/// When a Deployment's last rollout ended, if it has.
pub(super) fn ended(deployment: &Value) -> Option<Timestamp> {
    let conditions = deployment.pointer("/status/conditions")?.as_array()?;
    let progress = conditions.iter().find(|condition| condition["type"] == "Progressing")?;
    let whole = progress["status"] == "True" && progress["reason"] == "NewReplicaSetAvailable";
    whole.then(|| progress["lastUpdateTime"].as_str()?.parse().ok())?
}

/// A Deployment whose rollout nothing waits for.
fn is_let_go(deployment: &Value) -> bool {
    deployment.pointer("/metadata/annotations").and_then(|all| all.get(stamp::NO_WAIT)).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::{Inventory, Sighting};
    use crate::resources::Names;
    use crate::spec::Spec;

    fn seen(at: &str, deployment: Value) -> Inventory {
        let mut seen = Inventory::begun(at.parse().expect("a time"), Default::default());
        seen.cluster_reachable = true;
        let id = ResourceId::kubernetes(kubernetes::Kind::Deployment, "n", "worker");
        seen.note(id, Sighting::Present(deployment));
        seen
    }

    fn asked(seen: &Inventory) -> Option<Wait> {
        let spec = Spec::default();
        let names = Names::new("demo", &spec, "0a1b2c3d");
        leaving(&Context { spec: &spec, names: &names, generation: 1, seen })
    }

    fn rolled_out(reason: &str) -> Value {
        json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 300}}}, "status": {"conditions": [
            {"type": "Progressing", "status": "True", "reason": reason, "lastUpdateTime": "2026-11-23T10:00:00Z"}]}})
    }

    #[test]
    fn a_pod_may_be_there_as_long_as_it_may_take_to_stop() {
        let ended = || rolled_out("NewReplicaSetAvailable");
        assert!(
            asked(&seen("2026-11-23T10:05:04Z", ended())).is_some_and(|wait| wait.why.contains("worker"))
        );
        assert_eq!(asked(&seen("2026-11-23T10:05:05Z", ended())), None);
        let going_on = asked(&seen("2026-11-23T12:00:00Z", rolled_out("ReplicaSetUpdated")));
        assert!(going_on.is_some_and(|wait| wait.why.contains("rolled out")));
    }

    #[test]
    fn a_login_lasts_as_long_as_the_slowest_pod_may_take_to_stop() {
        let seen = seen("2026-11-23T10:05:04Z", rolled_out("NewReplicaSetAvailable"));
        let spec = Spec::default();
        let names = Names::new("demo", &spec, "0a1b2c3d");
        assert_eq!(
            longest_grace_secs(&Context { spec: &spec, names: &names, generation: 1, seen: &seen }),
            305
        );
    }

    #[test]
    fn pods_that_only_the_user_replaces_are_waited_for() {
        let mut seen = seen("2026-11-23T12:00:00Z", rolled_out("NewReplicaSetAvailable"));
        let id = ResourceId::kubernetes(kubernetes::Kind::StatefulSet, "n", "api");
        let body = |updated: u64| {
            json!({"spec": {"updateStrategy": {"type": "OnDelete"}},
                   "status": {"updateRevision": "api-2", "currentRevision": "api-1", "replicas": 2, "updatedReplicas": updated}})
        };
        seen.note(id.clone(), Sighting::Present(body(1)));
        assert_eq!(asked(&seen).map(|wait| wait.kind), Some(WaitKind::User));
        seen.note(id, Sighting::Present(body(2)));
        assert_eq!(asked(&seen), None);
    }

    #[test]
    fn a_job_from_before_is_waited_for_and_a_cluster_that_was_not_seen_too() {
        let mut seen = seen("2026-11-23T12:00:00Z", rolled_out("NewReplicaSetAvailable"));
        let job = ResourceId::kubernetes(kubernetes::Kind::Job, "n", "nightly");
        let body = |since: &str| json!({"metadata": {"creationTimestamp": since}, "status": {"active": 1}});
        seen.note(job.clone(), Sighting::Present(body("2026-11-23T09:59:00Z")));
        assert!(asked(&seen).is_some_and(|wait| wait.why.contains("nightly")));
        seen.note(job, Sighting::Present(body("2026-11-23T10:01:00Z")));
        assert_eq!(asked(&seen), None);
        seen.cluster_reachable = false;
        assert!(asked(&seen).is_some());
    }
}
