//! The password of the VM's Redis: a server that takes two at a time, so that nobody is ever refused.
//!
//! ```text
//! settled ─draw─► ask for both ─► (the VM says so) ─► switch ═► roll out ─► drain ─► ask for the new one alone
//!         ─► (the VM says so) ─► disable ─► settled
//! ```
//!
//! Which versions of the secret Redis is to take stands in the VM's metadata; a service on the VM keeps Redis so, by
//! one command, and says in a guest attribute what it takes. The switch is the Secret that the clients read. A VM that
//! has said nothing was made before there was such a service, is starting, or cannot be asked: then its clients keep
//! what they have.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::inventory::{Payload, Sighting};
use crate::resources::google::{guest_attributes, nfs, secret_history, secret_version};
use crate::resources::{Context, Wait, WaitKind, facts};

use super::leaving::leaving;
use super::sight;

/// The end of the secret's name.
pub const SECRET: &str = "redis-password";

/// The key of the metadata and of the guest attribute: `v3 v4`.
pub const ATTRIBUTE: &str = "redis-passwords";

/// Versions of the password.
pub type Versions = BTreeSet<u64>;

/// What the VM has said of the versions that Redis takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nobody asked, or could.
    Unknown,
    /// Nothing.
    Nothing,
    /// These.
    Takes(Versions),
}

/// What the VM has said.
pub fn said(context: &Context<'_>) -> Said {
    match context.seen.sighting(&guest_attributes::id(context)) {
        None | Some(Sighting::Unreadable(_)) => Said::Unknown,
        Some(Sighting::Absent) => Said::Nothing,
        Some(Sighting::Present(body)) => match guest_attributes::value(body, ATTRIBUTE) {
            Some(text) => Said::Takes(read(text)),
            None => Said::Nothing,
        },
    }
}

/// What the VM was asked for last.
pub fn asked(context: &Context<'_>) -> Versions {
    let vm = context.seen.body(&nfs::instance(context));
    let items = vm.and_then(|vm| vm.pointer("/metadata/items")?.as_array());
    let ours = items.into_iter().flatten().find(|item| item["key"] == ATTRIBUTE);
    ours.and_then(|item| item["value"].as_str()).map(read).unwrap_or_default()
}

/// What the VM is to be asked for: what is in use and what comes next, or that alone when the old one has drained.
pub fn wanted(context: &Context<'_>) -> Versions {
    let Some(newest) = newest(context) else { return asked(context) };
    if !vm_is_there(context) || has_changed_over(context) {
        return [newest].into();
    }
    let mut all = asked(context);
    all.extend(used(context));
    if let Some(enabled) = secret_history::versions(context, SECRET) {
        all.retain(|version| enabled.iter().any(|one| one.number == *version));
    }
    all.insert(newest);
    all
}

/// Whether the VM is asked to forget one: then everything has to run as declared, which is without it.
pub fn is_forgetting(context: &Context<'_>) -> bool {
    asked(context).difference(&wanted(context)).next().is_some()
}

/// Versions as they stand in metadata.
pub fn text(versions: &Versions) -> String {
    let all: Vec<String> = versions.iter().map(|version| format!("v{version}")).collect();
    all.join(" ")
}

/// The password that clients log in with.
///
/// # Errors
/// What has to be read or made before that can be said.
pub fn password<'a>(context: &Context<'a>) -> Result<&'a Payload, Wait> {
    let newest = facts::secret(context, SECRET)?;
    let Some(version) = older_in_use(context) else { return Ok(newest) };
    let seen: &'a crate::inventory::Inventory = context.seen;
    let kept = seen.payloads.get(&secret_version::numbered(context, SECRET, version).name);
    kept.ok_or_else(|| {
        Wait::dependency(format!("version {version} of the secret {SECRET} could not be read yet"))
    })
}

/// The version in use, when it is not the newest.
pub fn older_in_use(context: &Context<'_>) -> Option<u64> {
    used(context).filter(|used| Some(*used) != newest(context))
}

/// What the rotation waits for, if it is under way.
pub fn waits(context: &Context<'_>) -> Option<Wait> {
    let (Said::Takes(takes), asked) = (said(context), asked(context)) else { return None };
    if takes != asked {
        let why = format!("the VM is taking over the Redis passwords {}", text(&asked));
        return Some(Wait::new(WaitKind::Operation, why));
    }
    let changing = takes.len() > 1 && takes == wanted(context);
    let wait = leaving(context).filter(|_| changing)?;
    Some(wait.told(|why| format!("the old Redis password stays: {why}")))
}

/// The version that stays in use because the VM does not say that Redis takes the new one, and why it does not.
pub fn held_up(context: &Context<'_>) -> Option<(u64, String)> {
    let newest = newest(context)?;
    let older = older_in_use(context).filter(|_| asked(context).contains(&newest))?;
    let why = match context.seen.sighting(&guest_attributes::id(context))? {
        Sighting::Present(_) => return None,
        Sighting::Absent => "it has not said that it can be told of one while it runs".to_owned(),
        Sighting::Unreadable(why) => format!("it could not be asked what it takes: {why}"),
    };
    Some((older, why))
}

/// Whether nothing takes any version but the newest.
pub fn is_settled(context: &Context<'_>) -> bool {
    let only = newest(context).map(|newest| Versions::from([newest]));
    only.is_some_and(|only| said(context) == Said::Takes(only.clone()) && asked(context) == only)
}

/// Whether everybody logs in with the newest version, and nobody can be left that does not.
fn has_changed_over(context: &Context<'_>) -> bool {
    let taken = |newest: u64| matches!(said(context), Said::Takes(takes) if takes.contains(&newest));
    newest(context).is_some_and(taken) && shows_newest(context) && leaving(context).is_none()
}

/// Whether what the clients read has the newest version.
fn shows_newest(context: &Context<'_>) -> bool {
    let newest = context.seen.payloads.get(&context.names.secret(SECRET));
    let told = sight::told(context, "REDIS_PASSWORD");
    newest.is_some_and(|newest| told.as_deref() == Some(newest.content.reveal()))
}

/// The version that clients log in with: the newest, as soon as the VM says that Redis takes it.
fn used(context: &Context<'_>) -> Option<u64> {
    let newest = newest(context)?;
    if newest == 1 || !vm_is_there(context) {
        return Some(newest);
    }
    let older = |versions: Versions| versions.into_iter().rfind(|version| *version != newest);
    match said(context) {
        Said::Takes(takes) if takes.contains(&newest) => Some(newest),
        Said::Takes(takes) => older(takes).or(Some(newest)),
        // Who has it already keeps it.
        _ if shows_newest(context) => Some(newest),
        Said::Nothing | Said::Unknown => {
            let asked = asked(context);
            if asked == Versions::from([newest]) {
                return Some(newest);
            }
            let enabled = secret_history::versions(context, SECRET).unwrap_or_default();
            let enabled = enabled.into_iter().map(|version| version.number).collect();
            older(asked).or_else(|| older(enabled)).or(Some(newest))
        }
    }
}

fn newest(context: &Context<'_>) -> Option<u64> {
    context.seen.payloads.get(&context.names.secret(SECRET)).map(|newest| newest.version)
}

fn vm_is_there(context: &Context<'_>) -> bool {
    context.seen.body(&nfs::instance(context)).is_some()
}

fn read(text: &str) -> Versions {
    text.split_whitespace().filter_map(|version| version.strip_prefix('v')?.parse().ok()).collect()
}

/// The item of the VM's metadata.
pub fn item(context: &Context<'_>) -> Value {
    serde_json::json!({"key": ATTRIBUTE, "value": text(&wanted(context))})
}

#[cfg(test)]
mod tests;
