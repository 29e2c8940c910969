//! What the plugin daemon reads. It shares no variables with the API: with the API's `DB_DATABASE` it
//! would migrate the wrong database.

use super::super::database::PORT;
use super::super::inner_api;
use super::super::scope::Scope;
use super::super::service::PLUGIN_DAEMON_PORT;
use super::{Application, Plain, plain};

/// Where the daemon unpacks plugins and builds their environments: a block volume, because network file
/// systems are too slow for it.
pub const WORKING_ROOT: &str = "/app/storage";

/// The plugin daemon's variables.
pub fn plugin_daemon(scope: &Scope<'_>, application: &Application) -> Plain {
    let mut all = plain(&[
        ("SERVER_PORT", &PLUGIN_DAEMON_PORT.to_string()),
        ("PLATFORM", "local"),
        ("DIFY_INNER_API_URL", &inner_api::url(scope)),
        ("PLUGIN_REMOTE_INSTALLING_ENABLED", "false"),
        ("MAX_PLUGIN_PACKAGE_SIZE", "52428800"),
        ("PLUGIN_MAX_EXECUTION_TIMEOUT", "600"),
        // Twice the default: a first environment on a cold node takes its time.
        ("PYTHON_ENV_INIT_TIMEOUT", "300"),
        ("FORCE_VERIFYING_SIGNATURE", "true"),
        ("ENFORCE_LANGGENIUS_PLUGIN_SIGNATURES", "true"),
        // Otherwise it tries out several package indexes at every start.
        ("PIP_MIRROR_AUTO_DETECT", "false"),
        ("PIP_MIRROR_URL", ""),
    ]);
    all.extend(stored(scope));
    all.extend(scope.spec().plugin_daemon.env_vars.clone().unwrap_or_default());
    all.extend(database(scope, application));
    all
}

/// Packages and the plugins' own data are in a bucket: a disk would have to be backed up by somebody.
fn stored(scope: &Scope<'_>) -> Plain {
    plain(&[
        ("PLUGIN_STORAGE_TYPE", "gcs"),
        ("PLUGIN_STORAGE_OSS_BUCKET", &scope.names().bucket("plugin")),
        // Empty: the library finds the pod's own identity.
        ("GCS_CREDENTIALS", ""),
        ("PLUGIN_WORKING_PATH", &format!("{WORKING_ROOT}/cwd")),
        ("PLUGIN_INSTALLED_PATH", "plugin"),
        ("PLUGIN_PACKAGE_CACHE_PATH", "plugin_packages"),
        ("PLUGIN_MEDIA_CACHE_PATH", "assets"),
        ("PERSISTENCE_STORAGE_PATH", "persistence"),
    ])
}

fn database(scope: &Scope<'_>, application: &Application) -> Plain {
    let database = &application.database;
    let part = |name: &str| application.platform().get(name).cloned().unwrap_or_default();
    // The Auth Proxy encrypts by itself and speaks plainly to the container beside it.
    let ssl = if scope.spec().enable_cloudsql_volume { "disable" } else { "require" };
    plain(&[
        ("DB_TYPE", "postgresql"),
        ("DB_HOST", &database.host),
        ("DB_PORT", &PORT.to_string()),
        ("DB_USERNAME", &database.login),
        ("DB_DATABASE", &database.names.plugins),
        ("DB_SSL_MODE", ssl),
        ("DB_MAX_OPEN_CONNS", "20"),
        ("DB_MAX_IDLE_CONNS", "5"),
        ("REDIS_HOST", &part("REDIS_HOST")),
        ("REDIS_PORT", &part("REDIS_PORT")),
        ("REDIS_DB", "0"),
        // An empty prefix would mix its keys with the API's.
        ("REDIS_KEY_PREFIX", "plugin_daemon"),
    ])
}
