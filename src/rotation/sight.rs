//! The machine's view of an inventory.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use crate::inventory::Payload;
use crate::resources::google::{Kind, secret, secret_history, secret_version, sql_instance};
use crate::resources::kubernetes::{self, login_trial};
use crate::resources::{Context, Kind as AnyKind, Readiness, ResourceId};

use super::leaving;
use super::machine::{Mark, Side, Sight, Trial, TrialResult, Version};
use super::wish;

/// The label on the secret of the login `a` that says who logs in.
pub const LABEL: &str = "dify-reconciler-login";

/// Who logs in, once there was a switch.
pub fn mark(context: &Context<'_>) -> Option<Mark> {
    let secret = context.seen.body(&secret::id(context, Side::A.secret()))?;
    Mark::parse(secret.pointer("/labels")?.get(LABEL)?.as_str()?)
}

/// Whether the versions of the logins' secrets have to be looked at: when a rotation may become due or may be
/// under way. Most deployments never ask for one, and need no call for it.
pub fn is_watched(context: &Context<'_>) -> bool {
    let second = |side: &Side| payload(context, *side).is_some_and(|payload| payload.version > 1);
    let wish = wish::database(context);
    context.spec.deploy_application
        && (wish.most_secs.or(wish.ordered.map(|_| 0)).or(wish.reminded.map(|_| 0)).is_some()
            || mark(context).is_some()
            || Side::BOTH.iter().any(second))
}

/// The login in use and the version of its password that is.
///
/// Before the first switch that is `a` with the version that the pods have: one that somebody added since is not
/// the role's. When the pods are not there to tell, it is the newest.
pub fn in_use(context: &Context<'_>) -> Option<(Side, u64)> {
    if let Some(mark) = mark(context) {
        return Some((mark.side, mark.version));
    }
    let newest = payload(context, Side::A)?;
    let kept = first(context).and_then(|first| pinned(context, Side::A, first)).filter(|kept| {
        let pods = pods_password(context);
        kept.version != newest.version && pods.as_deref() == Some(kept.content.reveal())
    });
    Some((Side::A, kept.map_or(newest.version, |kept| kept.version)))
}

/// The first enabled version of `a`, where it might be the one in use.
pub fn first(context: &Context<'_>) -> Option<u64> {
    secret_history::versions(context, Side::A.secret())?.iter().map(|version| version.number).min()
}

/// The content of one version of a login's secret.
pub fn pinned<'a>(context: &Context<'a>, side: Side, version: u64) -> Option<&'a Payload> {
    let newest = payload(context, side).filter(|payload| payload.version == version);
    newest.or_else(|| {
        let seen: &'a crate::inventory::Inventory = context.seen;
        seen.payloads.get(&secret_version::numbered(context, side.secret(), version).name)
    })
}

/// What the machine sees; `None` as long as something of it could not be looked at.
pub fn sight(context: &Context<'_>) -> Option<Sight> {
    if !is_watched(context) || !context.seen.cluster_reachable {
        return None;
    }
    let at = context.seen.at?;
    let (_, version) = in_use(context)?;
    let versions = |side: Side| secret_history::versions(context, side.secret());
    let versions: [Vec<Version>; 2] = [versions(Side::A)?, versions(Side::B)?];
    Some(Sight {
        at,
        mark: mark(context),
        version,
        trials: trials(context, &versions, at),
        versions,
        changes: changes(context),
        users: users(context),
        drain_secs: drain_secs(context),
        wish: wish::database(context),
    })
}

/// How long the old password lasts after everything has been rolled out: a worker that is being stopped finishes its
/// task with it.
fn drain_secs(context: &Context<'_>) -> u32 {
    let grace_secs = u32::try_from(leaving::longest_grace_secs(context)).unwrap_or(0);
    context.spec.rotation_propagation_delay_sec.max(grace_secs)
}

fn payload<'a>(context: &Context<'a>, side: Side) -> Option<&'a Payload> {
    let seen: &'a crate::inventory::Inventory = context.seen;
    seen.payloads.get(&context.names.secret(side.secret()))
}

/// The password that the pods have, as the Secret they read has it.
fn pods_password(context: &Context<'_>) -> Option<String> {
    told(context, "DB_PASSWORD")
}

/// What the Secret says that everything reads which runs the API image.
pub(super) fn told(context: &Context<'_>, name: &str) -> Option<String> {
    told_by(context, &kubernetes::own_secret(context, ""), name)
}

/// What a Secret says.
pub(super) fn told_by(context: &Context<'_>, secret: &ResourceId, name: &str) -> Option<String> {
    let secret = context.seen.body(secret)?;
    let bytes = STANDARD.decode(secret.get("data")?.get(name)?.as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}

fn trials(
    context: &Context<'_>,
    versions: &[Vec<Version>; 2],
    at: Timestamp,
) -> BTreeMap<(Side, u64), Trial> {
    let passwords =
        Side::BOTH.into_iter().flat_map(|side| versions[side.index()].iter().map(move |v| (side, v.number)));
    passwords
        .filter_map(|(side, version)| Some(((side, version), trial(context, side, version, at)?)))
        .collect()
}

/// The newest attempt: earlier ones may have been removed.
fn trial(context: &Context<'_>, side: Side, version: u64, at: Timestamp) -> Option<Trial> {
    let job = |attempt: u32| context.seen.body(&login_trial::id(context, side, version, attempt));
    let (attempt, body) =
        (0..super::machine::ATTEMPTS).rev().find_map(|attempt| Some((attempt, job(attempt)?)))?;
    let result = match kubernetes::driver::readiness(kubernetes::Kind::Job, body) {
        Readiness::Ready => TrialResult::LoggedIn,
        Readiness::NotYet(_) => TrialResult::Running,
        Readiness::Failed(_) => TrialResult::Failed(failed_at(body).unwrap_or(at)),
    };
    Some(Trial { attempt, result })
}

fn failed_at(job: &Value) -> Option<Timestamp> {
    let conditions = job.pointer("/status/conditions")?.as_array()?;
    let failed = conditions.iter().find(|condition| condition["type"] == "Failed")?;
    time(failed.get("lastTransitionTime"))
}

/// When each password change on the instance began that ended well. Cloud SQL does not say whose it was.
fn changes(context: &Context<'_>) -> Vec<Timestamp> {
    let instance = sql_instance::id(context).name;
    let ours = |name: &str| name.strip_prefix(&instance).is_some_and(|rest| rest.starts_with('/'));
    context
        .seen
        .of_kind(AnyKind::Google(Kind::SqlOperation))
        .filter(|(id, operation)| ours(&id.name) && operation["operationType"] == "UPDATE_USER")
        .filter(|(_, operation)| operation["status"] == "DONE" && operation.get("error").is_none())
        .filter_map(|(_, operation)| time(operation.get("insertTime")))
        .collect()
}

/// Jobs that run, and pods that are still on their way out of a Deployment. They read who logs in at their start.
pub(super) fn users(context: &Context<'_>) -> Vec<(Timestamp, String)> {
    let count = |body: &Value, pointer: &str| body.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let kind = |kind| context.seen.of_kind(AnyKind::Kubernetes(kind));
    let jobs = kind(kubernetes::Kind::Job).filter(|(_, body)| count(body, "/status/active") > 0).map(
        |(id, body)| {
            let begun = time(body.pointer("/metadata/creationTimestamp")).unwrap_or(Timestamp::MIN);
            (begun, format!("the Job {}", id.short_name()))
        },
    );
    let pods = kind(kubernetes::Kind::Deployment)
        .filter(|(_, body)| count(body, "/status/terminatingReplicas") > 0)
        .map(|(id, _)| (Timestamp::MIN, format!("a pod of {} that is being stopped", id.short_name())));
    jobs.chain(pods).collect()
}

fn time(value: Option<&Value>) -> Option<Timestamp> {
    value?.as_str()?.parse().ok()
}
