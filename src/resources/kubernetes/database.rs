//! The database as the pods see it: where it is, what it is called, and who logs in.

use crate::resources::{Names, facts};
use crate::spec::Spec;

use super::credentials::SecretValue;
use super::scope::Scope;
use super::waits::Waits;

/// Port of PostgreSQL, on the instance and on the Auth Proxy beside a container.
pub const PORT: u16 = 5432;

/// The administrator of a Cloud SQL instance for PostgreSQL.
pub const ADMINISTRATOR: &str = "postgres";

/// Names of roles and databases, which depend on the spec alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseNames {
    /// Role that owns everything; nobody logs in as it.
    pub owner: String,
    /// The two roles that log in, by turns, and act as the owner.
    pub logins: [String; 2],
    /// Dify's database.
    pub application: String,
    /// The plugin daemon's database. It must be another one: both keep an `alembic`-like state.
    pub plugins: String,
}

impl DatabaseNames {
    /// The names for a deployment.
    pub fn new(names: &Names, spec: &Spec) -> Self {
        Self {
            owner: names.database_object(&spec.db_user, spec, ""),
            logins: ["_a", "_b"].map(|suffix| names.database_object(&spec.db_user, spec, suffix)),
            application: names.database_object(&spec.db_name, spec, ""),
            plugins: names.database_object(&spec.db_name, spec, "_plugin"),
        }
    }
}

/// Everything a pod needs to log in.
pub struct Database {
    /// Names of roles and databases.
    pub names: DatabaseNames,
    /// `127.0.0.1` with the Auth Proxy beside the container, else the instance's private address.
    pub host: String,
    /// The role that logs in now.
    pub login: String,
    /// Its password.
    pub password: SecretValue,
}

impl Database {
    /// The database of a deployment; the password's absence goes to `secret_waits`.
    pub fn new(scope: &Scope<'_>, waits: &mut Waits, secret_waits: &mut Waits) -> Self {
        let names = DatabaseNames::new(scope.names(), scope.spec());
        let [a, b] = passwords(scope, secret_waits);
        let (login, password) = active(names.logins.clone(), [a, b]);
        Self { host: host(scope, waits), login, password, names }
    }
}

/// Both logins' passwords, in the order of the logins.
pub fn passwords(scope: &Scope<'_>, waits: &mut Waits) -> [SecretValue; 2] {
    ["db-password-a", "db-password-b"].map(|suffix| SecretValue::generated(scope, suffix, waits))
}

fn host(scope: &Scope<'_>, waits: &mut Waits) -> String {
    if scope.spec().enable_cloudsql_volume {
        return "127.0.0.1".into();
    }
    waits.take(facts::sql_private_ip(scope.context))
}

/// The login whose password was drawn last; the first when both are of one age. So drawing a new version
/// for the idle login is what turns the pods over to it, and the next turn comes back.
fn active(logins: [String; 2], passwords: [SecretValue; 2]) -> (String, SecretValue) {
    let [login_a, login_b] = logins;
    let [password_a, password_b] = passwords;
    if number(&password_b) > number(&password_a) { (login_b, password_b) } else { (login_a, password_a) }
}

fn number(value: &SecretValue) -> u64 {
    value.version.rsplit('@').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::types::Sensitive;

    fn turn(a: u64, b: u64) -> String {
        let value = |suffix: &str, version: u64| SecretValue {
            text: Sensitive::new("x"),
            version: format!("db-password-{suffix}@{version}"),
        };
        active(["a".into(), "b".into()], [value("a", a), value("b", b)]).0
    }

    #[test]
    fn the_logins_take_turns() {
        assert_eq!([turn(1, 1), turn(1, 2), turn(2, 2), turn(2, 3)], ["a", "b", "a", "b"]);
    }
}
