//! Variables that every container of the API image reads: API, worker, beat, websocket, migration.
//!
//! The set was loaded by Dify 1.17's own configuration class without an error; the reasons stand with
//! the values that were found out the hard way.

use crate::resources::facts;
use crate::rotation::server::{Server, Twin};

use super::super::database::{Database, PORT};
use super::super::scope::Scope;
use super::super::waits::Waits;
use super::super::{additional, enabled, service};
use super::{Plain, plain};

/// Our defaults, all of which the user may override.
pub fn preset(scope: &Scope<'_>, database: &Database, waits: &mut Waits) -> Plain {
    let mut all = identity();
    all.extend(urls(scope, waits));
    all.extend(pools());
    all.extend(redis());
    all.extend(storage(scope));
    all.extend(vectors(database));
    all.extend(plugins(scope));
    all.extend(code_execution(scope));
    all.extend(logs_and_limits());
    let collaboration = enabled(&scope.spec().api_websocket, false).to_string();
    all.insert("ENABLE_COLLABORATION_MODE".into(), collaboration);
    all.extend(additional::urls(scope));
    all
}

/// What the user cannot override: a container with another database or Redis than the others would work
/// on its own, and nobody would notice before the data is apart.
pub fn platform(scope: &Scope<'_>, database: &Database, waits: &mut Waits) -> Plain {
    let (spec, port) = (scope.spec(), PORT.to_string());
    let names = &database.names;
    let mut all = plain(&[
        ("APP_NAME", &spec.application_name),
        ("APP_VERSION", &spec.application_version),
        ("DB_TYPE", "postgresql"),
        ("DB_HOST", &database.host),
        ("DB_IP", &database.host),
        ("DB_PORT", &port),
        ("DB_USERNAME", &database.login),
        ("DB_USER", &database.login),
        ("DB_DATABASE", &names.application),
        ("DB_NAME", &names.application),
    ]);
    for (alias, value) in [
        (&spec.db_host_env_var_name, &database.host),
        (&spec.db_user_env_var_name, &database.login),
        (&spec.db_name_env_var_name, &names.application),
        (&spec.db_port_env_var_name, &port),
    ] {
        if !alias.is_empty() {
            all.insert(alias.clone(), value.clone());
        }
    }
    all.insert("REDIS_HOST".into(), waits.take(facts::redis_host(scope.context)));
    all.insert("REDIS_PORT".into(), spec.redis_port.clone());
    if spec.enable_nfs {
        all.insert("NFS_SERVER_IP".into(), waits.take(facts::nfs_server(scope.context)));
    }
    all
}

/// `DEPLOYMENT_EDITION` is read from 1.17 on, `EDITION` before; each ignores the other.
fn identity() -> Plain {
    plain(&[
        ("DEPLOYMENT_EDITION", "COMMUNITY"),
        ("EDITION", "SELF_HOSTED"),
        ("DEPLOY_ENV", "PRODUCTION"),
        ("TZ", "UTC"),
    ])
}

/// One origin for everything: the session cookies are not sent across sites, and their name depends on
/// the scheme of these values being the same as the web container's. The image has `127.0.0.1` baked in,
/// so none may be left out.
fn urls(scope: &Scope<'_>, waits: &mut Waits) -> Plain {
    let origin = waits.take(facts::origin(scope.context));
    let mut all = Plain::new();
    for name in [
        "CONSOLE_API_URL",
        "CONSOLE_WEB_URL",
        "SERVICE_API_URL",
        "APP_API_URL",
        "APP_WEB_URL",
        "FILES_URL",
        "TRIGGER_URL",
        "CONSOLE_CORS_ALLOW_ORIGINS",
        "GKE_SERVICE_URL",
    ] {
        all.insert(name.into(), origin.clone());
    }
    all.extend(plain(&[
        ("INTERNAL_FILES_URL", &service::api_url(scope)),
        ("ENDPOINT_URL_TEMPLATE", &format!("{origin}/e/{{hook_id}}")),
        // Published apps are embedded in pages of other origins; they carry no cookies.
        ("WEB_API_CORS_ALLOW_ORIGINS", "*"),
        ("RESPECT_XFORWARD_HEADERS_ENABLED", "true"),
        // Otherwise the API's documentation pages are public.
        ("SWAGGER_UI_ENABLED", "false"),
        ("OPENAPI_ENABLED", "false"),
    ]));
    all
}

/// Ten and ten per process: upstream's 30 and 10 exhaust a small instance's 200 connections with eight
/// processes. The pool, not the number of requests, decides how many connections there are.
fn pools() -> Plain {
    plain(&[
        ("SQLALCHEMY_POOL_SIZE", "10"),
        ("SQLALCHEMY_MAX_OVERFLOW", "10"),
        // A connection may have died in a failover or maintenance.
        ("SQLALCHEMY_POOL_PRE_PING", "true"),
        ("SQLALCHEMY_POOL_RECYCLE", "1800"),
        ("SQLALCHEMY_POOL_TIMEOUT", "30"),
    ])
}

/// The broker's URL holds the password and is in the Secret. `CELERY_BACKEND` is a keyword.
fn redis() -> Plain {
    plain(&[
        ("REDIS_USERNAME", ""),
        ("REDIS_DB", "0"),
        ("REDIS_USE_SSL", "false"),
        ("CELERY_BACKEND", "redis"),
    ])
}

/// No key file: with an empty value the library finds the pod's own identity.
fn storage(scope: &Scope<'_>) -> Plain {
    plain(&[
        ("STORAGE_TYPE", "google-storage"),
        ("GOOGLE_STORAGE_BUCKET_NAME", &scope.names().bucket("storage")),
        ("GOOGLE_STORAGE_SERVICE_ACCOUNT_JSON_BASE64", ""),
    ])
}

fn vectors(database: &Database) -> Plain {
    plain(&[
        ("VECTOR_STORE", "pgvector"),
        ("VECTOR_INDEX_NAME_PREFIX", "Vector_index"),
        ("PGVECTOR_HOST", &database.host),
        // Dify's default is 5433.
        ("PGVECTOR_PORT", &PORT.to_string()),
        ("PGVECTOR_USER", &database.login),
        ("PGVECTOR_DATABASE", &database.names.application),
        ("PGVECTOR_MIN_CONNECTION", "1"),
        ("PGVECTOR_MAX_CONNECTION", "5"),
    ])
}

/// Where servers are, here and below, unless the Secret says that the other one of two serves.
fn plugins(scope: &Scope<'_>) -> Plain {
    let mut all = plain(&[
        (Server::PluginDaemon.endpoint(), &service::server_url(scope, Server::PluginDaemon, Twin::A)),
        ("PLUGIN_DAEMON_TIMEOUT", "600"),
        // The same as the daemon's MAX_PLUGIN_PACKAGE_SIZE; the defaults differ.
        ("PLUGIN_MAX_PACKAGE_SIZE", "52428800"),
        ("PLUGIN_REMOTE_INSTALL_HOST", "localhost"),
        ("PLUGIN_REMOTE_INSTALL_PORT", "5003"),
        ("MARKETPLACE_ENABLED", "true"),
        ("MARKETPLACE_API_URL", "https://marketplace.dify.ai"),
    ]);
    if enabled(&scope.spec().agent_backend, false) {
        let url = service::server_url(scope, Server::Agent, Twin::A);
        all.insert(Server::Agent.endpoint().into(), url);
    }
    all
}

fn code_execution(scope: &Scope<'_>) -> Plain {
    let mut all =
        plain(&[(Server::Sandbox.endpoint(), &service::server_url(scope, Server::Sandbox, Twin::A))]);
    // Set but absent, every HTTP request node would fail.
    if enabled(&scope.spec().ssrf_proxy, true) {
        let proxy = service::ssrf_proxy_url(scope);
        all.extend(plain(&[("SSRF_PROXY_HTTP_URL", &proxy), ("SSRF_PROXY_HTTPS_URL", &proxy)]));
    }
    all
}

/// JSON lines carry `severity`, which Cloud Logging reads. Without `LOG_FILE` the root may be read-only.
fn logs_and_limits() -> Plain {
    plain(&[
        ("LOG_LEVEL", "INFO"),
        ("LOG_OUTPUT_FORMAT", "json"),
        ("LOG_TZ", "UTC"),
        ("DISABLE_TELEMETRY", "true"),
        ("DO_NOT_TRACK", "true"),
        ("CHECK_UPDATE_URL", ""),
        ("ENABLE_OTEL", "false"),
        ("UPLOAD_FILE_SIZE_LIMIT", "15"),
        ("APP_MAX_EXECUTION_TIME", "1200"),
        ("WORKFLOW_MAX_EXECUTION_TIME", "1200"),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::super::Kind;
    use super::super::super::fixture::World;
    use crate::inventory::Payload;
    use crate::spec::Spec;
    use crate::spec::types::Sensitive;

    fn with(name: &str, value: &str) -> World {
        let mut spec = Spec::default();
        spec.environment_variables.insert(name.into(), value.into());
        World::of(spec)
    }

    #[test]
    fn the_user_overrides_what_is_ours_and_not_what_is_the_platforms() {
        assert_eq!(with("LOG_LEVEL", "DEBUG").variable("worker", "LOG_LEVEL").as_deref(), Some("DEBUG"));
        assert_eq!(
            with("SERVER_WORKER_AMOUNT", "4").variable("api", "SERVER_WORKER_AMOUNT").as_deref(),
            Some("4")
        );
        assert_eq!(with("DB_HOST", "elsewhere").variable("api", "DB_HOST").as_deref(), Some("127.0.0.1"));
        assert_eq!(with("MODE", "worker").variable("api", "MODE").as_deref(), Some("api"));
        assert_eq!(
            with("MIGRATION_ENABLED", "true").variable("api", "MIGRATION_ENABLED").as_deref(),
            Some("false")
        );
    }

    #[test]
    fn every_public_address_is_the_one_origin() {
        let world = World::default_set();
        for name in [
            "CONSOLE_API_URL",
            "CONSOLE_WEB_URL",
            "SERVICE_API_URL",
            "APP_WEB_URL",
            "FILES_URL",
            "TRIGGER_URL",
        ] {
            assert_eq!(world.variable("api", name).as_deref(), Some("http://203.0.113.7"), "{name}");
        }
        let template = world.variable("api", "ENDPOINT_URL_TEMPLATE");
        assert_eq!(template.as_deref(), Some("http://203.0.113.7/e/{hook_id}"));
        assert_eq!(
            world.variable("api", "INTERNAL_FILES_URL").as_deref(),
            Some("http://appdifydemo0a1b2c3d:80")
        );
    }

    #[test]
    fn values_are_complete() {
        let body = World::default_set().body(Kind::ConfigMap, "-api-env");
        assert!(!body["data"].to_string().contains("$("));
    }

    #[test]
    fn a_new_secret_version_rolls_what_reads_it_and_a_value_alone_does_not() {
        let annotation = |version: u64, content: &str| {
            let mut world = World::default_set();
            let payload = Payload { version, content: Sensitive::new(content) };
            world.seen.payloads.insert(world.names.secret("secret-key"), payload);
            let body = world.body(Kind::Deployment, "-worker");
            body["spec"]["template"]["metadata"]["annotations"]["dify-reconciler/configuration"].clone()
        };
        assert_eq!(annotation(3, "x"), annotation(3, "y"));
        assert_ne!(annotation(3, "x"), annotation(4, "x"));
    }
}
