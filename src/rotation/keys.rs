//! Every secret of the deployment but the two logins': which of them may rotate, when, and when an old version ends.
//!
//! Nobody is refused: Redis takes two passwords at a time (`redis`), two servers of a key take turns (`twin`), and the
//! API's key for plugins is taught to a second API first (`inner`). They rotate when somebody orders it or sets a
//! schedule on the secret, and not by themselves: a turn brings up a second server and starts Dify's pods anew.

use crate::resources::google::{secret, secret_history};
use crate::resources::{Context, Wait};

use super::leaving::leaving;
use super::machine::{self, Side, Version};
use super::{redis, twin, wish};

/// The secret with the VM's Redis password.
pub const REDIS: &str = redis::SECRET;

/// Whether a new version of a secret may be drawn at all.
pub fn may_rotate(suffix: &str) -> bool {
    is_key(suffix) || Side::BOTH.iter().any(|side| side.secret() == suffix)
}

/// The secrets whose versions have to be looked at: those that somebody wants rotated, those that
/// have been, and those of which a turn goes on.
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
    let turning = |suffix: &str| twin::is_key(suffix) && !twin::is_settled(context, suffix);
    let is_watched = |suffix: &&str| has_wish(suffix) || later(suffix) || turning(suffix);
    generated.filter(|suffix| is_key(suffix)).filter(is_watched).collect()
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
    let oldest =
        versions.into_iter().map(|version| version.number).min().filter(|oldest| *oldest < newest)?;
    let settled = match suffix {
        REDIS => redis::is_settled(context),
        _ => twin::is_settled(context, suffix),
    };
    // The password in use, or a key that a pod on its way out still shows, is not taken away from under it.
    (settled && leaving(context).is_none()).then_some(oldest)
}

/// Versions of keys that have to be read, because somebody may still be shown or given them.
pub fn older(context: &Context<'_>) -> Vec<(&'static str, u64)> {
    let keys = watched(context).into_iter().filter(|suffix| twin::is_key(suffix));
    let versions = keys.map(|suffix| (suffix, secret_history::versions(context, suffix).unwrap_or_default()));
    // Cheaper first: where the newest is the only one, it has been read.
    let newest =
        |suffix: &str| context.seen.payloads.get(&context.names.secret(suffix)).map(|one| one.version);
    let turning = versions.filter(|(suffix, all)| {
        all.iter().any(|version| Some(version.number) != newest(suffix)) && !twin::is_settled(context, suffix)
    });
    turning.flat_map(|(suffix, all)| all.into_iter().map(move |version| (suffix, version.number))).collect()
}

/// What the end of an old version waits for.
pub fn waits(context: &Context<'_>, suffix: &str) -> Option<Wait> {
    let versions = secret_history::versions(context, suffix)?;
    if suffix == REDIS {
        return redis::waits(context);
    }
    if twin::is_key(suffix) && !twin::is_settled(context, suffix) {
        return twin::waits(context, suffix).filter(|_| context.spec.deploy_application);
    }
    let newest = context.seen.payloads.get(&context.names.secret(suffix))?.version;
    let old = versions.into_iter().map(|version| version.number).find(|version| *version < newest)?;
    let wait = leaving(context).filter(|_| context.spec.deploy_application)?;
    Some(wait.told(|why| format!("version {old} of {suffix} stays enabled: {why}")))
}

fn is_key(suffix: &str) -> bool {
    suffix == REDIS || twin::is_key(suffix)
}

fn newest(versions: Vec<Version>) -> Option<Version> {
    versions.into_iter().max_by_key(|version| version.number)
}
