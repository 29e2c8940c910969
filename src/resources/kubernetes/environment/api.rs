//! What the API and the websocket server read beyond the shared variables.

use super::super::scope::Scope;
use super::{Application, Plain, plain};

/// Seconds gunicorn lets a worker be silent. Upstream's compose takes 360; its code 200.
pub const GUNICORN_TIMEOUT_SECS: u32 = 360;

/// The API's variables. `DIFY_PORT` follows the container port, whatever else is set.
pub fn api(scope: &Scope<'_>, application: &Application) -> Plain {
    let port = scope.spec().container_port.to_string();
    let own = plain(&[
        // Scaled by pods: each process takes half a gigabyte before its first request.
        ("SERVER_WORKER_AMOUNT", "1"),
        // With the default of 10, ten open streams block everything, the health check included.
        ("SERVER_WORKER_CONNECTIONS", "200"),
        ("GUNICORN_TIMEOUT", &GUNICORN_TIMEOUT_SECS.to_string()),
        ("GUNICORN_CMD_ARGS", "--graceful-timeout 60"),
    ]);
    application.environment(scope, own, None, &serving(&port))
}

/// The websocket server's variables: one process, because a client must come back to the same one.
pub fn websocket(scope: &Scope<'_>, application: &Application) -> Plain {
    let own = plain(&[
        ("SERVER_WORKER_CLASS", "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"),
        ("SERVER_WORKER_AMOUNT", "1"),
        ("SERVER_WORKER_CONNECTIONS", "1000"),
        ("GUNICORN_TIMEOUT", &GUNICORN_TIMEOUT_SECS.to_string()),
    ]);
    let users = scope.spec().api_websocket.env_vars.as_ref();
    application.environment(scope, own, users, &serving("5001"))
}

/// Whether the API answers below `/openapi`.
pub fn openapi(scope: &Scope<'_>) -> bool {
    let value = scope.spec().environment_variables.get("OPENAPI_ENABLED");
    value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

/// Migration is a Job's: of several pods that try, all but one serve at once on the old schema.
fn serving(port: &str) -> [(&str, &str); 4] {
    [("MODE", "api"), ("MIGRATION_ENABLED", "false"), ("DIFY_BIND_ADDRESS", "0.0.0.0"), ("DIFY_PORT", port)]
}
