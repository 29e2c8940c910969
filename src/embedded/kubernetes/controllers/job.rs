//! Jobs run one pod and end well, unless a fault or what they do outside of the cluster says otherwise.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Run, condition, container};
use crate::embedded::kubernetes::kinds;
use crate::embedded::kubernetes::settings::{JobFault, Settings};
use crate::embedded::kubernetes::store::{Key, World, field, text, uid};

/// Starts, ends and finally removes a Job.
pub fn run(run: &mut Run, world: &mut World, key: &Key, object: &Value) {
    if object["spec"]["suspend"] == true || !field(object, "deletionTimestamp").is_empty() {
        return;
    }
    if let Some(end) = ended(object) {
        return expire(run, world, key, object, end);
    }
    let mut fault = fault(world, object);
    let delay = world.settings.job_takes(&key.name);
    let deadline = object["spec"]["activeDeadlineSeconds"].as_u64().map(Duration::from_secs);
    let overdue = deadline.filter(|deadline| *deadline < delay);
    let (done, at) = run.passed(world, object, "runs", overdue.unwrap_or(delay));
    let start = world.since(uid(object), "runs", run.now);
    let end = match (done, overdue, &fault) {
        (false, _, _) => None,
        (true, Some(_), _) => {
            Some(End::failed("DeadlineExceeded", "Job was active longer than specified deadline"))
        }
        (true, None, Some(_)) => Some(End::BACKED_OFF),
        (true, None, None) => match container::run(world, key, object, delay) {
            Ok(()) => Some(End::GOOD),
            Err(log) => {
                let termination_message = log.clone();
                fault = Some(JobFault { prefix: key.name.clone(), log, termination_message, times: 0 });
                world.fates.insert(uid(object).to_owned(), fault.clone());
                Some(End::BACKED_OFF)
            }
        },
    };
    pod(run, world, key, object, start, end.as_ref().map(|end| (end, at)), fault.as_ref());
    let mut status = json!({"startTime": text(start), "uncountedTerminatedPods": {}, "terminating": 0});
    match end {
        None => {
            status["active"] = 1.into();
            status["ready"] = 1.into();
        }
        Some(end) => {
            status["ready"] = 0.into();
            status[if end.good { "succeeded" } else { "failed" }] = 1.into();
            if end.good {
                status["completionTime"] = text(at).into();
            }
            let (first, last) =
                if end.good { ("SuccessCriteriaMet", "Complete") } else { ("FailureTarget", "Failed") };
            let conditions = [first, last].map(|kind| job_condition(kind, &end, at));
            status["conditions"] = conditions.to_vec().into();
        }
    }
    run.set_status(world, key, status);
}

struct End {
    good: bool,
    reason: &'static str,
    message: &'static str,
}

impl End {
    const GOOD: Self = Self {
        good: true,
        reason: "CompletionsReached",
        message: "Reached expected number of succeeded pods",
    };

    const BACKED_OFF: Self = Self {
        good: false,
        reason: "BackoffLimitExceeded",
        message: "Job has reached the specified backoff limit",
    };

    fn failed(reason: &'static str, message: &'static str) -> Self {
        Self { good: false, reason, message }
    }
}

fn job_condition(kind: &str, end: &End, at: Timestamp) -> Value {
    let mut condition = condition(kind, true, end.reason, end.message, at);
    condition["lastProbeTime"] = text(at).into();
    if let Some(fields) = condition.as_object_mut() {
        fields.remove("lastUpdateTime");
    }
    condition
}

/// When the Job ended, if it did.
fn ended(object: &Value) -> Option<Timestamp> {
    let conditions = object["status"]["conditions"].as_array()?;
    let last = conditions.iter().find(|one| one["type"] == "Complete" || one["type"] == "Failed")?;
    last["lastTransitionTime"].as_str()?.parse().ok()
}

fn expire(run: &mut Run, world: &mut World, key: &Key, object: &Value, end: Timestamp) {
    if let Some(seconds) = object["spec"]["ttlSecondsAfterFinished"].as_u64() {
        let at = super::later(end, Duration::from_secs(seconds));
        if run.now >= at {
            world.remove(key);
        } else {
            run.due = Some(run.due.map_or(at, |due| due.min(at)));
        }
    }
}

/// The fault that meets this Job. It counts as used when the pod is made, and stays with the pod.
fn fault(world: &World, job: &Value) -> Option<JobFault> {
    let name = field(job, "name");
    match world.fates.get(uid(job)) {
        Some(fate) => fate.clone(),
        None => world
            .settings
            .failing_jobs
            .iter()
            .find(|job| job.times > 0 && name.starts_with(&job.prefix))
            .cloned(),
    }
}

fn pod(
    run: &Run,
    world: &mut World,
    key: &Key,
    job: &Value,
    start: Timestamp,
    end: Option<(&End, Timestamp)>,
    fault: Option<&JobFault>,
) {
    let Some(kind) = kinds::by_name("Pod") else { return };
    // The same name in every run, where a real one is random.
    let short: String = key.name.chars().take(54).collect();
    let name = format!("{short}-{:08x}", crc32c::crc32c(key.name.as_bytes()));
    let pod = Key::new(kind, &key.namespace, &name);
    if world.get(&pod).is_none() {
        meet(world, job, fault);
        let template = &job["spec"]["template"];
        let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": key.name, "uid": uid(job),
            "controller": true, "blockOwnerDeletion": true});
        let mut metadata = template["metadata"].clone();
        metadata["name"] = name.into();
        metadata["generateName"] = format!("{}-", key.name).into();
        metadata["ownerReferences"] = json!([owner]);
        run.create(world, kind, &key.namespace, json!({"metadata": metadata, "spec": template["spec"]}));
    }
    let message = match (fault, end) {
        (Some(fault), _) => Some(fault.termination_message.clone()),
        (None, _) => Settings::longest(&world.settings.messages, &key.name).map(str::to_owned),
    };
    let spec = &job["spec"]["template"]["spec"];
    let states = |list: &str| -> Vec<Value> {
        let containers = spec[list].as_array().into_iter().flatten();
        containers.map(|container| container_status(container, start, end, message.as_deref())).collect()
    };
    let phase = end.map_or("Running", |(end, _)| if end.good { "Succeeded" } else { "Failed" });
    let mut status = json!({"phase": phase, "startTime": text(start), "qosClass": "BestEffort",
        "containerStatuses": states("containers")});
    let before = states("initContainers");
    if !before.is_empty() {
        status["initContainerStatuses"] = before.into();
    }
    run.set_status(world, &pod, status);
}

/// Uses a fault up and writes down which one the Job has met, so that its log can be read afterwards.
fn meet(world: &mut World, job: &Value, fault: Option<&JobFault>) {
    world.fates.insert(uid(job).to_owned(), fault.cloned());
    let prefix = fault.map(|fault| fault.prefix.clone());
    let used = world
        .settings
        .failing_jobs
        .iter_mut()
        .find(|job| Some(&job.prefix) == prefix.as_ref() && job.times > 0);
    if let Some(used) = used {
        used.times -= 1;
    }
}

fn container_status(
    container: &Value,
    start: Timestamp,
    end: Option<(&End, Timestamp)>,
    message: Option<&str>,
) -> Value {
    let state = match end {
        None => json!({"running": {"startedAt": text(start)}}),
        Some((end, at)) => {
            let (code, reason) = if end.good { (0, "Completed") } else { (1, "Error") };
            let mut terminated = json!({"exitCode": code, "reason": reason, "startedAt": text(start),
                "finishedAt": text(at)});
            if let Some(message) = message.filter(|message| !message.is_empty()) {
                terminated["message"] = message.into();
            }
            json!({"terminated": terminated})
        }
    };
    json!({"name": container["name"], "image": container["image"], "imageID": "", "ready": end.is_none(),
        "started": end.is_none(), "restartCount": 0, "lastState": {}, "state": state})
}

/// What a pod's containers printed.
pub fn printed(world: &World, pod: &Value) -> String {
    let job =
        pod["metadata"]["labels"]["batch.kubernetes.io/job-name"].as_str().unwrap_or(field(pod, "name"));
    let owner = pod["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default();
    if let Some(Some(fault)) = world.fates.get(owner) {
        return fault.log.clone();
    }
    Settings::longest(&world.settings.logs, job).map_or_else(String::new, str::to_owned)
}
