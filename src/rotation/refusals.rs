//! What the user should know about rotation: what is not rotated and why, and what is stuck.

use jiff::SignedDuration;

use crate::condition::{Finding, Reason, Severity};
use crate::resources::google::{secret, secret_history, secret_version};
use crate::resources::{Context, ResourceId};
use crate::slice::Slice;

use super::machine::{Next, Side};
use super::{keys, redis, sight, turn, wish};

/// How long an order that cannot be followed is answered.
const ANSWERED: SignedDuration = SignedDuration::from_hours(24);

/// Everything there is to tell.
pub fn findings(context: &Context<'_>) -> Vec<Finding> {
    let asked = refused(context).into_iter();
    asked.chain(stuck(context)).chain(foreign_version(context)).chain(redis(context)).collect()
}

/// Names in fresh orders and reminders.
fn fresh<'a>(context: &Context<'a>) -> Vec<&'a str> {
    let orders = wish::orders(context).chain(wish::reminders(context));
    let fresh =
        orders.filter(|(_, at)| context.seen.at.is_some_and(|now| now.duration_since(*at) < ANSWERED));
    let mut names: Vec<&str> = fresh.map(|(secret, _)| secret).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Orders and reminders about secrets that do not rotate.
fn refused(context: &Context<'_>) -> Vec<Finding> {
    fresh(context).into_iter().filter_map(|name| refusal(context, name)).collect()
}

fn refusal(context: &Context<'_>, name: &str) -> Option<Finding> {
    let suffix = if name.eq_ignore_ascii_case("SECRET_KEY") { "secret-key" } else { name };
    let is_ours = secret::generated(context.spec).iter().any(|secret| secret.suffix == suffix);
    if matches!(suffix, "" | "database") || (is_ours && keys::may_rotate(suffix)) {
        return None;
    }
    let (reason, message, help) = match suffix {
        "secret-key" => (
            Reason::Immutable,
            "the secret secret-key is not rotated: Dify signs sessions and file links with SECRET_KEY and encrypts \
             with it; with another one everybody is logged out, every signed link ends, and what was encrypted \
             cannot be read any more"
                .to_owned(),
            "Leave it as it is. Whoever must replace it adds a version by hand and accepts that.",
        ),
        _ if is_ours => (
            Reason::Unsupported,
            format!("the secret {suffix} is not rotated: what was made with it would not take another one"),
            "Leave it as it is.",
        ),
        _ => (
            Reason::NotFound,
            format!("there is no secret {suffix} of this deployment's to be rotated"),
            "A secret of your own takes a new version with `gcloud secrets versions add`; what uses it is rolled.",
        ),
    };
    let subject = is_ours.then(|| secret::id(context, suffix));
    Some(finding(reason, Severity::Warning, subject, message, help))
}

/// A password that does not log in however often it is set.
fn stuck(context: &Context<'_>) -> Option<Finding> {
    let Some(Next::Stuck(side, version)) = turn(context) else { return None };
    let message = format!(
        "the rotation is stuck: version {version} of {} was set and does not log in; the login in use is untouched",
        side.secret()
    );
    let help = "Look at the log of the failed Job. Delete the failed Jobs to have it tried again.";
    Some(finding(Reason::JobFailed, Severity::Error, Some(secret::id(context, side.secret())), message, help))
}

/// A version that somebody added to the secret of the login in use.
fn foreign_version(context: &Context<'_>) -> Option<Finding> {
    let (side, used) = sight::in_use(context)?;
    let newest =
        secret_history::versions(context, side.secret())?.into_iter().map(|version| version.number).max()?;
    let other: Side = side.other();
    (newest > used).then(|| {
        let message = format!(
            "version {newest} of {} is not used: its login is in use with version {used}, and with another \
             password nobody could log in until all pods are replaced",
            side.secret()
        );
        let help = format!(
            "Add the version to {}, whose login is idle: then it is set, tried and taken up. Disable this one.",
            context.names.secret(other.secret())
        );
        finding(Reason::Refused, Severity::Warning, Some(secret_version::id(context, side.secret())), message, &help)
    })
}

/// A new password of Redis that the VM cannot be told.
fn redis(context: &Context<'_>) -> Option<Finding> {
    let (used, why) = redis::held_up(context)?;
    let message = format!(
        "the new Redis password waits for the NFS VM: {why}; until then version {used} is used by the server and by \
         all clients"
    );
    let help = "A VM that was made before it could be told has to be started anew, once: `gcloud compute instances \
                reset`, when an outage of NFS and Redis of about a minute is acceptable. Otherwise see to it that its \
                guest attributes may be read.";
    Some(finding(Reason::Waiting, Severity::Warning, Some(secret::id(context, keys::REDIS)), message, help))
}

fn finding(
    reason: Reason,
    severity: Severity,
    subject: Option<ResourceId>,
    message: String,
    help: &str,
) -> Finding {
    Finding {
        reason,
        severity,
        slice: Slice::Secrets,
        subject: subject.map(|id| id.to_string()),
        message,
        help: help.into(),
    }
}
