//! What the code sandbox reads. It has no way out but the proxy.

use super::super::enabled;
use super::super::scope::Scope;
use super::super::service::{self, SANDBOX_PORT};
use super::{Plain, plain};

/// The sandbox's variables. Paths of the interpreters are left to the image: they moved in 0.2.14.
pub fn sandbox(scope: &Scope<'_>) -> Plain {
    let mut all = plain(&[
        ("SANDBOX_PORT", &SANDBOX_PORT.to_string()),
        ("GIN_MODE", "release"),
        ("WORKER_TIMEOUT", "15"),
        ("MAX_WORKERS", "4"),
        ("MAX_REQUESTS", "50"),
        ("ENABLE_NETWORK", "true"),
    ]);
    if enabled(&scope.spec().ssrf_proxy, true) {
        let proxy = service::ssrf_proxy_url(scope);
        all.extend(plain(&[("HTTP_PROXY", &proxy), ("HTTPS_PROXY", &proxy)]));
    }
    all.extend(scope.spec().sandbox.env_vars.clone().unwrap_or_default());
    all
}
