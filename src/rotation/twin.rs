//! Servers that know one key at a time: two of each take turns while it is replaced, so that nobody is refused.
//!
//! ```text
//! settled ─draw─► bring up the other one with the new key ─► switch ═► roll out ─► drain ─► remove the old one
//! ```
//!
//! A server's callers read where it is and which key it takes from one Secret, so that whoever starts at any moment
//! reads a pair that fits: writing that Secret is the switch. It needs the other server to stand (a need like any
//! other), and the old one stays until nobody can be left that knows it. Where it stands is recognised by that Secret,
//! by what the two have been given, and by which of them are there.
//!
//! The sandbox keeps nothing. The plugin daemon keeps packages in a bucket and its state in the database; what it
//! unpacks on its disk it makes again, for which it is given time before anybody calls it ([`warming`]). A call for a
//! plugin that it does not run yet it would hand on to the old one, with a key that is not the old one's (plugin daemon
//! 0.6.10, `internal/cluster/redirect.go`). Agent v2's server keeps its runs in its process: the old one stays as long
//! as a run may take, with the sandbox that has its sessions.

use jiff::{SignedDuration, Timestamp};

use crate::inventory::Payload;
use crate::resources::google::{secret_history, secret_version};
use crate::resources::kubernetes::{self, Kind};
use crate::resources::{Context, Kind as AnyKind, ResourceId, Wait, WaitKind, facts};
use crate::spec::Spec;

use super::inner;
use super::leaving::{ended, leaving, leaving_after};
use super::sight::{told, told_by};

/// How long the other plugin daemon runs before anybody calls it, in seconds: twice the time that we give one plugin to
/// make its environment (`PYTHON_ENV_INIT_TIMEOUT`). Its health says nothing of that.
const WARMING_SECS: u32 = 600;

/// How long a run of Agent v2 may take, in seconds (its default).
const RUN_SECS: i64 = 3600;

/// A server of which two take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The sandbox of code nodes.
    Sandbox,
    /// The plugin daemon.
    PluginDaemon,
    /// Agent v2's server, with the sandbox that has its sessions.
    Agent,
}

/// A key that a server was given.
struct Key {
    /// The variable in its own Secret.
    own: &'static str,
    /// The end of the secret's name.
    secret: &'static str,
    /// The variable by which a user may give it instead.
    given_as: &'static str,
}

/// What there is to know of a server.
struct Facts {
    /// The components' names. The first is what there is before any rotation.
    components: [&'static str; 2],
    /// The variable that says where it is.
    endpoint: &'static str,
    /// What it was given; its callers show the first one.
    keys: &'static [Key],
}

const fn key(own: &'static str, secret: &'static str, given_as: &'static str) -> Key {
    Key { own, secret, given_as }
}

const SANDBOX: Facts = Facts {
    components: ["sandbox", "sandbox-b"],
    endpoint: "CODE_EXECUTION_ENDPOINT",
    keys: &[key("API_KEY", "code-execution-api-key", "CODE_EXECUTION_API_KEY")],
};

const PLUGIN_DAEMON: Facts = Facts {
    components: ["plugin-daemon", "plugin-daemon-b"],
    endpoint: "PLUGIN_DAEMON_URL",
    keys: &[
        key("SERVER_KEY", "plugin-daemon-key", "PLUGIN_DAEMON_KEY"),
        key("DIFY_INNER_API_KEY", inner::SECRET, inner::VARIABLE),
    ],
};

const AGENT: Facts = Facts {
    components: ["agent-backend", "agent-backend-b"],
    endpoint: "AGENT_BACKEND_BASE_URL",
    keys: &[
        key("DIFY_AGENT_API_TOKEN", "agent-api-token", "AGENT_BACKEND_API_TOKEN"),
        key("DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN", "agent-sandbox-token", ""),
        key("DIFY_AGENT_PLUGIN_DAEMON_API_KEY", "plugin-daemon-key", "PLUGIN_DAEMON_KEY"),
        key("DIFY_AGENT_INNER_API_KEY", inner::SECRET, inner::VARIABLE),
    ],
};

impl Server {
    /// All of them.
    pub const ALL: [Server; 3] = [Server::Sandbox, Server::PluginDaemon, Server::Agent];

    fn facts(self) -> &'static Facts {
        match self {
            Server::Sandbox => &SANDBOX,
            Server::PluginDaemon => &PLUGIN_DAEMON,
            Server::Agent => &AGENT,
        }
    }

    /// The name of one of the two.
    pub fn component(self, twin: Twin) -> &'static str {
        self.facts().components[twin as usize]
    }

    /// The variable that says where it is.
    pub fn endpoint(self) -> &'static str {
        self.facts().endpoint
    }

    /// The server that a key is one for: its turn decides which version is in use.
    fn of_key(secret: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.key(secret).is_some())
    }

    fn key(self, secret: &str) -> Option<&'static Key> {
        self.facts().keys.iter().find(|key| key.secret == secret)
    }

    fn runs(self, spec: &Spec) -> bool {
        match self {
            Server::Sandbox => kubernetes::enabled(&spec.sandbox, true),
            Server::PluginDaemon => kubernetes::enabled(&spec.plugin_daemon, true),
            Server::Agent => kubernetes::enabled(&spec.agent_backend, false),
        }
    }
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The one that is there before any rotation.
    A,
    /// The one that comes up beside it.
    B,
}

impl Twin {
    /// The other one.
    pub fn other(self) -> Self {
        if self == Twin::A { Twin::B } else { Twin::A }
    }
}

/// Whether a key is one of these.
pub fn is_key(secret: &str) -> bool {
    Server::of_key(secret).is_some()
}

/// The one that is to serve.
pub fn target(context: &Context<'_>, server: Server) -> Twin {
    let Some(serving) = serving(context, server) else { return Twin::A };
    match differs(context, server, serving) && !is_held(context, server) {
        true => serving.other(),
        false => serving,
    }
}

/// The one that requests from outside go to: the other one only once it is told of.
pub fn front(context: &Context<'_>, server: Server) -> Twin {
    serving(context, server).unwrap_or(Twin::A)
}

/// Whether the callers are still to be told of the one that is to serve.
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
    if is_switching(context, server) || !is_there(context, server, old) {
        return None;
    }
    let wait = match server {
        Server::Sandbox => leaving(context),
        Server::PluginDaemon => called_by_agent(context).or_else(|| leaving(context)),
        Server::Agent => leaving_after(context, RUN_SECS),
    }?;
    let wait = wait.told(|why| format!("{} with the old key stays: {why}", server.component(old)));
    Some((id(context, server, old), wait))
}

/// What the switch waits for although the one that is to serve is ready.
pub fn warming(context: &Context<'_>) -> Option<Wait> {
    let server = Server::PluginDaemon;
    if !is_switching(context, server) {
        return None;
    }
    let target = target(context, server);
    let up = ended(context.seen.body(&id(context, server, target))?)?;
    let secs = WARMING_SECS.max(context.spec.rotation_propagation_delay_sec);
    let warm = up.checked_add(SignedDuration::from_secs(secs.into())).unwrap_or(Timestamp::MAX);
    let at = context.seen.at.filter(|at| *at < warm)?;
    let why =
        format!("{} unpacks its plugins until {warm}, before anybody calls it", server.component(target));
    Some(Wait::until(at, warm, why))
}

/// Whether the next turn waits for the one before, although another key is there: the other one, which may still be
/// called with the key before, goes first, and the API has to be told of that key. Until then everything of the
/// serving one stays as it is.
pub fn is_held(context: &Context<'_>, server: Server) -> bool {
    let Some(serving) = serving(context, server).filter(|serving| differs(context, server, *serving)) else {
        return false;
    };
    let other = serving.other();
    let known = || server.key(inner::SECRET).and_then(|key| own(context, server, serving, key.own));
    let told = || told(context, inner::VARIABLE).filter(|_| inner::takes_turns(context.spec));
    let untold = || known().zip(told()).is_some_and(|(known, told)| known != told);
    is_there(context, server, other) && differs(context, server, other)
        || server == Server::PluginDaemon && untold()
}

/// The version of a key that is to be in use: the newest, unless a turn that has begun ends first.
///
/// # Errors
/// What has to be read before that can be said.
pub fn wanted<'a>(context: &Context<'a>, secret: &str) -> Result<&'a Payload, Wait> {
    match Server::of_key(secret).and_then(|server| held_own(context, server, secret)) {
        Some(content) => version_with(context, secret, &content),
        None => facts::secret(context, secret),
    }
}

/// The version of a secret with this content: the newest when none of the enabled ones has it.
///
/// # Errors
/// What has to be read before that can be said.
pub fn version_with<'a>(context: &Context<'a>, secret: &str, content: &str) -> Result<&'a Payload, Wait> {
    let newest = facts::secret(context, secret)?;
    if newest.content.reveal() == content {
        return Ok(newest);
    }
    let unread =
        |what: String| Wait::dependency(format!("{what} of the secret {secret} could not be read yet"));
    let history = secret_history::versions(context, secret).ok_or_else(|| unread("the versions".into()))?;
    let seen: &'a crate::inventory::Inventory = context.seen;
    for version in
        history.into_iter().map(|version| version.number).filter(|number| *number != newest.version)
    {
        let id = secret_version::numbered(context, secret, version);
        let payload = seen.payloads.get(&id.name).ok_or_else(|| unread(format!("version {version}")))?;
        if payload.content.reveal() == content {
            return Ok(payload);
        }
    }
    Ok(newest)
}

/// Whether every server that was given a key knows its newest version, and none stands that knows another.
pub fn is_settled(context: &Context<'_>, secret: &str) -> bool {
    let mut concerned = Server::ALL.into_iter().filter(|server| server.key(secret).is_some());
    concerned.all(|server| is_quiet(context, server))
        && (secret != inner::SECRET || inner::is_settled(context))
}

/// Whether a server that is there was given another version of a key than this.
pub fn is_known_otherwise(context: &Context<'_>, secret: &str, content: &str) -> bool {
    let servers = Server::ALL.into_iter().flat_map(|server| [(server, Twin::A), (server, Twin::B)]);
    let mut there = servers.filter(|(server, twin)| is_there(context, *server, *twin));
    there.any(|(server, twin)| {
        let given = |key: &Key| own(context, server, twin, key.own);
        server.key(secret).is_some_and(|key| given(key).as_deref() != Some(content))
    })
}

/// Whether one of the two was given another version of a key than the newest; of another server's key, than the one
/// that is to be in use.
fn differs(context: &Context<'_>, server: Server, twin: Twin) -> bool {
    let mut keys = server.facts().keys.iter().filter(|key| !is_given(context.spec, key));
    keys.any(|key| {
        let is_own = Server::of_key(key.secret) == Some(server);
        let next = if is_own { facts::secret(context, key.secret) } else { wanted(context, key.secret) };
        let own = own(context, server, twin, key.own);
        next.ok().zip(own).is_some_and(|(next, own)| next.content.reveal() != own)
    })
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
    let is_behind = is_switching(context, server) || is_held(context, server);
    is_behind.then(|| Wait::new(WaitKind::Rollout, why))
}

/// What the serving one was given of a key, while its next turn is held.
fn held_own(context: &Context<'_>, server: Server, secret: &str) -> Option<String> {
    let key = server.key(secret).filter(|key| !is_given(context.spec, key))?;
    let serving = serving(context, server).filter(|_| is_held(context, server))?;
    own(context, server, serving, key.own)
}

/// The one that the callers are told of; `None` before there are any, and when the user decides.
fn serving(context: &Context<'_>, server: Server) -> Option<Twin> {
    let facts = server.facts();
    if !server.runs(context.spec) || gives(context.spec, facts.endpoint) {
        return None;
    }
    let shown = facts.keys.first().and_then(|key| told(context, key.given_as));
    let endpoint = told(context, facts.endpoint).unwrap_or_default();
    let second = format!("{}:", context.names.component(server.component(Twin::B)));
    let twin = if endpoint.contains(&second) { Twin::B } else { Twin::A };
    shown.filter(|key| !key.is_empty()).map(|_| twin)
}

fn is_given(spec: &Spec, key: &Key) -> bool {
    gives(spec, key.given_as) || key.secret == inner::SECRET && !inner::takes_turns(spec)
}

/// Whether the user gives a variable that the API's containers read.
pub fn gives(spec: &Spec, variable: &str) -> bool {
    let components = [&spec.worker, &spec.beat, &spec.api_websocket];
    let own = components.into_iter().filter_map(|component| component.env_vars.as_ref());
    let names = own.chain([&spec.environment_variables, &spec.secret_environment_variables]);
    let mut names = names.flat_map(|variables| variables.keys()).chain(spec.explicit_secret_values.keys());
    names.any(|name| name == variable)
}

/// What one of the two was given under the name of a variable.
fn own(context: &Context<'_>, server: Server, twin: Twin, variable: &str) -> Option<String> {
    told_by(context, &kubernetes::own_secret(context, server.component(twin)), variable)
}

/// Whether one of the two is there.
pub fn is_there(context: &Context<'_>, server: Server, twin: Twin) -> bool {
    context.seen.body(&id(context, server, twin)).is_some()
}

fn id(context: &Context<'_>, server: Server, twin: Twin) -> ResourceId {
    let namespace = context.names.namespace(context.spec);
    let name = context.names.component(server.component(twin));
    ResourceId { kind: AnyKind::Kubernetes(Kind::Deployment), name: format!("{namespace}/{name}") }
}
