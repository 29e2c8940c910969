//! The PostgreSQL that all tests of this binary share, and one deployment's part of it.

use std::path::Path;
use std::sync::LazyLock;

use dify_reconciler::resources::kubernetes::database::DatabaseNames;
use dify_reconciler::spec::Spec;

use crate::fixture::{SECRET, World};
use crate::job::{Container, Said};
use crate::support::{Auth, Postgres, REQUIRE_POSTGRES, Skip, present_or_skip};

/// Where Debian puts the client of PostgreSQL 15.
const CLIENT: &str = "/usr/lib/postgresql/15/bin";

/// A server that asks for passwords, as Cloud SQL does.
pub fn server() -> Option<&'static Postgres> {
    static SERVER: LazyLock<Result<Postgres, Skip>> = LazyLock::new(|| Postgres::start_with(Auth::Scram));
    present_or_skip(SERVER.as_ref(), REQUIRE_POSTGRES)
}

/// One more, whose sessions start faster where the machine has such a build.
fn lean_server() -> Option<&'static Postgres> {
    static SERVER: LazyLock<Result<Postgres, Skip>> = LazyLock::new(Postgres::start_lean);
    present_or_skip(SERVER.as_ref(), REQUIRE_POSTGRES)
}

/// A deployment on the shared server. Its tenant makes the names of its roles and databases its own.
pub struct Deployment {
    pub server: &'static Postgres,
    pub names: DatabaseNames,
    pub container: Container,
}

impl Deployment {
    /// One with a tenant of its own; `None` where there is no server.
    pub fn new(tenant: &str) -> Option<Self> {
        Self::of(tenant, Spec::default())
    }

    /// One on a server that takes as many logins a second as can be had.
    pub fn new_for_logins(tenant: &str) -> Option<Self> {
        Some(Self::on(lean_server()?, tenant, Spec::default()))
    }

    /// The same with more in its spec.
    pub fn of(tenant: &str, spec: Spec) -> Option<Self> {
        Some(Self::on(server()?, tenant, spec))
    }

    fn on(server: &'static Postgres, tenant: &str, spec: Spec) -> Self {
        let world = World::of(Spec { tenant_deployment_id: tenant.into(), ..spec });
        let names = DatabaseNames::new(&world.names, &world.spec);
        let container = Container::of(&world, "db-init", "db-init");
        Self { server, names, container }
    }

    /// Runs the Job's container. Only port and administrator's password are this server's.
    pub fn run(&self) -> Said {
        self.run_as(self.server.admin(), self.server.admin_password())
    }

    /// The same as another administrator.
    pub fn run_as(&self, administrator: &str, password: &str) -> Said {
        self.run_with(&[], administrator, password)
    }

    /// The same with programs from these folders first.
    pub fn run_with(&self, folders: &[&Path], administrator: &str, password: &str) -> Said {
        let port = self.server.port().to_string();
        let more = [("PGPORT", port.as_str()), ("PGUSER", administrator), ("PGPASSWORD", password)];
        let said = self.container.run(&[folders, &[Path::new(CLIENT)]].concat(), &more);
        for secret in [SECRET, password] {
            assert!(!said.text.contains(secret), "a password is said: {}", said.text);
        }
        said
    }

    /// A login role with its password, 0 or 1.
    pub fn login(&self, number: usize) -> (&str, &str) {
        let variable = ["DB_PASSWORD_A", "DB_PASSWORD_B"][number];
        (&self.names.logins[number], &self.container.environment[variable])
    }

    /// Runs SQL as a login role, in the application's database.
    pub fn sql(&self, number: usize, sql: &str) -> Result<String, String> {
        self.sql_in(&self.names.application, number, sql)
    }

    /// The same in another database.
    pub fn sql_in(&self, database: &str, number: usize, sql: &str) -> Result<String, String> {
        let (role, password) = self.login(number);
        self.server.psql_as(role, password, database, sql)
    }

    /// Runs SQL as the administrator, in one of the databases.
    pub fn admin(&self, database: &str, sql: &str) -> String {
        let server = self.server;
        let answer = server.psql_as(server.admin(), server.admin_password(), database, sql);
        answer.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Everything that the script is to take care of, as the catalogue has it: passwords' hashes,
    /// memberships, settings, owners, grants and extensions.
    pub fn catalogue(&self) -> String {
        let like = format!("LIKE '{}%'", self.names.owner.replace('_', "\\_"));
        let roles = format!("SELECT to_jsonb(r) FROM pg_authid AS r WHERE rolname {like} ORDER BY rolname");
        let settings = format!(
            "SELECT rolname, setconfig FROM pg_db_role_setting JOIN pg_roles AS r ON r.oid = setrole \
             WHERE rolname {like} ORDER BY 1, 2"
        );
        let members = format!(
            "SELECT pg_get_userbyid(roleid), pg_get_userbyid(member), admin_option FROM pg_auth_members \
             WHERE pg_get_userbyid(roleid) {like} ORDER BY 1, 2"
        );
        let databases = format!(
            "SELECT to_jsonb(d) - 'datfrozenxid' FROM pg_database AS d \
             WHERE pg_get_userbyid(datdba) {like} ORDER BY datname"
        );
        let mut all: Vec<String> =
            [roles, settings, members, databases].iter().map(|sql| self.admin("postgres", sql)).collect();
        for database in [&self.names.application, &self.names.plugins] {
            all.push(self.admin(database, "SELECT extname, extversion FROM pg_extension ORDER BY 1"));
            all.push(self.admin(database, "SELECT nspname, nspowner, nspacl FROM pg_namespace ORDER BY 1"));
        }
        all.join("\n")
    }
}
