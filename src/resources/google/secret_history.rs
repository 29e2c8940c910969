//! The enabled versions of a secret that rotates, without their content.
//!
//! Identity: the secret's name. Desired: it can be read, or one version less is enabled. Only looked at when
//! something may rotate: a list, one call (Secret Manager v1; disabling takes the version's etag).

use serde_json::{Value, json};

use crate::plan::{GoogleRequest, Method};
use crate::resources::{Act, Change, Context, Declared, Desired, ResourceId, Wait, WaitKind};
use crate::rotation::machine::Version;
use crate::rotation::{self, Arrow, Next, Side, keys};
use crate::slice::Slice;

use super::descriptor::{Descriptor, READ_ONLY};
use super::{Kind, declared, request, secret, secret_version, text};

/// Secret Manager v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "secretmanager.googleapis.com",
    get: "secretmanager.projects.secrets.versions.list",
    ..READ_ONLY
};

/// Discovery id of the call that disables a version.
const DISABLE: &str = "secretmanager.projects.secrets.versions.disable";

/// More enabled versions than a secret ever has: all but two are disabled in each rotation.
const PAGE: &str = "1000";

/// The address of a secret's history, by the end of the secret's name.
pub fn id(context: &Context<'_>, suffix: &str) -> ResourceId {
    ResourceId::google(Kind::SecretHistory, context.names.secret(suffix))
}

/// The histories that matter now.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let logins = Side::BOTH
        .into_iter()
        .filter(|_| rotation::sight::is_watched(context))
        .map(|side| (side.secret(), login(context, side), Vec::new()));
    let others = keys::watched(context).into_iter().map(|suffix| key(context, suffix));
    logins
        .chain(others)
        .map(|(suffix, desired, more)| {
            let needs = std::iter::once(secret::id(context, suffix)).chain(more).collect();
            declared(context, id(context, suffix), Slice::Secrets, desired, needs)
        })
        .collect()
}

/// The enabled versions of a secret, when they were looked at.
pub fn versions(context: &Context<'_>, suffix: &str) -> Option<Vec<Version>> {
    let body = context.seen.body(&id(context, suffix))?;
    let all = body.get("versions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let enabled = all.iter().filter(|version| text(version, "/state") == "ENABLED");
    Some(enabled.filter_map(read_version).collect())
}

/// The call that reads them.
pub fn read(id: &ResourceId) -> GoogleRequest {
    let mut call = DESCRIPTOR.call(Method::Get, DESCRIPTOR.path(&id.name, "/versions"), DESCRIPTOR.get);
    call.query = vec![("filter", "state:ENABLED".into()), ("pageSize", PAGE.into())];
    call
}

fn read_version(version: &Value) -> Option<Version> {
    let number = super::short(text(version, "/name")).parse().ok()?;
    Some(Version { number, created: text(version, "/createTime").parse().ok()? })
}

/// A version of another secret's to be disabled, or what the rotation waits for; and what that needs.
fn key<'a>(context: &Context<'_>, suffix: &'a str) -> (&'a str, Desired, Vec<ResourceId>) {
    if let Some(version) = keys::retired(context, suffix) {
        // Who does not run as declared yet may still be using it.
        let act = disable(context, suffix, version);
        return (suffix, Desired::Act(act), rotation::workloads(context));
    }
    let waits = keys::waits(context, suffix).map(|wait| Desired::Waiting(vec![wait]));
    (suffix, waits.unwrap_or(Desired::Found), Vec::new())
}

/// A version of a login's to be disabled, or what the rotation waits for.
fn login(context: &Context<'_>, side: Side) -> Desired {
    match rotation::turn(context) {
        Some(Next::Take(Arrow::Disable(of, version))) if of == side => {
            Desired::Act(disable(context, side.secret(), version))
        }
        // Told once, beside the login that is not in use.
        Some(next) if rotation::sight::in_use(context).is_some_and(|(used, _)| used != side) => {
            wait(context, next).map_or(Desired::Found, |wait| Desired::Waiting(vec![wait]))
        }
        _ => Desired::Found,
    }
}

fn wait(context: &Context<'_>, next: Next) -> Option<Wait> {
    match next {
        Next::Wait(why) => Some(Wait::new(WaitKind::Rollout, why)),
        Next::Until(end, why) => Some(Wait::until(context.seen.at?, end, why)),
        Next::Settled | Next::Take(_) | Next::Stuck(..) => None,
    }
}

fn disable(context: &Context<'_>, suffix: &str, version: u64) -> Act {
    let id = secret_version::numbered(context, suffix, version);
    let body = context.seen.body(&self::id(context, suffix));
    let all = body.and_then(|body| body.get("versions")?.as_array());
    let seen =
        all.into_iter().flatten().find(|seen| super::short(text(seen, "/name")) == version.to_string());
    let etag = seen.map(|seen| text(seen, "/etag")).unwrap_or_default();
    let change = Change {
        path: format!("/versions/{version}/state"),
        from: Some("ENABLED".into()),
        to: Some("DISABLED".into()),
    };
    Act {
        request: request::on(&DESCRIPTOR, &id, ":disable", DISABLE, json!({"etag": etag})),
        changes: vec![change],
    }
}
