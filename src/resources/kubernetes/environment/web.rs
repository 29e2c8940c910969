//! What the web container reads: the public origin for the browser, the API's Service for itself.

use crate::resources::facts;

use super::super::scope::Scope;
use super::super::waits::Waits;
use super::super::{enabled, service};
use super::{Plain, plain};

/// The web container's variables. It has no secrets.
///
/// `CONSOLE_API_URL` must be set and have the API's scheme: the browser derives the name of the CSRF
/// cookie from it, and an empty value fails at the first login under https.
pub fn web(scope: &Scope<'_>, waits: &mut Waits) -> Plain {
    let spec = scope.spec();
    let origin = waits.take(facts::origin(scope.context));
    let mut all = plain(&[
        ("CONSOLE_API_URL", &origin),
        ("CONSOLE_WEB_URL", &origin),
        ("APP_API_URL", &origin),
        // Pages are rendered on the server too, and those calls stay in the cluster.
        ("SERVER_CONSOLE_API_URL", &service::api_url(scope)),
        ("NEXT_PUBLIC_SOCKET_URL", &origin.replacen("http", "ws", 1)),
        ("MARKETPLACE_API_URL", "https://marketplace.dify.ai"),
        ("MARKETPLACE_URL", "https://marketplace.dify.ai"),
        ("EDITION", "SELF_HOSTED"),
        ("DEPLOY_ENV", "PRODUCTION"),
        ("PORT", "3000"),
        // Next listens on $HOSTNAME, which Kubernetes sets to the pod's name.
        ("HOSTNAME", "0.0.0.0"),
        ("NEXT_TELEMETRY_DISABLED", "1"),
        ("NEXT_PUBLIC_ENABLE_AGENT_V2", &enabled(&spec.agent_backend, false).to_string()),
    ]);
    all.extend(limits());
    all.extend(spec.web.env_vars.clone().unwrap_or_default());
    all
}

fn limits() -> Plain {
    plain(&[
        ("TEXT_GENERATION_TIMEOUT_MS", "60000"),
        ("ALLOW_EMBED", "false"),
        ("TOP_K_MAX_VALUE", "10"),
        ("INDEXING_MAX_SEGMENTATION_TOKENS_LENGTH", "4000"),
        ("LOOP_NODE_MAX_COUNT", "100"),
        ("MAX_TOOLS_NUM", "10"),
        ("MAX_PARALLEL_LIMIT", "10"),
        ("MAX_ITERATIONS_NUM", "99"),
        ("MAX_TREE_DEPTH", "50"),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::World;

    #[test]
    fn the_browser_gets_the_origin_and_the_server_the_service() {
        let world = World::default_set();
        assert_eq!(world.variable("web", "CONSOLE_API_URL").as_deref(), Some("http://203.0.113.7"));
        assert_eq!(world.variable("web", "NEXT_PUBLIC_SOCKET_URL").as_deref(), Some("ws://203.0.113.7"));
        assert_eq!(
            world.variable("web", "SERVER_CONSOLE_API_URL").as_deref(),
            Some("http://appdifydemo0a1b2c3d:80")
        );
        assert_eq!(world.variable("web", "HOSTNAME").as_deref(), Some("0.0.0.0"));
    }
}
