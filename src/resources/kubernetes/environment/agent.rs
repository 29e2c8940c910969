//! What Agent v2's server and its sandbox read (Dify 1.16 and later, off by default).

use crate::rotation::server::{Server, Twin};
use crate::rotation::twin;

use super::super::scope::Scope;
use super::super::{agent, inner_api, service};
use super::{Plain, plain};

/// The server's plain variables. It was started with this set; without the stub's address or the key in
/// the Secret it refuses to start.
pub fn backend(scope: &Scope<'_>, twin: Twin) -> Plain {
    let api = service::api_url(scope);
    let daemon = twin::target(scope.context, Server::PluginDaemon);
    let mut all = plain(&[
        ("DIFY_AGENT_REDIS_PREFIX", "dify-agent"),
        ("DIFY_AGENT_PLUGIN_DAEMON_URL", &service::server_url(scope, Server::PluginDaemon, daemon)),
        ("DIFY_AGENT_INNER_API_URL", &inner_api::url(scope)),
        ("DIFY_AGENT_RUNTIME_BACKEND", "local"),
        ("DIFY_AGENT_LOCAL_SANDBOX_ENDPOINT", &service::agent_sandbox_url(scope, agent::sandbox_name(twin))),
        (
            "DIFY_AGENT_STUB_API_BASE_URL",
            &format!("{}/agent-stub", service::server_url(scope, Server::Agent, twin)),
        ),
        ("DIFY_AGENT_SANDBOX_FILES_BASE_URL", &api),
    ]);
    all.extend(scope.spec().agent_backend.env_vars.clone().unwrap_or_default());
    all
}

/// The sandbox's plain variables: everything it asks of the network goes through its own proxy.
pub fn sandbox(scope: &Scope<'_>) -> Plain {
    let proxy = service::agent_proxy_url(scope);
    plain(&[("HTTP_PROXY", &proxy), ("HTTPS_PROXY", &proxy), ("NO_PROXY", "localhost,127.0.0.1")])
}
