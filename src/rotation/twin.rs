//! Servers that know one key at a time: two of each take turns while it is replaced, so that nobody is refused.
//!
//! ```text
//! settled ─draw─► bring up the other one with the new key ─► switch ═► roll out ─► drain ─► remove the old one
//! ```
//!
//! A server's callers read where it is and which key it takes from one Secret, so that whoever starts at any moment
//! reads a pair that fits: writing that Secret is the switch. Until the other server is ready it keeps the old pair, so
//! that nothing else has to wait for it; the old server stays until nobody can be left that knows it. Where a turn
//! stands is recognised by that Secret, by what the two have been given, and by which of them are there.
//!
//! The sandbox keeps nothing. The plugin daemon keeps packages in a bucket and its state in the database; what it
//! unpacks on its disk it makes again, for which it is given time before anybody calls it. A call for a plugin that it
//! does not run yet, such as one that was installed a moment before the switch, it hands on to the old one, which does
//! not take the key (plugin daemon 0.6.10, `internal/cluster/redirect.go`). Agent v2's server keeps its runs in its
//! process: the old one stays as long as a run may take, with the sandbox that has its sessions.

use jiff::{SignedDuration, Timestamp};

use crate::inventory::{Inventory, Payload};
use crate::resources::google::{secret_history, secret_version};
use crate::resources::kubernetes::{self, Kind};
use crate::resources::{Context, Kind as AnyKind, Readiness, ResourceId, Wait, facts};
use crate::spec::types::Sensitive;

use super::inner;
use super::leaving::{ended, leaving, leaving_from};
use super::server::{Server, Twin, gives};
use super::sight::{told, told_by};

/// How long the other plugin daemon runs before anybody calls it, in seconds: twice the time that we give one plugin to
/// make its environment (`PYTHON_ENV_INIT_TIMEOUT`). Its health says nothing of that.
const WARMING_SECS: u32 = 600;

/// How long a run of Agent v2 may take, in seconds (its default).
const RUN_SECS: i64 = 3600;

/// Whether a key is one of these.
pub fn is_key(secret: &str) -> bool {
    Server::ALL.into_iter().any(|server| server.key(secret).is_some())
}

/// The one that is to serve in the end.
pub fn target(context: &Context<'_>, server: Server) -> Twin {
    let Some(serving) = serving(context, server) else { return Twin::A };
    match differs(context, server, serving) && !is_held(context, server) {
        true => serving.other(),
        false => serving,
    }
}

/// The one that callers are to be told of: the other one as soon as it is ready.
pub fn told_of(context: &Context<'_>, server: Server) -> Twin {
    let target = target(context, server);
    if is_switching(context, server) && !is_ready(context, server) { target.other() } else { target }
}

/// The one that requests from outside go to: the other one when the callers have been told of it.
pub fn front(context: &Context<'_>, server: Server) -> Twin {
    serving(context, server).unwrap_or(Twin::A)
}

/// Whether the callers have not been told yet of the one that is to serve.
pub fn is_switching(context: &Context<'_>, server: Server) -> bool {
    serving(context, server).is_some_and(|serving| serving != target(context, server))
}

/// Those that are there or are to be.
pub fn standing(context: &Context<'_>, server: Server) -> Vec<Twin> {
    let target = target(context, server);
    let other = Some(target.other()).filter(|other| is_there(context, server, *other));
    std::iter::once(target).chain(other).collect()
}

/// The one that has served, with the reason why it still stands.
pub fn draining(context: &Context<'_>, server: Server) -> Option<(ResourceId, Wait)> {
    let old = target(context, server).other();
    if is_switching(context, server) || !is_there(context, server, old) || is_at_rest(context) {
        return None;
    }
    // Whether it stands itself is nothing to its callers.
    let components = server.beside(old).into_iter().chain([server.component(old)]);
    let own: Vec<ResourceId> = components.map(|component| id(context, component)).collect();
    let behind = if server == Server::PluginDaemon { called_by_agent(context) } else { None };
    let secs = if server == Server::Agent { RUN_SECS } else { 0 };
    let wait = behind.or_else(|| leaving_from(context, secs, &own))?;
    let wait = wait.told(|why| format!("{} with the old key stays: {why}", server.component(old)));
    Some((id(context, server.component(old)), wait))
}

/// What the turn of a key waits for.
pub fn waits(context: &Context<'_>, secret: &str) -> Option<Wait> {
    let concerned = || Server::ALL.into_iter().filter(|server| server.key(secret).is_some());
    let switching = concerned().find(|server| is_switching(context, *server));
    if let Some(server) = switching {
        return Some(unready(context, server));
    }
    let draining = concerned().find_map(|server| draining(context, server));
    let unsettled = || {
        let why = format!("what is shown the key {secret} has not been replaced to the end");
        (!is_settled(context, secret)).then(|| Wait::dependency(why))
    };
    draining.map(|(_, wait)| wait).or_else(unsettled).or_else(|| leaving(context))
}

/// Whether the next turn waits for the one before, although another key is there. The other server, which may still be
/// called with the key before, goes first; so does an old Agent v2, which calls the old plugin daemon; and the API has
/// to have learnt the key before. Until then everything of the serving one stays as it is.
pub fn is_held(context: &Context<'_>, server: Server) -> bool {
    let Some(serving) = serving(context, server).filter(|serving| differs(context, server, *serving)) else {
        return false;
    };
    let other = serving.other();
    is_there(context, server, other) && differs(context, server, other)
        || server == Server::PluginDaemon && is_agent_draining(context)
        || inner::is_being_taught(context, own_of(context, server, serving, inner::SECRET).as_deref())
}

/// The version of a key that is to be in use in the end: the newest, unless a turn that has begun ends first.
///
/// # Errors
/// What has to be read before that can be said.
pub fn wanted(context: &Context<'_>, secret: &str) -> Result<Payload, Wait> {
    match owner(context, secret).and_then(|server| held_own(context, server, secret)) {
        Some(content) => version_with(context, secret, &content),
        None => facts::secret(context, secret).cloned(),
    }
}

/// The version of its key that a server's callers are to show: of the one that they are to be told of.
///
/// # Errors
/// What has to be read before that can be said.
pub fn shown(context: &Context<'_>, server: Server) -> Result<Payload, Wait> {
    let key = server.shown();
    let is_early = told_of(context, server) != target(context, server);
    match told(context, key.given_as).filter(|_| is_early) {
        Some(content) => version_with(context, key.secret, &content),
        None => wanted(context, key.secret),
    }
}

/// The version of a secret with this content. What is none of its versions that can be read, because somebody disabled
/// it or it was the user's own, has the number 0.
///
/// # Errors
/// What has to be read before that can be said.
pub fn version_with(context: &Context<'_>, secret: &str, content: &str) -> Result<Payload, Wait> {
    let newest = facts::secret(context, secret)?;
    if newest.content.reveal() == content {
        return Ok(newest.clone());
    }
    let lost = || Payload { version: 0, content: Sensitive::new(content) };
    if newest.version == 1 {
        return Ok(lost());
    }
    let unread =
        |what: String| Wait::dependency(format!("{what} of the secret {secret} could not be read yet"));
    let history = secret_history::versions(context, secret).ok_or_else(|| unread("the versions".into()))?;
    let numbers =
        history.into_iter().map(|version| version.number).filter(|number| *number != newest.version);
    let ids: Vec<ResourceId> =
        numbers.map(|number| secret_version::numbered(context, secret, number)).collect();
    let seen: &Inventory = context.seen;
    let mut older = ids.iter().filter_map(|id| seen.payloads.get(&id.name));
    if let Some(found) = older.find(|one| one.content.reveal() == content) {
        return Ok(found.clone());
    }
    match ids.iter().find(|id| seen.sighting(id).is_none()) {
        Some(id) => Err(unread(format!("version {}", id.short_name()))),
        None => Ok(lost()),
    }
}

/// Whether every server that was given a key knows its newest version, and none stands that knows another.
pub fn is_settled(context: &Context<'_>, secret: &str) -> bool {
    let mut concerned = Server::ALL.into_iter().filter(|server| server.key(secret).is_some());
    concerned.all(|server| is_quiet(context, server))
        && (secret != inner::SECRET || inner::is_settled(context))
}

/// Whether a server that is there was given another version of a key than this.
pub fn is_known_otherwise(context: &Context<'_>, secret: &str, content: &str) -> bool {
    let servers = Server::ALL.into_iter().filter(|server| server.key(secret).is_some());
    let mut twins = servers.flat_map(|server| [(server, Twin::A), (server, Twin::B)]);
    twins.any(|(server, twin)| {
        is_there(context, server, twin) && own_of(context, server, twin, secret).as_deref() != Some(content)
    })
}

/// Whether one of the two was given another version of a key than the newest; of another server's key, than the one
/// that is to be in use.
fn differs(context: &Context<'_>, server: Server, twin: Twin) -> bool {
    let mut keys = server.keys().iter().filter(|key| !key.is_given(context.spec));
    keys.any(|key| {
        let is_own = owner(context, key.secret) == Some(server);
        let next =
            if is_own { facts::secret(context, key.secret).cloned() } else { wanted(context, key.secret) };
        let own = own(context, server, twin, key.own);
        next.ok().zip(own).is_some_and(|(next, own)| next.content.reveal() != own)
    })
}

/// Whether an Agent v2 from before stands that was not given the newest keys of the plugin daemon.
fn is_agent_draining(context: &Context<'_>) -> bool {
    let server = Server::Agent;
    let Some(other) = serving(context, server).map(Twin::other) else { return false };
    let mut foreign = server
        .keys()
        .iter()
        .filter(|key| Server::PluginDaemon.key(key.secret).is_some() && !key.is_given(context.spec));
    is_there(context, server, other)
        && foreign.any(|key| {
            let newest = facts::secret(context, key.secret).ok();
            let own = own(context, server, other, key.own);
            newest.zip(own).is_some_and(|(newest, own)| newest.content.reveal() != own)
        })
}

/// The server whose turn decides which version of a key is in use: the first that runs and is given it.
fn owner(context: &Context<'_>, secret: &str) -> Option<Server> {
    Server::ALL
        .into_iter()
        .filter(|server| server.runs(context.spec))
        .find(|server| server.key(secret).is_some())
}

/// Whether a server has no turn before it and none behind it.
fn is_quiet(context: &Context<'_>, server: Server) -> bool {
    !server.runs(context.spec)
        || !is_switching(context, server) && !is_held(context, server) && standing(context, server).len() == 1
}

/// The old plugin daemon is called by an Agent v2 that has not taken its turn to the end.
fn called_by_agent(context: &Context<'_>) -> Option<Wait> {
    let (server, why) = (Server::Agent, "Agent v2's server, which calls it, has not been replaced yet");
    if let Some((_, wait)) = draining(context, server) {
        return Some(wait.told(|_| why.to_owned()));
    }
    is_switching(context, server).then(|| Wait::dependency(why))
}

/// Whether the one that is to serve can be told of.
fn is_ready(context: &Context<'_>, server: Server) -> bool {
    let target = target(context, server);
    let components = server.beside(target).into_iter().chain([server.component(target)]);
    let is_found = |component: &str| {
        let service = ResourceId { kind: AnyKind::Kubernetes(Kind::Service), ..id(context, component) };
        context.seen.body(&service).is_some()
    };
    components.into_iter().all(|component| is_rolled_out(context, component) && is_found(component))
        && !differs(context, server, target)
        && (server.key(inner::SECRET).is_none() || inner::is_answered(context))
        && (server != Server::PluginDaemon || warm(context, target).is_none())
        && (server != Server::Agent
            || !is_switching(context, Server::PluginDaemon)
            || is_ready(context, Server::PluginDaemon))
}

/// Whether a component's Deployment is there and rolled out.
pub(super) fn is_rolled_out(context: &Context<'_>, component: &str) -> bool {
    context.seen.body(&id(context, component)).is_some_and(|body| {
        ended(body).is_some() && kubernetes::driver::readiness(Kind::Deployment, body) == Readiness::Ready
    })
}

/// What is still to be waited for before the callers are told.
fn unready(context: &Context<'_>, server: Server) -> Wait {
    let target = target(context, server);
    let warming = warm(context, target).filter(|_| server == Server::PluginDaemon);
    let why = format!("{} with the new key is coming up", server.component(target));
    warming.unwrap_or_else(|| Wait::dependency(why))
}

/// How long a plugin daemon that is up still unpacks its plugins.
fn warm(context: &Context<'_>, twin: Twin) -> Option<Wait> {
    let component = Server::PluginDaemon.component(twin);
    let up = ended(context.seen.body(&id(context, component))?).filter(|_| !is_at_rest(context))?;
    let secs = WARMING_SECS.max(context.spec.rotation_propagation_delay_sec);
    let warm = up.checked_add(SignedDuration::from_secs(secs.into())).unwrap_or(Timestamp::MAX);
    let at = context.seen.at.filter(|at| *at < warm)?;
    Some(Wait::until(
        at,
        warm,
        format!("{component} unpacks its plugins until {warm}, before anybody calls it"),
    ))
}

/// Whether nobody calls anybody, because data is being replaced.
pub fn is_at_rest(context: &Context<'_>) -> bool {
    crate::backup::paused(context)
}

/// What the serving one was given of a key, while its next turn is held.
fn held_own(context: &Context<'_>, server: Server, secret: &str) -> Option<String> {
    let key = server.key(secret).filter(|key| !key.is_given(context.spec))?;
    let serving = serving(context, server).filter(|_| is_held(context, server))?;
    own(context, server, serving, key.own)
}

/// The one that the callers are told of; `None` before there are any, and when the user decides.
fn serving(context: &Context<'_>, server: Server) -> Option<Twin> {
    if !server.runs(context.spec) || gives(context.spec, server.endpoint()) {
        return None;
    }
    let shown = told(context, server.shown().given_as);
    let endpoint = told(context, server.endpoint()).unwrap_or_default();
    let second = format!("{}:", context.names.component(server.component(Twin::B)));
    let twin = if endpoint.contains(&second) { Twin::B } else { Twin::A };
    shown.filter(|key| !key.is_empty()).map(|_| twin)
}

/// What one of the two was given of a secret.
fn own_of(context: &Context<'_>, server: Server, twin: Twin, secret: &str) -> Option<String> {
    own(context, server, twin, server.key(secret)?.own)
}

/// Whether one of the two was given the version of a key that is to be in use.
pub fn has_wanted(context: &Context<'_>, server: Server, twin: Twin, secret: &str) -> bool {
    let own = own_of(context, server, twin, secret);
    wanted(context, secret).is_ok_and(|wanted| own.as_deref() == Some(wanted.content.reveal()))
}

/// What one of the two was given under the name of a variable.
fn own(context: &Context<'_>, server: Server, twin: Twin, variable: &str) -> Option<String> {
    told_by(context, &kubernetes::own_secret(context, server.component(twin)), variable)
}

/// Whether one of the two is there.
pub fn is_there(context: &Context<'_>, server: Server, twin: Twin) -> bool {
    context.seen.body(&id(context, server.component(twin))).is_some()
}

fn id(context: &Context<'_>, component: &str) -> ResourceId {
    let namespace = context.names.namespace(context.spec);
    let name = context.names.component(component);
    ResourceId { kind: AnyKind::Kubernetes(Kind::Deployment), name: format!("{namespace}/{name}") }
}
