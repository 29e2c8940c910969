//! The Job that prepares the databases: owner role, login roles, ownership, extensions.
//!
//! Cloud SQL's API makes databases and users, but every user it makes may do everything. Dify needs
//! roles that own its databases and nothing more: since PostgreSQL 15 a role that does not own a database
//! cannot create tables in it. `vector` can only be created by the administrator.

use std::collections::BTreeSet;
use std::fmt::Write;

use k8s_openapi::api::core::v1::Container;

use crate::resources::google::sql_instance;
use crate::resources::{Declared, ResourceId};
use crate::slice::Slice;
use crate::spec::Spec;

use super::credentials::{self, SecretMap, SecretValue};
use super::database::{self, ADMINISTRATOR, DatabaseNames};
use super::environment::{self, Application, plain};
use super::images::{self, Image};
use super::job::{self, Attempt};
use super::pod::{self, Pod};
use super::scope::{Scope, bounded};
use super::sizes::{resources, size};
use super::waits::Waits;
use super::{Kind, account, config, gates, security, stamp};

/// The component's name.
pub const COMPONENT: &str = "db-init";

/// The user of the image's client (`postgres` of Alpine).
const UID: i64 = 70;

/// Extensions that Dify's migrations and its vector store need, in the database they use.
const EXTENSIONS: [&str; 2] = ["uuid-ossp", "vector"];

/// What the script prepares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbInit {
    /// Roles and databases.
    pub names: DatabaseNames,
    /// Extensions of the application's database.
    pub extensions: Vec<String>,
}

impl DbInit {
    /// What a spec wants.
    pub fn new(scope: &Scope<'_>) -> Self {
        let names = DatabaseNames::new(scope.names(), scope.spec());
        Self { names, extensions: extensions(scope.spec()) }
    }
}

/// The Job's address. Its name changes with what the script does, and only then does it run again.
pub fn id(scope: &Scope<'_>) -> ResourceId {
    scope.id(Kind::Job, &name(scope))
}

/// The administrator's Secret, for jobs of the user's that ask for it.
pub fn secret_name(scope: &Scope<'_>) -> String {
    scope.names().component(COMPONENT)
}

/// The Job, its ConfigMap and its Secret.
pub fn declare(scope: &Scope<'_>, application: &Application) -> Vec<Declared> {
    let (slice, mut waits) = (Slice::Migration, application.plain_waits.clone());
    let config_map = config::name(scope, COMPONENT);
    let values = plain(&[
        ("PGHOST", &application.database.host),
        ("PGPORT", &database::PORT.to_string()),
        ("PGUSER", ADMINISTRATOR),
        ("PGSSLMODE", if scope.spec().enable_cloudsql_volume { "disable" } else { "require" }),
        ("PGCONNECT_TIMEOUT", "10"),
    ]);
    let mut secret_waits = Waits::default();
    let secrets = secrets(scope, &mut secret_waits);
    let secret = secret_name(scope);
    let configured = config::declare(scope, &config_map, COMPONENT, slice, &values, &waits);
    let credentials = credentials::declare(scope, &secret, COMPONENT, slice, &secrets, &secret_waits);
    waits.extend(&secret_waits);
    let main = Container {
        name: COMPONENT.into(),
        image: Some(waits.take(images::pinned(scope.context, Image::Psql))),
        command: Some(vec!["/bin/sh".into(), "-c".into(), script(&DbInit::new(scope))]),
        env_from: pod::environment(&config_map, Some(&secret)),
        resources: Some(resources(None, size("250m", "256Mi", "256Mi"))),
        security_context: Some(security::unprivileged(UID, false)),
        ..Default::default()
    };
    let pod = Pod::new(main, environment::checksum(&values, &secrets))
        .with_identity(account::workload(scope.names()))
        .with_proxy(scope, &mut waits);
    let deadline_secs = Some(scope.spec().job_execution_wait_timeout);
    let attempt = Attempt { retries: 3, deadline_secs, completions: 1 };
    let mut needs = gates::databases(scope);
    needs.extend([scope.id(Kind::ConfigMap, &config_map), scope.id(Kind::Secret, &secret)]);
    let name = name(scope);
    let body = job::job(scope, &name, COMPONENT, attempt, pod.template(scope, COMPONENT));
    vec![configured, credentials, scope.declare(Kind::Job, &name, slice, needs, &waits, &body)]
}

/// The shell script. It reads `PGHOST`, `PGPORT`, `PGUSER` and `PGPASSWORD` (the administrator's) and
/// `DB_PASSWORD_A` and `DB_PASSWORD_B` (the logins') from the environment, needs psql 15 or later, may run
/// any number of times, and ends with an error unless everything is as it should be.
///
/// Roles and databases that are missing are made, so that it is complete on a PostgreSQL that is not
/// Cloud SQL's; there nothing is named `cloudsqlsuperuser` and nothing is taken from the logins.
pub fn script(wanted: &DbInit) -> String {
    let names = &wanted.names;
    let mut script = String::from(WAIT);
    let mut sql = |database: &str, body: &str| {
        let _ = write!(
            script,
            "psql -X -q -v ON_ERROR_STOP=1 -d {} <<'SQL'\nSET client_min_messages = warning;\n{body}SQL\n",
            quoted_shell(database)
        );
    };
    sql("postgres", &roles(names));
    sql("postgres", &databases(names));
    for database in [&names.application, &names.plugins] {
        let extensions = if database == &names.application { wanted.extensions.as_slice() } else { &[] };
        sql(database, &inside(names, extensions));
    }
    sql("postgres", &verification(names));
    for (login, variable) in names.logins.iter().zip(["DB_PASSWORD_A", "DB_PASSWORD_B"]) {
        for database in [&names.application, &names.plugins] {
            let _ = writeln!(
                script,
                "acts_as {} \"${variable}\" {} {}",
                quoted_shell(login),
                quoted_shell(database),
                quoted_shell(&names.owner)
            );
        }
    }
    script + "echo 'roles, databases and extensions are as they should be'\n"
}

/// Waiting for the server, and a check of a login. Passwords go through the environment: a command line
/// can be read by every process of the node.
const WAIT: &str = r#"set -eu
tries=0
until pg_isready -q -d postgres; do
  tries=$((tries + 1))
  if [ "$tries" -ge 60 ]; then echo 'the database does not answer' >&2; exit 1; fi
  sleep 5
done
acts_as() {
  role=$(PGPASSWORD="$2" psql -X -q -t -A -v ON_ERROR_STOP=1 -U "$1" -d "$3" -c 'SELECT current_user')
  if [ "$role" != "$4" ]; then echo "$1 acts as $role in $3, not as $4" >&2; exit 1; fi
}
"#;

/// `GRANT … TO CURRENT_USER`: only a member of a role may give a database to it.
fn roles(names: &DatabaseNames) -> String {
    let owner = ident(&names.owner);
    let mut sql = missing(&format!("CREATE ROLE {owner} NOLOGIN"), "pg_roles", "rolname", &names.owner);
    let _ = write!(sql, "ALTER ROLE {owner} NOLOGIN;\nGRANT {owner} TO CURRENT_USER;\n");
    for (login, variable) in names.logins.iter().zip(["DB_PASSWORD_A", "DB_PASSWORD_B"]) {
        let (role, name) = (ident(login), literal(login));
        let _ = write!(
            sql,
            "\\getenv password {variable}\n\
             SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', {name}, :'password')\n\
             WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) \\gexec\n\
             ALTER ROLE {role} LOGIN NOCREATEDB NOCREATEROLE;\n\
             GRANT {owner} TO {role};\n\
             ALTER ROLE {role} SET role TO {};\n",
            literal(&names.owner)
        );
    }
    sql + &revocation(names)
}

/// Every user made through Cloud SQL's API is a member of `cloudsqlsuperuser`.
fn revocation(names: &DatabaseNames) -> String {
    format!(
        "SELECT format('REVOKE cloudsqlsuperuser FROM %I', login.rolname)\n\
         FROM pg_auth_members AS membership\n\
         JOIN pg_roles AS granted ON granted.oid = membership.roleid\n\
         JOIN pg_roles AS login ON login.oid = membership.member\n\
         WHERE granted.rolname = 'cloudsqlsuperuser' AND login.rolname IN ({}) \\gexec\n",
        logins(names)
    )
}

/// Other deployments on the same instance have no business here.
fn databases(names: &DatabaseNames) -> String {
    [&names.application, &names.plugins].into_iter().fold(String::new(), |mut sql, database| {
        let (quoted, owner) = (ident(database), ident(&names.owner));
        let create = format!("CREATE DATABASE {quoted} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0");
        sql += &missing(&create, "pg_database", "datname", database);
        let _ = write!(
            sql,
            "ALTER DATABASE {quoted} OWNER TO {owner};\n\
             REVOKE CONNECT, TEMPORARY ON DATABASE {quoted} FROM PUBLIC;\n"
        );
        sql
    })
}

/// What is done and checked inside one database.
fn inside(names: &DatabaseNames, extensions: &[String]) -> String {
    let mut sql = format!("GRANT ALL ON SCHEMA public TO {};\n", ident(&names.owner));
    for extension in extensions {
        let _ = writeln!(sql, "CREATE EXTENSION IF NOT EXISTS {};", ident(extension));
    }
    let installed =
        |name: &String| format!("EXISTS (SELECT FROM pg_extension WHERE extname = {})", literal(name));
    let mut checks: Vec<(String, String)> =
        extensions.iter().map(|name| (installed(name), format!("the extension {name} is missing"))).collect();
    let creates = format!("has_schema_privilege({}, 'public', 'CREATE')", literal(&names.owner));
    checks.push((creates, "the owner cannot create tables".into()));
    sql + &asserted(&checks)
}

/// What is checked of roles and ownership.
fn verification(names: &DatabaseNames) -> String {
    let owner = literal(&names.owner);
    let mut checks = vec![(
        format!("EXISTS (SELECT FROM pg_roles WHERE rolname = {owner} AND NOT rolcanlogin AND NOT rolsuper)"),
        "the owner role can log in or do everything".to_owned(),
    )];
    for login in &names.logins {
        let name = literal(login);
        let setting = literal(&format!("role={}", names.owner));
        checks.push((
            format!(
                "EXISTS (SELECT FROM pg_roles WHERE rolname = {name} AND rolcanlogin AND NOT rolsuper \
                 AND {setting} = ANY (rolconfig))"
            ),
            format!("{login} cannot log in, can do everything, or does not act as the owner"),
        ));
        checks.push((
            format!(
                "NOT EXISTS (SELECT FROM pg_auth_members AS membership \
                 JOIN pg_roles AS granted ON granted.oid = membership.roleid \
                 JOIN pg_roles AS login ON login.oid = membership.member \
                 WHERE granted.rolname = 'cloudsqlsuperuser' AND login.rolname = {name})"
            ),
            format!("{login} is still a member of cloudsqlsuperuser"),
        ));
    }
    for database in [&names.application, &names.plugins] {
        let name = literal(database);
        checks.push((
            format!("EXISTS (SELECT FROM pg_database WHERE datname = {name} AND pg_get_userbyid(datdba) = {owner})"),
            format!("{database} does not belong to the owner role"),
        ));
    }
    asserted(&checks)
}

fn asserted(checks: &[(String, String)]) -> String {
    let tests = checks.iter().fold(String::new(), |mut all, (holds, otherwise)| {
        let _ = writeln!(
            all,
            "  IF NOT ({holds}) THEN RAISE EXCEPTION USING MESSAGE = {}; END IF;",
            literal(otherwise)
        );
        all
    });
    format!("DO $verify$ BEGIN\n{tests}END $verify$;\n")
}

/// A statement that runs when nothing of the name exists.
fn missing(statement: &str, catalogue: &str, column: &str, name: &str) -> String {
    format!(
        "SELECT {} WHERE NOT EXISTS (SELECT FROM {catalogue} WHERE {column} = {}) \\gexec\n",
        literal(statement),
        literal(name)
    )
}

fn logins(names: &DatabaseNames) -> String {
    names.logins.iter().map(|login| literal(login)).collect::<Vec<_>>().join(", ")
}

pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn quoted_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

pub(super) fn extensions(spec: &Spec) -> Vec<String> {
    let users = spec.postgres_extensions.iter().filter(|_| spec.enable_postgres_extensions);
    let all: BTreeSet<String> = EXTENSIONS.map(str::to_owned).into_iter().chain(users.cloned()).collect();
    all.into_iter().collect()
}

fn name(scope: &Scope<'_>) -> String {
    let hash = stamp::short_hash(&script(&DbInit::new(scope)));
    bounded(&scope.names().component(&format!("{COMPONENT}-{hash}")))
}

fn secrets(scope: &Scope<'_>, waits: &mut Waits) -> SecretMap {
    let [a, b] = database::passwords(scope, waits);
    let root = root_password(scope, waits);
    [("PGPASSWORD", root), ("DB_PASSWORD_A", a), ("DB_PASSWORD_B", b)]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// The administrator's password: ours for an instance of ours, else the user's secret by the module's
/// naming convention.
pub(super) fn root_password(scope: &Scope<'_>, waits: &mut Waits) -> SecretValue {
    if scope.spec().sql_instance_name.is_empty() {
        return SecretValue::generated(scope, "db-root-password", waits);
    }
    SecretValue::users(scope, &sql_instance::given_root_password(scope.spec()), waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> DbInit {
        DbInit {
            names: DatabaseNames {
                owner: "dify_user".into(),
                logins: ["dify_user_a".into(), "dify_user_b".into()],
                application: "dify_db".into(),
                plugins: "dify_db_plugin".into(),
            },
            extensions: vec!["uuid-ossp".into(), "vector".into()],
        }
    }

    #[test]
    fn no_password_is_in_the_script() {
        let script = script(&wanted());
        assert!(script.contains("\\getenv password DB_PASSWORD_A"));
        assert!(script.contains(r#"acts_as 'dify_user_b' "$DB_PASSWORD_B" 'dify_db_plugin' 'dify_user'"#));
    }

    #[test]
    fn extensions_are_made_where_they_are_used_and_required() {
        let script = script(&wanted());
        assert_eq!(script.matches("CREATE EXTENSION IF NOT EXISTS \"vector\"").count(), 1);
        let vector = script.find("CREATE EXTENSION IF NOT EXISTS \"vector\"").unwrap();
        assert!(script.find("-d 'dify_db' ").unwrap() < vector);
        assert!(vector < script.find("-d 'dify_db_plugin' ").unwrap());
        assert!(script.contains("the extension vector is missing"));
    }

    #[test]
    fn names_are_quoted_for_each_language() {
        assert_eq!(ident(r#"a"b"#), r#""a""b""#);
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(quoted_shell("it's"), r"'it'\''s'");
    }

    #[test]
    fn the_users_extensions_come_on_top() {
        let mut spec =
            Spec { postgres_extensions: vec!["vector".into(), "pg_trgm".into()], ..Spec::default() };
        assert_eq!(extensions(&spec), ["pg_trgm", "uuid-ossp", "vector"]);
        spec.enable_postgres_extensions = false;
        assert_eq!(extensions(&spec), ["uuid-ossp", "vector"]);
    }
}
