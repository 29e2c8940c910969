//! db-init, on a server where nothing was made before.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use dify_reconciler::spec::Spec;

use crate::fixture::SECRET;
use crate::server::Deployment;

#[test]
fn the_first_run_makes_roles_databases_and_extensions() {
    let Some(deployment) = Deployment::new("first") else { return };
    deployment.run().good();
    let names = &deployment.names;
    let flags = |role: &str| {
        let sql = "SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles";
        deployment.admin("postgres", &format!("{sql} WHERE rolname = '{role}'"))
    };
    assert_eq!(flags(&names.owner), "f|f|f|f|f", "the owner cannot log in and has no powers");
    for login in &names.logins {
        assert_eq!(flags(login), "t|f|f|f|f", "{login} can log in and has no powers");
    }
    for database in [&names.application, &names.plugins] {
        let owner = format!("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{database}'");
        assert_eq!(deployment.admin("postgres", &owner), names.owner);
    }
    let extensions = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1";
    assert_eq!(deployment.admin(&names.application, extensions), "uuid-ossp\nvector");
}

#[test]
fn a_second_run_succeeds_and_changes_nothing() {
    let Some(deployment) = Deployment::new("second") else { return };
    deployment.run().good();
    deployment.sql(0, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").expect("a table");
    let before = deployment.catalogue();
    assert!(before.contains("SCRAM-SHA-256") && before.contains("uuid-ossp"), "{before}");
    deployment.run().good();
    assert_eq!(deployment.catalogue(), before);
    assert_eq!(deployment.sql(1, "SELECT count(*) FROM kept").as_deref(), Ok("1"));
}

#[test]
fn each_login_makes_tables_of_the_owners_with_vectors_in_them() {
    let Some(deployment) = Deployment::new("tables") else { return };
    deployment.run().good();
    for (number, other) in [(0, 1), (1, 0)] {
        let make = format!(
            "CREATE TABLE made_by_{number} (id uuid DEFAULT uuid_generate_v4(), at vector(3)); \
             INSERT INTO made_by_{number} (at) VALUES ('[1,2,3]'), ('[9,9,9]')"
        );
        deployment.sql(number, &make).expect("a table");
        let owner = format!("SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_{number}'");
        assert_eq!(deployment.sql(number, &owner), Ok(deployment.names.owner.clone()));
        let nearest = format!("SELECT at FROM made_by_{number} ORDER BY at <-> '[1,2,4]' LIMIT 1");
        assert_eq!(
            deployment.sql(other, &nearest).as_deref(),
            Ok("[1,2,3]"),
            "the other one works on it too"
        );
        let change = format!("ALTER TABLE made_by_{number} ADD COLUMN note text");
        deployment.sql(other, &change).expect("the other one may change it");
        let plugins = format!("CREATE TABLE plugin_{number} (id int)");
        deployment.sql_in(&deployment.names.plugins, number, &plugins).expect("a table of the plugins'");
    }
}

#[test]
fn a_login_has_no_powers_beyond_its_databases() {
    let Some(deployment) = Deployment::new("powers") else { return };
    deployment.run().good();
    deployment.admin("postgres", "CREATE DATABASE of_somebody_else");
    for number in [0, 1] {
        assert_eq!(deployment.sql(number, "SHOW is_superuser").as_deref(), Ok("off"));
        for (sql, refusal) in [
            ("CREATE EXTENSION pageinspect", "permission denied to create extension"),
            ("CREATE ROLE another", "permission denied to create role"),
            ("CREATE DATABASE another", "permission denied to create database"),
            ("SELECT rolpassword FROM pg_authid", "permission denied"),
            ("SET ROLE postgres", "permission denied to set role"),
            ("COPY (SELECT 1) TO PROGRAM 'true'", "to COPY to or from an external program"),
        ] {
            let error = deployment.sql(number, sql).expect_err(sql);
            assert!(error.contains(refusal), "{sql}: {error}");
        }
    }
}

#[test]
fn an_extension_that_is_not_installed_fails_the_run_and_is_named() {
    let spec = Spec { postgres_extensions: vec!["no_such_thing".into()], ..Spec::default() };
    let Some(deployment) = Deployment::of("extension", spec) else { return };
    let said = deployment.run().bad();
    assert!(said.contains("no_such_thing"), "{said}");
    assert!(!said.contains("as they should be"), "{said}");
}

#[test]
fn a_wrong_password_of_the_administrators_fails_the_run_at_once() {
    let Some(deployment) = Deployment::new("admin") else { return };
    let said = deployment.run_as(deployment.server.admin(), "not-the-password").bad();
    assert!(said.contains("password authentication failed"), "{said}");
    let roles = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{}'", deployment.names.owner);
    assert_eq!(deployment.admin("postgres", &roles), "0", "nothing was made");
}

#[test]
fn a_login_whose_password_is_another_fails_the_run() {
    let Some(deployment) = Deployment::new("login") else { return };
    deployment.run().good();
    let other = format!("ALTER ROLE {} PASSWORD 'something-else'", deployment.names.logins[1]);
    deployment.admin("postgres", &other);
    let said = deployment.run().bad();
    assert!(said.contains("password authentication failed"), "{said}");
}

/// Every process of a node can read the command lines of the others: each program the script starts writes
/// down its own here.
#[test]
fn no_password_is_on_a_command_line() {
    let Some(deployment) = Deployment::new("lines") else { return };
    assert!(!deployment.container.script().contains(SECRET));
    let folder = tempfile::tempdir().expect("a directory");
    let log = folder.path().join("lines");
    for program in ["psql", "pg_isready"] {
        let script = format!(
            "#!/bin/sh\necho \"{program} $*\" >>'{}'\nexec /usr/lib/postgresql/15/bin/{program} \"$@\"\n",
            log.display()
        );
        let path = folder.path().join(program);
        fs::write(&path, script).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }
    let server = deployment.server;
    deployment.run_with(&[folder.path()], server.admin(), server.admin_password()).good();
    let lines = fs::read_to_string(&log).expect("command lines");
    assert!(lines.lines().count() > 5, "they were written down: {lines}");
    for secret in [SECRET, server.admin_password()] {
        assert!(!lines.contains(secret), "{lines}");
    }
}
