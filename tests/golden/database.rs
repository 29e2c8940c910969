//! The db-init script on a real PostgreSQL 15, as it stands. Skipped without one (see `support`).

use std::process::{Command, Output};

use super::library::resources::kubernetes::database::DatabaseNames;
use super::library::resources::kubernetes::db_init::{DbInit, script};
use super::support::{Auth, Postgres, present_or_skip};

const PASSWORDS: [(&str, &str); 2] = [("DB_PASSWORD_A", "pw-of-a-1"), ("DB_PASSWORD_B", "pw-of-b-2")];

fn wanted() -> DbInit {
    DbInit {
        names: DatabaseNames {
            owner: "dify_user_demo_1".into(),
            logins: ["dify_user_demo_1_a".into(), "dify_user_demo_1_b".into()],
            application: "dify_db_demo_1".into(),
            plugins: "dify_db_demo_1_plugin".into(),
        },
        extensions: vec!["uuid-ossp".into(), "vector".into()],
    }
}

fn server() -> Option<Postgres> {
    present_or_skip(
        Postgres::start_with(Auth::Scram).map_err(|skip| Box::leak(Box::new(skip)) as &_),
        "DIFY_REQUIRE_POSTGRES",
    )
}

fn run(server: &Postgres, wanted: &DbInit) -> Output {
    Command::new("/bin/sh")
        .args(["-c", &script(wanted)])
        .env("PATH", format!("/usr/lib/postgresql/15/bin:{}", std::env::var("PATH").unwrap_or_default()))
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", server.port().to_string())
        .env("PGUSER", server.admin())
        .env("PGPASSWORD", server.admin_password())
        .envs(PASSWORDS)
        .output()
        .expect("a shell")
}

fn succeeds(server: &Postgres, wanted: &DbInit) -> String {
    let output = run(server, wanted);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}\n{}", server.log());
    for (_, password) in PASSWORDS {
        assert!(!said.contains(password), "{said}");
    }
    said
}

fn fails(server: &Postgres, wanted: &DbInit) -> String {
    let output = run(server, wanted);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn both_logins_act_as_the_owner_and_share_what_they_make() {
    let Some(server) = server() else { return };
    let wanted = wanted();
    succeeds(&server, &wanted);
    succeeds(&server, &wanted);
    let [a, b] = &wanted.names.logins;
    let database = &wanted.names.application;
    let (pa, pb) = (PASSWORDS[0].1, PASSWORDS[1].1);
    server.psql_as(a, pa, database, "CREATE TABLE notes (id int, at vector(3))").unwrap();
    server
        .psql_as(b, pb, database, "ALTER TABLE notes ADD COLUMN text text; INSERT INTO notes VALUES (1)")
        .unwrap();
    let owner = server.psql_as(a, pa, database, "SELECT tableowner FROM pg_tables WHERE tablename = 'notes'");
    assert_eq!(owner.unwrap(), wanted.names.owner);
    succeeds(&server, &wanted);
    assert_eq!(server.psql_as(b, pb, database, "SELECT count(*) FROM notes").unwrap(), "1");
}

#[test]
fn a_stranger_gets_into_neither_database() {
    let Some(server) = server() else { return };
    let wanted = wanted();
    succeeds(&server, &wanted);
    server.psql("CREATE ROLE stranger LOGIN PASSWORD 'x'").unwrap();
    for database in [&wanted.names.application, &wanted.names.plugins] {
        assert!(server.psql_as("stranger", "x", database, "SELECT 1").is_err());
    }
}

/// Databases and logins as Cloud SQL's API makes them: the administrator is no superuser, logins may do
/// everything it may, databases belong to `cloudsqlsuperuser`.
#[test]
fn what_cloud_sql_made_is_put_right_by_an_administrator_who_is_no_superuser() {
    let Some(server) = server() else { return };
    let wanted = wanted();
    let [a, b] = &wanted.names.logins;
    for sql in [
        "CREATE ROLE cloudsqlsuperuser CREATEDB CREATEROLE".to_owned(),
        "CREATE ROLE administrator LOGIN PASSWORD 'root' CREATEDB CREATEROLE IN ROLE cloudsqlsuperuser"
            .into(),
        format!("CREATE ROLE {a} LOGIN PASSWORD 'pw-of-a-1' CREATEDB CREATEROLE IN ROLE cloudsqlsuperuser"),
        format!("CREATE ROLE {b} LOGIN PASSWORD 'pw-of-b-2' CREATEDB CREATEROLE IN ROLE cloudsqlsuperuser"),
        format!("CREATE DATABASE {} OWNER cloudsqlsuperuser", wanted.names.application),
        format!("CREATE DATABASE {} OWNER cloudsqlsuperuser", wanted.names.plugins),
    ] {
        server.psql(&sql).unwrap();
    }
    // Cloud SQL lets its administrator create `vector`; here only a superuser can, beforehand.
    let make = "CREATE EXTENSION vector";
    server.psql_as(server.admin(), server.admin_password(), &wanted.names.application, make).unwrap();
    let output = Command::new("/bin/sh")
        .args(["-c", &script(&wanted)])
        .env("PATH", format!("/usr/lib/postgresql/15/bin:{}", std::env::var("PATH").unwrap_or_default()))
        .envs([("PGHOST", "127.0.0.1"), ("PGUSER", "administrator"), ("PGPASSWORD", "root")])
        .env("PGPORT", server.port().to_string())
        .envs(PASSWORDS)
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let powers =
        "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'dify_user%' AND (rolcreatedb OR rolcreaterole)";
    assert_eq!(server.psql(powers).unwrap(), "0");
    let members = "SELECT count(*) FROM pg_auth_members JOIN pg_roles AS r ON r.oid = roleid \
                   JOIN pg_roles AS m ON m.oid = member \
                   WHERE r.rolname = 'cloudsqlsuperuser' AND m.rolname LIKE 'dify_user%'";
    assert_eq!(server.psql(members).unwrap(), "0");
}

#[test]
fn a_login_with_another_password_is_a_failure_that_says_so() {
    let Some(server) = server() else { return };
    let wanted = wanted();
    succeeds(&server, &wanted);
    server.psql(&format!("ALTER ROLE {} PASSWORD 'other'", wanted.names.logins[1])).unwrap();
    assert!(fails(&server, &wanted).contains("password authentication failed"));
}

#[test]
fn an_extension_that_does_not_exist_is_a_failure() {
    let Some(server) = server() else { return };
    let mut wanted = wanted();
    wanted.extensions.push("no_such_thing".into());
    assert!(fails(&server, &wanted).contains("no_such_thing"));
}
