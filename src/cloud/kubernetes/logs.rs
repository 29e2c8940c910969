//! The last words of a failed Job.

use http::Method;
use serde_json::Value;

use super::{Call, Kubernetes, segment};
use crate::cloud::scrub;
use crate::error::CloudError;

/// See [`Kubernetes::pod_log_tail`].
pub(super) async fn tail(
    kubernetes: &Kubernetes,
    namespace: &str,
    job_name: &str,
    lines: usize,
) -> Result<Option<String>, CloudError> {
    let pods = format!("/api/v1/namespaces/{}/pods", segment(namespace));
    let selector = segment(&format!("job-name={job_name}"));
    let list = kubernetes.call("Pod list", Method::GET, format!("{pods}?labelSelector={selector}")).await?;
    let Some(pod) = newest(&list) else { return Ok(None) };
    let Some(name) = pod.pointer("/metadata/name").and_then(Value::as_str) else { return Ok(None) };
    let culprit = culprit(pod);
    if let Some(why) = culprit.never_ran {
        return Ok(Some(scrub::lines(&why)));
    }
    let container = segment(&culprit.container);
    let call = Call {
        name: "Pod log",
        method: Method::GET,
        path: format!("{pods}/{}/log?container={container}&tailLines={lines}", segment(name)),
        content_type: "application/json",
        body: None,
    };
    let answer = kubernetes.exchange(&call).await?;
    let text = String::from_utf8_lossy(&answer.body);
    Ok(Some(scrub::lines(text.trim_end())))
}

/// The pod that was made last: a Job's later tries say more about what is wrong now.
fn newest(list: &Value) -> Option<&Value> {
    let created = |pod: &&Value| {
        pod.pointer("/metadata/creationTimestamp").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    list.get("items")?.as_array()?.iter().max_by_key(created)
}

/// The container that a pod failed by.
#[derive(Debug, PartialEq)]
struct Culprit {
    container: String,
    /// Why it did not even start, when it did not.
    never_ran: Option<String>,
}

fn culprit(pod: &Value) -> Culprit {
    let statuses = |field: &str| {
        pod.pointer(&format!("/status/{field}")).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    // What runs first fails first.
    let all: Vec<Value> =
        statuses("initContainerStatuses").into_iter().chain(statuses("containerStatuses")).collect();
    let name = |status: &Value| status.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(failed) = all.iter().find(|status| exit_code(status).is_some_and(|code| code != 0)) {
        return Culprit { container: name(failed), never_ran: None };
    }
    let waiting = all.iter().find_map(|status| Some((status, stuck(status)?)));
    if let Some((status, why)) = waiting {
        let container = name(status);
        return Culprit { never_ran: Some(format!("container {container}: {why}")), container };
    }
    let first = pod.pointer("/spec/containers/0/name").and_then(Value::as_str).unwrap_or_default();
    Culprit { container: first.to_owned(), never_ran: None }
}

fn exit_code(status: &Value) -> Option<i64> {
    let ended = ["/state/terminated/exitCode", "/lastState/terminated/exitCode"];
    ended.iter().find_map(|pointer| status.pointer(pointer)?.as_i64())
}

/// Why a container that never ran waits: an image that cannot be pulled, a Secret that is not there.
fn stuck(status: &Value) -> Option<String> {
    let waiting = status.pointer("/state/waiting")?;
    let reason = waiting.get("reason")?.as_str()?;
    if matches!(reason, "PodInitializing" | "ContainerCreating") {
        return None;
    }
    let message = waiting.get("message").and_then(Value::as_str).unwrap_or_default();
    Some(if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_container_that_failed_is_asked_not_its_sidecar() {
        let pod = json!({
            "spec": {"containers": [{"name": "migrate"}]},
            "status": {
                "initContainerStatuses": [{"name": "proxy", "state": {"running": {}}}],
                "containerStatuses": [
                    {"name": "helper", "state": {"terminated": {"exitCode": 0}}},
                    {"name": "migrate", "state": {"terminated": {"exitCode": 1}}},
                ],
            },
        });
        assert_eq!(culprit(&pod), Culprit { container: "migrate".into(), never_ran: None });
    }

    #[test]
    fn a_container_that_never_ran_says_why() {
        let waiting = json!({"waiting": {"reason": "ErrImagePull", "message": "no such image"}});
        let pod = json!({"status": {"containerStatuses": [{"name": "api", "state": waiting}]}});
        assert_eq!(culprit(&pod).never_ran.as_deref(), Some("container api: ErrImagePull: no such image"));
    }

    #[test]
    fn without_any_status_the_first_container_is_asked() {
        assert_eq!(culprit(&json!({"spec": {"containers": [{"name": "a"}]}})).container, "a");
    }
}
