//! The servers of which two take turns (`twin`): what they are called, and which keys they are given.

use crate::resources::kubernetes;
use crate::spec::Spec;

use super::inner;

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
pub struct Key {
    /// The variable in its own Secret.
    pub own: &'static str,
    /// The end of the secret's name.
    pub secret: &'static str,
    /// The variable by which a user may give it instead.
    pub given_as: &'static str,
}

/// What there is to know of a server.
struct Facts {
    /// The components' names. The first is what there is before any rotation.
    components: [&'static str; 2],
    /// What comes and goes with each.
    beside: Option<[&'static str; 2]>,
    /// The variable that says where it is.
    endpoint: &'static str,
    /// What it was given; its callers show the first one.
    keys: &'static [Key],
}

const fn given(own: &'static str, secret: &'static str, given_as: &'static str) -> Key {
    Key { own, secret, given_as }
}

const SANDBOX: Facts = Facts {
    components: ["sandbox", "sandbox-b"],
    beside: None,
    endpoint: "CODE_EXECUTION_ENDPOINT",
    keys: &[given("API_KEY", "code-execution-api-key", "CODE_EXECUTION_API_KEY")],
};

const PLUGIN_DAEMON: Facts = Facts {
    components: ["plugin-daemon", "plugin-daemon-b"],
    beside: None,
    endpoint: "PLUGIN_DAEMON_URL",
    keys: &[
        given("SERVER_KEY", "plugin-daemon-key", "PLUGIN_DAEMON_KEY"),
        given("DIFY_INNER_API_KEY", inner::SECRET, inner::VARIABLE),
    ],
};

const AGENT: Facts = Facts {
    components: ["agent-backend", "agent-backend-b"],
    beside: Some(["agent-sandbox", "agent-sandbox-b"]),
    endpoint: "AGENT_BACKEND_BASE_URL",
    keys: &[
        given("DIFY_AGENT_API_TOKEN", "agent-api-token", "AGENT_BACKEND_API_TOKEN"),
        given("DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN", "agent-sandbox-token", ""),
        given("DIFY_AGENT_PLUGIN_DAEMON_API_KEY", "plugin-daemon-key", "PLUGIN_DAEMON_KEY"),
        given("DIFY_AGENT_INNER_API_KEY", inner::SECRET, inner::VARIABLE),
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

    /// What it is given.
    pub fn keys(self) -> &'static [Key] {
        self.facts().keys
    }

    /// The key that its callers show.
    pub fn shown(self) -> &'static Key {
        &self.facts().keys[0]
    }

    /// What comes and goes with one of the two.
    pub fn beside(self, twin: Twin) -> Option<&'static str> {
        self.facts().beside.map(|names| names[twin as usize])
    }

    /// The variable that says where it is.
    pub fn endpoint(self) -> &'static str {
        self.facts().endpoint
    }

    /// What it is given of a secret.
    pub fn key(self, secret: &str) -> Option<&'static Key> {
        self.facts().keys.iter().find(|key| key.secret == secret)
    }

    /// Whether the spec wants it.
    pub fn runs(self, spec: &Spec) -> bool {
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

impl Key {
    /// Whether the user decides about it.
    pub fn is_given(&self, spec: &Spec) -> bool {
        gives(spec, self.given_as) || self.secret == inner::SECRET && !inner::takes_turns(spec)
    }
}

/// Whether the user gives a variable that the API's containers read.
pub fn gives(spec: &Spec, variable: &str) -> bool {
    let components = [&spec.worker, &spec.beat, &spec.api_websocket];
    let own = components.into_iter().filter_map(|component| component.env_vars.as_ref());
    let names = own.chain([&spec.environment_variables, &spec.secret_environment_variables]);
    let mut names = names.flat_map(|variables| variables.keys()).chain(spec.explicit_secret_values.keys());
    names.any(|name| name == variable)
}
