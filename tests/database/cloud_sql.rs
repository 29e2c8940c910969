//! db-init, after Cloud SQL's API has made users and databases in its own way: every user may do what the
//! group `cloudsqlsuperuser` may, and every database is the group's.

use crate::server::{Deployment, server};

/// The group and an administrator as Cloud SQL has them. Neither is a real superuser.
const ADMINISTRATOR: (&str, &str) = ("administrator", "integration-test-root");

fn made_by_cloud_sql(tenant: &str) -> Option<Deployment> {
    static GROUP: std::sync::Once = std::sync::Once::new();
    GROUP.call_once(|| {
        let Some(server) = server() else { return };
        let (name, password) = ADMINISTRATOR;
        let group = "CREATE ROLE cloudsqlsuperuser CREATEDB CREATEROLE";
        let role = format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{password}' CREATEDB CREATEROLE IN ROLE cloudsqlsuperuser"
        );
        for sql in [group, &role] {
            server.psql(sql).expect("a role");
        }
    });
    let deployment = Deployment::new(tenant)?;
    let names = &deployment.names;
    for number in [0, 1] {
        let (login, password) = deployment.login(number);
        let powers = "CREATEDB CREATEROLE IN ROLE cloudsqlsuperuser";
        deployment.admin("postgres", &format!("CREATE ROLE {login} LOGIN PASSWORD '{password}' {powers}"));
    }
    for database in [&names.application, &names.plugins] {
        deployment.admin("postgres", &format!("CREATE DATABASE {database} OWNER cloudsqlsuperuser"));
    }
    // Cloud SQL lets its administrator make these; here only a superuser can, beforehand.
    for extension in ["vector", "\"uuid-ossp\""] {
        deployment.admin(&names.application, &format!("CREATE EXTENSION {extension}"));
    }
    Some(deployment)
}

fn put_right(deployment: &Deployment) {
    let names = &deployment.names;
    let members = format!(
        "SELECT count(*) FROM pg_auth_members WHERE pg_get_userbyid(roleid) = 'cloudsqlsuperuser' \
         AND pg_get_userbyid(member) IN ('{}', '{}')",
        names.logins[0], names.logins[1]
    );
    assert_eq!(deployment.admin("postgres", &members), "0", "the group is taken from them");
    let owners = format!(
        "SELECT DISTINCT pg_get_userbyid(datdba) FROM pg_database WHERE datname IN ('{}', '{}')",
        names.application, names.plugins
    );
    assert_eq!(deployment.admin("postgres", &owners), names.owner);
    for number in [0, 1] {
        deployment.sql(number, &format!("CREATE TABLE made_by_{number} (at vector(3))")).expect("a table");
        assert!(deployment.sql(number, "CREATE ROLE another").is_err(), "no power is left");
        assert!(deployment.sql(number, "CREATE DATABASE another").is_err(), "no power is left");
    }
}

#[test]
fn what_cloud_sql_made_is_put_right_by_its_administrator() {
    let Some(deployment) = made_by_cloud_sql("cloudsql") else { return };
    let (name, password) = ADMINISTRATOR;
    deployment.run_as(name, password).good();
    put_right(&deployment);
    let before = deployment.catalogue();
    deployment.run_as(name, password).good();
    assert_eq!(deployment.catalogue(), before, "a second run changes nothing");
}

#[test]
fn a_login_that_gets_the_group_back_loses_it_again() {
    let Some(deployment) = made_by_cloud_sql("regained") else { return };
    deployment.run().good();
    deployment.admin("postgres", &format!("GRANT cloudsqlsuperuser TO {}", deployment.names.logins[1]));
    deployment.run().good();
    put_right(&deployment);
}

#[test]
fn an_owner_who_was_made_with_a_login_loses_it() {
    let Some(deployment) = Deployment::new("owner") else { return };
    let owner = &deployment.names.owner;
    deployment.admin("postgres", &format!("CREATE ROLE {owner} LOGIN PASSWORD 'known-to-many'"));
    deployment.run().good();
    let error = deployment.server.psql_as(owner, "known-to-many", &deployment.names.application, "SELECT 1");
    assert!(error.expect_err("nobody logs in as the owner").contains("not permitted to log in"));
}
