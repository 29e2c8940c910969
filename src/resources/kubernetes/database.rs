//! The database as the pods see it: where it is, what it is called, and who logs in.

use crate::resources::{Names, Wait, facts};
use crate::rotation::{self, Side};
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
        // As long as nothing was drawn, nobody logs in.
        let (side, password) = match rotation::sight::in_use(scope.context) {
            Some((side, version)) => {
                let missing = || unread(side, version);
                (side, secret_waits.take(password(scope, side, version).ok_or_else(missing)))
            }
            None => (Side::A, SecretValue::generated(scope, Side::A.secret(), secret_waits)),
        };
        Self { host: Self::host(scope, waits), login: names.logins[side.index()].clone(), password, names }
    }

    /// Where the database is.
    pub fn host(scope: &Scope<'_>, waits: &mut Waits) -> String {
        if scope.spec().enable_cloudsql_volume {
            return "127.0.0.1".into();
        }
        waits.take(facts::sql_private_ip(scope.context))
    }
}

/// Both logins' passwords, in the order of the logins: of the one in use as it is, of the other the newest.
pub fn passwords(scope: &Scope<'_>, waits: &mut Waits) -> [SecretValue; 2] {
    let used = rotation::sight::in_use(scope.context);
    Side::BOTH.map(|side| match used {
        Some((in_use, version)) if in_use == side => {
            waits.take(password(scope, side, version).ok_or_else(|| unread(side, version)))
        }
        _ => SecretValue::generated(scope, side.secret(), waits),
    })
}

/// One version of a login's password, once it has been read.
pub fn password(scope: &Scope<'_>, side: Side, version: u64) -> Option<SecretValue> {
    let payload = rotation::sight::pinned(scope.context, side, version)?;
    Some(SecretValue { text: payload.content.clone(), version: format!("{}@{version}", side.secret()) })
}

fn unread(side: Side, version: u64) -> Wait {
    Wait::dependency(format!("version {version} of the secret {} could not be read yet", side.secret()))
}
