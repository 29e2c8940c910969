//! Whether others may build on an object.

use serde_json::Value;

use crate::resources::{Readiness, Wait, WaitKind};

use super::Kind;
use super::stamp::NO_WAIT;

/// How far an object that was seen like this has come.
pub fn readiness(kind: Kind, seen: &Value) -> Readiness {
    if kind != Kind::Namespace && seen.pointer("/metadata/deletionTimestamp").is_some() {
        return wait(WaitKind::Dependency, "it is being deleted");
    }
    match kind {
        Kind::Namespace => namespace(seen),
        Kind::Job => job(seen),
        Kind::Deployment => deployment(seen),
        Kind::StatefulSet => stateful_set(seen),
        Kind::Gateway => gateway(seen),
        Kind::HttpRoute => route(seen),
        // A claim of class `standard-rwo` is bound when its first pod is scheduled, so it must not be
        // waited for before the pod.
        _ => Readiness::Ready,
    }
}

/// The message of a condition that is `True`, empty when it has none.
pub fn condition<'a>(seen: &'a Value, kind: &str) -> Option<&'a str> {
    find(seen.pointer("/status/conditions"), kind, "True")
        .map(|condition| condition.get("message").and_then(Value::as_str).unwrap_or_default())
}

fn find<'a>(conditions: Option<&'a Value>, kind: &str, status: &str) -> Option<&'a Value> {
    let is = |condition: &&Value, name: &str, value: &str| {
        condition.get(name).and_then(Value::as_str).is_some_and(|text| text == value)
    };
    conditions?
        .as_array()?
        .iter()
        .find(|condition| is(condition, "type", kind) && is(condition, "status", status))
}

fn wait(kind: WaitKind, why: impl Into<String>) -> Readiness {
    Readiness::NotYet(Wait::new(kind, why))
}

fn namespace(seen: &Value) -> Readiness {
    match seen.pointer("/status/phase").and_then(Value::as_str) {
        Some("Terminating") => wait(WaitKind::Dependency, "the namespace is being deleted"),
        _ => Readiness::Ready,
    }
}

fn job(seen: &Value) -> Readiness {
    if condition(seen, "Complete").is_some() {
        return Readiness::Ready;
    }
    if let Some(failed) = find(seen.pointer("/status/conditions"), "Failed", "True") {
        let text = |name: &str| failed.get(name).and_then(Value::as_str).unwrap_or_default();
        return Readiness::Failed(format!("the Job failed: {} {}", text("reason"), text("message")));
    }
    wait(WaitKind::Job, format!("the Job {} is running", name(seen)))
}

fn deployment(seen: &Value) -> Readiness {
    if seen.pointer("/metadata/annotations").and_then(|all| all.get(NO_WAIT)).is_some() {
        return Readiness::Ready;
    }
    let failed = find(seen.pointer("/status/conditions"), "Progressing", "False");
    if let Some(failed) = failed.filter(|_| observed(seen)) {
        let text = |name: &str| failed.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("reason") == "ProgressDeadlineExceeded" {
            return Readiness::Failed(format!("the rollout did not get through: {}", text("message")));
        }
    }
    let wanted = count(seen, "/spec/replicas").unwrap_or(1);
    let of = |field: &str| count(seen, &format!("/status/{field}")).unwrap_or(0);
    let done = observed(seen)
        && of("updatedReplicas") >= wanted
        && of("availableReplicas") >= wanted
        && of("replicas") <= of("updatedReplicas");
    rolled_out(seen, done, of("updatedReplicas").min(of("availableReplicas")), wanted)
}

fn stateful_set(seen: &Value) -> Readiness {
    let wanted = count(seen, "/spec/replicas").unwrap_or(1);
    let of = |field: &str| count(seen, &format!("/status/{field}")).unwrap_or(0);
    // With OnDelete the user replaces the pods, and nobody else ever will.
    let on_delete = seen.pointer("/spec/updateStrategy/type").and_then(Value::as_str) == Some("OnDelete");
    let revision = |field: &str| seen.pointer(&format!("/status/{field}"));
    let updated = on_delete
        || of("updatedReplicas") >= wanted
        || (revision("currentRevision").is_some()
            && revision("currentRevision") == revision("updateRevision"));
    let done = observed(seen) && updated && of("readyReplicas") >= wanted;
    rolled_out(seen, done, of("readyReplicas"), wanted)
}

fn rolled_out(seen: &Value, done: bool, ready: i64, wanted: i64) -> Readiness {
    if done {
        return Readiness::Ready;
    }
    wait(WaitKind::Rollout, format!("{ready} of {wanted} pods of {} are up to date and ready", name(seen)))
}

fn gateway(seen: &Value) -> Readiness {
    let address = seen.pointer("/status/addresses/0/value").and_then(Value::as_str);
    if current(seen, "Programmed") && address.is_some() {
        return Readiness::Ready;
    }
    let why = find(seen.pointer("/status/conditions"), "Programmed", "False")
        .and_then(|condition| condition.get("message")?.as_str())
        .unwrap_or("the load balancer is being made");
    wait(WaitKind::FrontDoor, format!("the Gateway {} is not programmed yet: {why}", name(seen)))
}

/// Whether a condition is true of the object as it is now, not of an earlier version.
fn current(seen: &Value, kind: &str) -> bool {
    find(seen.pointer("/status/conditions"), kind, "True").is_some_and(|condition| {
        let observed = condition.get("observedGeneration").and_then(Value::as_i64);
        observed.is_none_or(|observed| observed >= count(seen, "/metadata/generation").unwrap_or(0))
    })
}

/// A route is taken up by each parent; what no controller has looked at yet is not.
fn route(seen: &Value) -> Readiness {
    let parents = seen.pointer("/status/parents").and_then(Value::as_array);
    let accepted = parents.is_some_and(|parents| {
        !parents.is_empty()
            && parents.iter().all(|parent| find(parent.get("conditions"), "Accepted", "True").is_some())
    });
    if accepted {
        return Readiness::Ready;
    }
    let why = parents
        .into_iter()
        .flatten()
        .find_map(|parent| find(parent.get("conditions"), "Accepted", "False")?.get("message")?.as_str())
        .unwrap_or("the load balancer has not taken it up");
    wait(WaitKind::FrontDoor, format!("the route {} is not accepted yet: {why}", name(seen)))
}

fn observed(seen: &Value) -> bool {
    let observed = count(seen, "/status/observedGeneration").unwrap_or(0);
    observed >= count(seen, "/metadata/generation").unwrap_or(0)
}

fn count(seen: &Value, pointer: &str) -> Option<i64> {
    seen.pointer(pointer)?.as_i64()
}

fn name(seen: &Value) -> &str {
    seen.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_wait(readiness: Readiness, kind: WaitKind) -> bool {
        matches!(readiness, Readiness::NotYet(wait) if wait.kind == kind)
    }

    fn rolling(observed: i64, updated: i64, available: i64) -> Value {
        json!({"metadata": {"name": "api", "generation": 2}, "spec": {"replicas": 2},
            "status": {"observedGeneration": observed, "replicas": 2, "updatedReplicas": updated,
                "availableReplicas": available}})
    }

    #[test]
    fn a_rollout_is_done_when_the_new_pods_are_available() {
        assert_eq!(readiness(Kind::Deployment, &rolling(2, 2, 2)), Readiness::Ready);
        for unfinished in [rolling(1, 2, 2), rolling(2, 1, 2), rolling(2, 2, 1)] {
            assert!(is_wait(readiness(Kind::Deployment, &unfinished), WaitKind::Rollout));
        }
        let mut lingering = rolling(2, 2, 2);
        lingering["status"]["replicas"] = json!(3);
        assert!(is_wait(readiness(Kind::Deployment, &lingering), WaitKind::Rollout));
    }

    #[test]
    fn a_rollout_that_ran_out_of_time_failed_and_says_why() {
        let mut stuck = rolling(2, 1, 1);
        stuck["status"]["conditions"] = json!([{"type": "Progressing", "status": "False",
            "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet \"api-7\" has timed out"}]);
        let Readiness::Failed(why) = readiness(Kind::Deployment, &stuck) else { panic!() };
        assert!(why.contains("has timed out"), "{why}");
        stuck["metadata"]["generation"] = json!(3);
        assert!(
            is_wait(readiness(Kind::Deployment, &stuck), WaitKind::Rollout),
            "an older attempt's failure"
        );
    }

    #[test]
    fn a_service_nobody_waits_for_is_ready_at_once() {
        let mut seen = rolling(1, 0, 0);
        seen["metadata"]["annotations"] = json!({NO_WAIT: "true"});
        assert_eq!(readiness(Kind::Deployment, &seen), Readiness::Ready);
    }

    #[test]
    fn a_stateful_set_is_done_with_its_last_pod() {
        let set = |updated: i64, ready: i64, strategy: &str| {
            json!({"metadata": {"name": "api", "generation": 1},
                "spec": {"replicas": 2, "updateStrategy": {"type": strategy}},
                "status": {"observedGeneration": 1, "updatedReplicas": updated, "readyReplicas": ready}})
        };
        assert_eq!(readiness(Kind::StatefulSet, &set(2, 2, "RollingUpdate")), Readiness::Ready);
        assert!(is_wait(readiness(Kind::StatefulSet, &set(1, 2, "RollingUpdate")), WaitKind::Rollout));
        assert_eq!(readiness(Kind::StatefulSet, &set(0, 2, "OnDelete")), Readiness::Ready);
    }

    #[test]
    fn a_job_succeeds_or_fails() {
        let job = |kind: &str| {
            json!({"metadata": {"name": "m"}, "status": {"conditions": [
                {"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}]}})
        };
        assert_eq!(readiness(Kind::Job, &job("Complete")), Readiness::Ready);
        assert!(
            matches!(readiness(Kind::Job, &job("Failed")), Readiness::Failed(why) if why.contains("too often"))
        );
        assert!(is_wait(readiness(Kind::Job, &json!({"metadata": {"name": "m"}})), WaitKind::Job));
    }

    #[test]
    fn a_gateway_is_ready_with_an_address() {
        let programmed = json!({"metadata": {"name": "g", "generation": 1}, "status": {
            "conditions": [{"type": "Programmed", "status": "True", "observedGeneration": 1}],
            "addresses": [{"type": "IPAddress", "value": "203.0.113.7"}]}});
        assert_eq!(readiness(Kind::Gateway, &programmed), Readiness::Ready);
        assert!(is_wait(readiness(Kind::Gateway, &json!({"metadata": {"name": "g"}})), WaitKind::FrontDoor));
    }

    #[test]
    fn a_route_is_ready_when_its_parents_took_it_up() {
        let route = |status: &str| {
            json!({"metadata": {"name": "r"}, "status": {"parents": [{"conditions": [
                {"type": "Accepted", "status": status, "message": "no listener"}]}]}})
        };
        assert_eq!(readiness(Kind::HttpRoute, &route("True")), Readiness::Ready);
        assert!(is_wait(readiness(Kind::HttpRoute, &route("False")), WaitKind::FrontDoor));
        assert!(is_wait(readiness(Kind::HttpRoute, &json!({"metadata": {}})), WaitKind::FrontDoor));
    }

    #[test]
    fn a_claim_need_not_be_bound_and_a_namespace_must_not_be_going() {
        let pending = json!({"metadata": {"name": "c"}, "status": {"phase": "Pending"}});
        assert_eq!(readiness(Kind::PersistentVolumeClaim, &pending), Readiness::Ready);
        let going = json!({"metadata": {"name": "n"}, "status": {"phase": "Terminating"}});
        assert!(is_wait(readiness(Kind::Namespace, &going), WaitKind::Dependency));
    }
}
