//! Every other secret of the deployment: which of them may rotate, and when.
//!
//! What two components show each other (plugin daemon, sandbox, Agent v2) is one secret that both read. A new
//! version changes all of their Secrets by one plan and rolls both sides at once; neither can hold two keys, so
//! calls between them are refused until both have rolled. That is why none of them rotates by itself, only when
//! somebody orders it or sets a schedule on the secret.
//!
//! The VM's Redis reads its password when the VM starts. A version that is newer than the start is not used before
//! the next one, by nobody: clients and server change over with the restart, which is an outage of Redis anyway.

use jiff::Timestamp;

use crate::inventory::Payload;
use crate::resources::google::{nfs, secret, secret_history, secret_version};
use crate::resources::{Context, Wait, facts};

use super::machine::{self, Side, Version};
use super::wish;

/// The secret with the VM's Redis password.
pub const REDIS: &str = "redis-password";

/// Secrets that two sides read and that both can be told anew.
const PAIRS: [&str; 5] = [
    "plugin-daemon-key",
    "inner-api-key-for-plugin",
    "code-execution-api-key",
    "agent-api-token",
    "agent-sandbox-token",
];

/// Whether a new version of a secret may be drawn at all.
pub fn may_rotate(suffix: &str) -> bool {
    suffix == REDIS || PAIRS.contains(&suffix) || Side::BOTH.iter().any(|side| side.secret() == suffix)
}

/// The secrets whose versions have to be looked at: those that somebody wants rotated, and Redis' password when it
/// is not the first.
pub fn watched(context: &Context<'_>) -> Vec<&'static str> {
    let has_wish = |suffix: &str| {
        let wish = wish::key(context, suffix);
        wish.ordered.or(wish.reminded).is_some()
    };
    let later = |suffix: &str| {
        let newest = context.seen.payloads.get(&context.names.secret(suffix));
        suffix == REDIS && newest.is_some_and(|newest| newest.version > 1)
    };
    let generated = secret::generated(context.spec).into_iter().map(|secret| secret.suffix);
    generated
        .filter(|suffix| *suffix == REDIS || PAIRS.contains(suffix))
        .filter(|suffix| has_wish(suffix) || later(suffix))
        .collect()
}

/// Whether a new version of this secret is to be drawn.
pub fn is_due(context: &Context<'_>, suffix: &str) -> bool {
    let Some(at) = context.seen.at.filter(|_| watched(context).contains(&suffix)) else { return false };
    let newest = secret_history::versions(context, suffix).and_then(newest);
    newest.is_some_and(|newest| machine::wanted(&wish::key(context, suffix), newest.created, at))
}

/// The version of Redis' password that the VM has, when it is not known to be the newest one.
pub fn redis_in_use(context: &Context<'_>) -> Option<u64> {
    let versions = secret_history::versions(context, REDIS)?;
    let started = started(context)?;
    let mut read: Vec<u64> =
        versions.iter().filter(|version| version.created <= started).map(|version| version.number).collect();
    read.sort_unstable();
    let newest = context.seen.payloads.get(&context.names.secret(REDIS))?.version;
    read.last().copied().filter(|version| *version != newest)
}

/// Redis' password as the VM has it.
pub fn redis_password<'a>(context: &Context<'a>) -> Result<&'a Payload, Wait> {
    let Some(version) = redis_in_use(context) else { return facts::secret(context, REDIS) };
    let seen: &'a crate::inventory::Inventory = context.seen;
    let kept = seen.payloads.get(&secret_version::numbered(context, REDIS, version).name);
    kept.ok_or_else(|| {
        Wait::dependency(format!("version {version} of the secret {REDIS} could not be read yet"))
    })
}

/// When the VM started last.
fn started(context: &Context<'_>) -> Option<Timestamp> {
    let vm = context.seen.body(&nfs::instance(context))?;
    ["lastStartTimestamp", "creationTimestamp"]
        .iter()
        .find_map(|field| vm.get(*field)?.as_str()?.parse().ok())
}

fn newest(versions: Vec<Version>) -> Option<Version> {
    versions.into_iter().max_by_key(|version| version.number)
}
