//! Secret variables, and which of them each component gets.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::resources::facts;
use crate::rotation::server::{Server, Twin, gives};
use crate::rotation::twin;
use crate::rotation::{inner, redis};
use crate::spec::types::{Sensitive, StringMap};

use super::super::credentials::{SecretMap, SecretValue};
use super::super::database::Database;
use super::super::scope::Scope;
use super::super::service;
use super::super::waits::Waits;
use super::Plain;

/// What may stand in the password of a URL as it is (RFC 3986 `unreserved`). Anything else in the
/// broker's URL is encoded: `redis://:p@ss/w#@h` would name the host `ss`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The Redis database of Celery's queue; 0 holds cache, locks and events.
const BROKER_DATABASE: u8 = 1;

/// The Redis database of Agent v2.
const AGENT_DATABASE: u8 = 2;

/// The secret variables of the API image's containers.
///
/// What the user gives wins over what is generated, so that keys of an older installation can be
/// carried over; the password of the login that is in use wins over both.
pub fn application(scope: &Scope<'_>, database: &Database, platform: &Plain, waits: &mut Waits) -> SecretMap {
    let spec = scope.spec();
    let mut all = SecretMap::new();
    for (name, suffix) in [("SECRET_KEY", "secret-key"), ("INIT_PASSWORD", "init-password")] {
        all.insert(name.into(), SecretValue::generated(scope, suffix, waits));
    }
    all.insert(inner::VARIABLE.into(), SecretValue::key(inner::known(scope.context), inner::SECRET, waits));
    // One Secret says both which key is taken and where, so that nobody ever reads half of the switch.
    for server in Server::ALL {
        if server != Server::Agent || server.runs(spec) {
            let key = server.shown();
            let shown = SecretValue::key(twin::shown(scope.context, server), key.secret, waits);
            all.insert(key.given_as.into(), shown);
        }
        if twin::told_of(scope.context, server) == Twin::B {
            let endpoint = Sensitive::new(service::server_url(scope, server, Twin::B));
            let version = server.component(Twin::B).to_owned();
            all.insert(server.endpoint().into(), SecretValue { text: endpoint, version });
        }
    }
    let key = all.get("SECRET_KEY").cloned().unwrap_or_default();
    let redis = redis_password(scope, &key, waits);
    all.insert("CELERY_BROKER_URL".into(), broker_url(&redis, platform, BROKER_DATABASE));
    all.insert("REDIS_PASSWORD".into(), redis);
    all.insert("PGVECTOR_PASSWORD".into(), database.password.clone());
    for (name, value) in &spec.explicit_secret_values {
        all.insert(name.clone(), SecretValue::given(value, name, &key));
    }
    all.extend(users(scope, &spec.secret_environment_variables, waits));
    for name in ["DB_PASSWORD", spec.db_password_env_var_name.as_str()] {
        if !name.is_empty() {
            all.insert(name.to_owned(), database.password.clone());
        }
    }
    all
}

/// Variables whose values are secrets of the user's.
pub fn users(scope: &Scope<'_>, variables: &StringMap, waits: &mut Waits) -> SecretMap {
    variables
        .iter()
        .filter(|(_, id)| !id.is_empty())
        .map(|(name, id)| (name.clone(), SecretValue::users(scope, id, waits)))
        .collect()
}

/// What the API image's containers get, but with the key for plugins as it is to be in the end.
pub fn with_inner_key(scope: &Scope<'_>, application: &SecretMap, waits: &mut Waits) -> SecretMap {
    let mut all = application.clone();
    if !gives(scope.spec(), inner::VARIABLE) {
        let key = SecretValue::key(twin::wanted(scope.context, inner::SECRET), inner::SECRET, waits);
        all.insert(inner::VARIABLE.into(), key);
    }
    all
}

/// A server's keys as they are to be in the end, under the names it reads; what the user gives is the user's.
fn keys(scope: &Scope<'_>, server: Server, application: &SecretMap, waits: &mut Waits) -> SecretMap {
    let mut all = SecretMap::new();
    for key in server.keys() {
        let value = match gives(scope.spec(), key.given_as) {
            true => application.get(key.given_as).cloned().unwrap_or_default(),
            false => SecretValue::key(twin::wanted(scope.context, key.secret), key.secret, waits),
        };
        all.insert(key.own.into(), value);
    }
    all
}

/// What the plugin daemon needs, under the names it reads.
pub fn plugin_daemon(scope: &Scope<'_>, application: &SecretMap, waits: &mut Waits) -> SecretMap {
    let mut all = keys(scope, Server::PluginDaemon, application, waits);
    all.extend(pick(application, &[("DB_PASSWORD", "DB_PASSWORD"), ("REDIS_PASSWORD", "REDIS_PASSWORD")]));
    all
}

/// What the sandbox needs: the key that its callers show.
pub fn sandbox(scope: &Scope<'_>, application: &SecretMap, waits: &mut Waits) -> SecretMap {
    keys(scope, Server::Sandbox, application, waits)
}

/// What Agent v2's server needs.
pub fn agent_backend(
    scope: &Scope<'_>,
    application: &SecretMap,
    platform: &Plain,
    waits: &mut Waits,
) -> SecretMap {
    let mut all = keys(scope, Server::Agent, application, waits);
    let redis = application.get("REDIS_PASSWORD").cloned().unwrap_or_default();
    all.insert("DIFY_AGENT_REDIS_URL".into(), broker_url(&redis, platform, AGENT_DATABASE));
    let key = SecretValue::generated(scope, "agent-server-secret-key", waits);
    all.insert("DIFY_AGENT_SERVER_SECRET_KEY".into(), key);
    all
}

/// What Agent v2's sandbox needs, made from what its server has.
pub fn agent_sandbox(backend: &SecretMap) -> SecretMap {
    pick(backend, &[("SHELLCTL_AUTH_TOKEN", "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN")])
}

fn pick(from: &SecretMap, names: &[(&str, &str)]) -> SecretMap {
    names.iter().filter_map(|(name, source)| Some(((*name).to_owned(), from.get(*source)?.clone()))).collect()
}

/// The VM's Redis has a password that was drawn; one that the user names has the user's, or none.
fn redis_password(scope: &Scope<'_>, key: &SecretValue, waits: &mut Waits) -> SecretValue {
    if facts::redis_is_ours(scope.spec()) {
        return SecretValue::of(redis::password(scope.context), redis::SECRET, waits);
    }
    SecretValue::given(&scope.spec().redis_auth, "redis_auth", key)
}

fn broker_url(password: &SecretValue, platform: &Plain, database: u8) -> SecretValue {
    let part = |name: &str| platform.get(name).map(String::as_str).unwrap_or_default();
    password.map(|password| {
        let login = if password.is_empty() {
            String::new()
        } else {
            format!(":{}@", utf8_percent_encode(password, UNRESERVED))
        };
        format!("redis://{login}{}:{}/{database}", part("REDIS_HOST"), part("REDIS_PORT"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::kubernetes::environment::plain;

    fn url(password: &str) -> String {
        let platform = plain(&[("REDIS_HOST", "10.0.0.9"), ("REDIS_PORT", "6379")]);
        let password = SecretValue { text: Sensitive::new(password), version: String::new() };
        broker_url(&password, &platform, 1).text.reveal().to_owned()
    }

    #[test]
    fn a_password_is_encoded_for_the_url() {
        assert_eq!(url("p@ss/w# %"), "redis://:p%40ss%2Fw%23%20%25@10.0.0.9:6379/1");
        assert_eq!(url("Plain-1"), "redis://:Plain-1@10.0.0.9:6379/1");
    }

    #[test]
    fn without_a_password_there_is_no_login() {
        assert_eq!(url(""), "redis://10.0.0.9:6379/1");
    }
}
