//! Every secret of the deployment but the two logins': which of them may rotate, when, and when an old version ends.
//!
//! Redis takes two passwords at a time (`redis`), and two sandboxes take turns (`twin`): there nobody is refused. What
//! the other components show each other (plugin daemon, Agent v2) is one secret that both read and of which each side
//! knows one at a time. A new version changes all of their Secrets by one plan and rolls both sides at once; calls
//! between them are refused until both have rolled, and the user is told. That is why none of them rotates by itself,
//! only when somebody orders it or sets a schedule on the secret.

use crate::resources::google::{secret, secret_history};
use crate::resources::{Context, Wait};

use super::leaving::leaving;
use super::machine::{self, Side, Version};
use super::{redis, twin, wish};

/// The secret with the VM's Redis password.
pub const REDIS: &str = redis::SECRET;

/// Secrets that two sides read and that both are told anew at once, with what that means.
const PAIRS: [(&str, &str); 4] = [
    (
        "plugin-daemon-key",
        "calls of the API and its workers to the plugin daemon are refused from the restart of the daemon, which has \
         one disk and therefore one pod, until the last of their pods is rolled",
    ),
    (
        "inner-api-key-for-plugin",
        "calls of plugins back to the API are refused while the API's pods are rolled, each by those that do not have \
         the plugin daemon's key",
    ),
    (
        "agent-api-token",
        "calls to Agent v2's server are refused while both it and its callers are rolled: runs live in its process, \
         so that there cannot be two of it",
    ),
    (
        "agent-sandbox-token",
        "calls of Agent v2's server to its sandbox are refused while both are replaced: sessions live in the sandbox's \
         pod, so that there cannot be two of it",
    ),
];

/// Whether a new version of a secret may be drawn at all.
pub fn may_rotate(suffix: &str) -> bool {
    is_key(suffix) || Side::BOTH.iter().any(|side| side.secret() == suffix)
}

/// What is refused while a secret's new version is rolled out; `None` when nothing is.
pub fn refused_meanwhile(suffix: &str) -> Option<&'static str> {
    PAIRS.iter().find(|(secret, _)| *secret == suffix).map(|(_, what)| *what)
}

/// The secrets whose versions have to be looked at: those that somebody wants rotated, and those that have been.
pub fn watched(context: &Context<'_>) -> Vec<&'static str> {
    let has_wish = |suffix: &str| {
        let wish = wish::key(context, suffix);
        wish.ordered.or(wish.reminded).is_some()
    };
    let later = |suffix: &str| {
        let newest = context.seen.payloads.get(&context.names.secret(suffix));
        newest.is_some_and(|newest| newest.version > 1)
    };
    let generated = secret::generated(context.spec).into_iter().map(|secret| secret.suffix);
    generated.filter(|suffix| is_key(suffix)).filter(|suffix| has_wish(suffix) || later(suffix)).collect()
}

/// Whether a new version of this secret is to be drawn.
pub fn is_due(context: &Context<'_>, suffix: &str) -> bool {
    let Some(at) = context.seen.at.filter(|_| watched(context).contains(&suffix)) else { return false };
    let newest = secret_history::versions(context, suffix).and_then(newest);
    newest.is_some_and(|newest| machine::wanted(&wish::key(context, suffix), newest.created, at))
}

/// The version of a secret that nobody uses any more and that is still enabled. Everything has to run as declared
/// before it is disabled.
pub fn retired(context: &Context<'_>, suffix: &str) -> Option<u64> {
    let versions = secret_history::versions(context, suffix)?;
    let newest = context.seen.payloads.get(&context.names.secret(suffix))?.version;
    let settled = match suffix {
        REDIS => redis::is_settled(context),
        twin::SECRET => !twin::is_switching(context) && twin::standing(context).len() == 1,
        _ => true,
    };
    let oldest = versions.into_iter().map(|version| version.number).min()?;
    // The password in use, or a key that a pod on its way out still shows, is not taken away from under it.
    (settled && oldest < newest && leaving(context).is_none()).then_some(oldest)
}

/// What the end of an old version waits for.
pub fn waits(context: &Context<'_>, suffix: &str) -> Option<Wait> {
    let versions = secret_history::versions(context, suffix)?;
    if suffix == REDIS {
        return redis::waits(context);
    }
    let newest = context.seen.payloads.get(&context.names.secret(suffix))?.version;
    let old = versions.into_iter().map(|version| version.number).find(|version| *version < newest)?;
    let wait = leaving(context).filter(|_| context.spec.deploy_application)?;
    Some(Wait::new(wait.kind, format!("version {old} of {suffix} stays enabled: {}", wait.why)))
}

fn is_key(suffix: &str) -> bool {
    suffix == REDIS || suffix == twin::SECRET || refused_meanwhile(suffix).is_some()
}

fn newest(versions: Vec<Version>) -> Option<Version> {
    versions.into_iter().max_by_key(|version| version.number)
}
