//! Promotion: what Cloud Deploy brought to the stage that this deployment is.
//!
//! The pipeline only says which digest; the reconciler writes it. A promotion is no event of its own: what counts
//! is the newest rollout that succeeded for the stage's target, and a rollback is a rollout like any other.

use jiff::Timestamp;
use serde_json::Value;

use crate::condition::{Finding, Reason, Severity};
use crate::plan::{Body, GoogleRequest, Method};
use crate::slice::Slice;
use crate::spec::Spec;

use super::Digests;
use super::standing::repository;

const HOST: &str = "clouddeploy.googleapis.com";

/// The pipeline and the target that decide this deployment's images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The pipeline's full name.
    pub pipeline: String,
    /// The target's id.
    pub target: String,
}

/// Where promotions come from; `None` when the spec wants none. `prefix` is the deployment's own.
pub fn source(spec: &Spec, prefix: &str) -> Option<Source> {
    if !spec.enable_cloud_deploy {
        return None;
    }
    let stage = &spec.gateway_backend_stage;
    let own = spec.cloud_deploy_stages.iter().find(|one| one.name == *stage);
    let target =
        own.and_then(|stage| stage.target_name.clone()).unwrap_or_else(|| format!("{prefix}-{stage}"));
    let name = if spec.delivery_pipeline.is_empty() { prefix } else { &spec.delivery_pipeline };
    let pipeline = match name.contains('/') {
        true => name.to_owned(),
        false => {
            format!("projects/{}/locations/{}/deliveryPipelines/{name}", spec.project_id, spec.region)
        }
    };
    Some(Source { pipeline, target })
}

/// Lists the rollouts to the target, of all releases of the pipeline.
pub fn list(source: &Source) -> GoogleRequest {
    let query = vec![
        ("filter", format!("targetId=\"{}\"", source.target)),
        ("orderBy", "createTime desc".to_owned()),
        ("pageSize", "100".to_owned()),
    ];
    request(
        "clouddeploy.projects.locations.deliveryPipelines.releases.rollouts.list",
        format!("v1/{}/releases/-/rollouts", source.pipeline),
        query,
    )
}

/// Reads the release of a rollout.
pub fn read(rollout: &Value) -> Option<GoogleRequest> {
    let (release, _) = text(rollout, "name").split_once("/rollouts/")?;
    let method = "clouddeploy.projects.locations.deliveryPipelines.releases.get";
    Some(request(method, format!("v1/{release}"), Vec::new()))
}

fn request(method_id: &'static str, path: String, query: Vec<(&'static str, String)>) -> GoogleRequest {
    GoogleRequest { method: Method::Get, host: HOST, path, query, body: Body::Empty, method_id }
}

/// The rollout that succeeded last for the target.
pub fn effective<'a>(rollouts: &'a [Value], source: &Source) -> Option<&'a Value> {
    of_target(rollouts, source)
        .filter(|rollout| text(rollout, "state") == "SUCCEEDED")
        .max_by_key(|rollout| time(rollout, "deployEndTime"))
}

fn of_target<'a>(rollouts: &'a [Value], source: &Source) -> impl Iterator<Item = &'a Value> {
    let target = source.target.clone();
    rollouts.iter().filter(move |rollout| text(rollout, "targetId") == target)
}

/// The digests that a release promotes, in place of those of the running release; the references of artifacts that
/// name no digest.
pub fn promoted(release: &Value, current: &Digests) -> (Digests, Vec<String>) {
    let mut digests = current.clone();
    let mut undigested = Vec::new();
    for artifact in release.get("buildArtifacts").and_then(Value::as_array).into_iter().flatten() {
        let tag = text(artifact, "tag");
        let Some(reference) = current.keys().find(|reference| repository(reference) == repository(tag))
        else {
            continue;
        };
        match tag.split_once('@') {
            Some((_, digest)) => {
                digests.insert(reference.clone(), digest.to_owned());
            }
            None => undigested.push(tag.to_owned()),
        }
    }
    (digests, undigested)
}

/// What the user is told of the pipeline: what is effective, what waits for an approval, what was refused.
pub fn told(rollouts: &[Value], source: &Source) -> Vec<Finding> {
    let effective = effective(rollouts, source);
    let mut findings = vec![match effective {
        Some(rollout) => promoted_by(rollout, source),
        None => nothing_promoted(source),
    }];
    let since = effective.and_then(|rollout| time(rollout, "createTime"));
    let newest = of_target(rollouts, source).max_by_key(|rollout| time(rollout, "createTime"));
    // What is older than the rollout that took effect has been overtaken by it.
    let newest = newest.filter(|rollout| time(rollout, "createTime") > since);
    findings.extend(newest.and_then(|rollout| under_way(rollout, source)));
    findings
}

fn promoted_by(rollout: &Value, source: &Source) -> Finding {
    let rollback = text(rollout, "rollbackOfRollout");
    let how =
        if rollback.is_empty() { String::new() } else { format!(", a rollback of {}", short(rollback)) };
    let approved = match text(rollout, "approvalState") {
        "APPROVED" => format!(", approved at {}", text(rollout, "approveTime")),
        _ => String::new(),
    };
    let message =
        format!("{} was promoted to {}{how}{approved}", short(text(rollout, "name")), source.target);
    finding(Reason::Converged, Severity::Info, source, message, "")
}

fn nothing_promoted(source: &Source) -> Finding {
    let message = format!("nothing was promoted to {} yet: the spec's own images run", source.target);
    finding(Reason::WaitingForUser, Severity::Info, source, message, "Create a release and promote it.")
}

fn under_way(rollout: &Value, source: &Source) -> Option<Finding> {
    let name = short(text(rollout, "name"));
    let target = &source.target;
    let told = |reason, severity, message, help: &str| Some(finding(reason, severity, source, message, help));
    match (text(rollout, "state"), text(rollout, "approvalState")) {
        ("PENDING_APPROVAL", _) | (_, "NEEDS_APPROVAL") => {
            let help = "Approve or reject the rollout in Cloud Deploy.";
            told(
                Reason::WaitingForUser,
                Severity::Info,
                format!("{name} to {target} waits for approval"),
                help,
            )
        }
        ("APPROVAL_REJECTED", _) | (_, "REJECTED") => {
            told(Reason::Refused, Severity::Info, format!("{name} to {target} was not approved"), "")
        }
        ("FAILED", _) => {
            let why = text(rollout, "failureReason");
            let message = format!("{name} to {target} failed: {why}");
            told(Reason::RolloutFailed, Severity::Warning, message, "What was promoted before keeps running.")
        }
        ("SUCCEEDED" | "CANCELLED" | "HALTED", _) => None,
        (_, "APPROVED") => {
            let when = text(rollout, "approveTime");
            let message = format!("{name} to {target} was approved at {when} and is under way");
            told(Reason::Progressing, Severity::Info, message, "")
        }
        _ => told(Reason::Progressing, Severity::Info, format!("{name} to {target} is under way"), ""),
    }
}

/// A release whose artifacts have no digest: what they stand for can change after somebody approved it.
pub fn undigested(source: &Source, artifacts: &[String]) -> Finding {
    let message = format!("the promoted release names {} by tag: it is not rolled out", artifacts.join(", "));
    let help = "Create releases with --images=NAME=REPOSITORY@sha256:….";
    finding(Reason::Refused, Severity::Warning, source, message, help)
}

/// The pipeline could not be read: what was promoted before stays.
pub fn unreadable(source: &Source, why: &str) -> Finding {
    let message = format!("what was promoted to {} could not be read: {why}", source.target);
    finding(Reason::NotFound, Severity::Warning, source, message, "Look whether the pipeline exists.")
}

fn finding(reason: Reason, severity: Severity, source: &Source, message: String, help: &str) -> Finding {
    let subject = Some(source.pipeline.clone());
    Finding { reason, severity, slice: Slice::Delivery, subject, message, help: help.into() }
}

/// `RELEASE/ROLLOUT` of a full name.
fn short(name: &str) -> String {
    let rest = name.split_once("/releases/").map_or(name, |(_, rest)| rest);
    rest.replace("/rollouts/", "/")
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn time(body: &Value, field: &str) -> Option<Timestamp> {
    text(body, field).parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source() -> Source {
        Source { pipeline: "projects/p/locations/l/deliveryPipelines/d".into(), target: "prod".into() }
    }

    fn rollout(name: &str, state: &str, minute: u8) -> Value {
        let time = format!("2026-11-23T00:{minute:02}:00Z");
        json!({"name": format!("projects/p/locations/l/deliveryPipelines/d/releases/{name}/rollouts/{name}-1"),
               "targetId": "prod", "state": state, "createTime": time, "deployEndTime": time})
    }

    #[test]
    fn the_newest_rollout_that_succeeded_counts_whatever_began_since() {
        let rollouts = [
            rollout("a", "SUCCEEDED", 1),
            rollout("b", "SUCCEEDED", 2),
            rollout("c", "FAILED", 3),
            rollout("d", "IN_PROGRESS", 4),
        ];
        let effective = effective(&rollouts, &source()).unwrap();
        assert!(text(effective, "name").ends_with("/b-1"));
        let elsewhere = Source { target: "dev".into(), ..source() };
        assert_eq!(super::effective(&rollouts, &elsewhere), None);
    }

    #[test]
    fn an_approval_that_is_asked_for_is_told_until_it_is_overtaken() {
        let mut waiting = rollout("b", "PENDING_APPROVAL", 2);
        waiting["approvalState"] = json!("NEEDS_APPROVAL");
        let before = told(&[rollout("a", "SUCCEEDED", 1), waiting.clone()], &source());
        assert!(before.iter().any(|finding| finding.message.contains("b/b-1 to prod waits for approval")));
        let after = told(&[rollout("c", "SUCCEEDED", 3), waiting], &source());
        assert!(!after.iter().any(|finding| finding.message.contains("waits")), "{after:#?}");
    }

    #[test]
    fn an_image_is_promoted_by_digest_only() {
        let current = Digests::from([("h/api:1".to_owned(), "sha256:old".to_owned())]);
        let release = |tag: &str| json!({"buildArtifacts": [{"image": "api", "tag": tag}]});
        let (digests, undigested) = promoted(&release("h/api@sha256:new"), &current);
        assert_eq!((digests["h/api:1"].as_str(), undigested.len()), ("sha256:new", 0));
        let (digests, undigested) = promoted(&release("h/api:2"), &current);
        assert_eq!((digests["h/api:1"].as_str(), undigested), ("sha256:old", vec!["h/api:2".to_owned()]));
        assert_eq!(promoted(&release("h/other@sha256:new"), &current).0, current);
    }
}
