//! The two databases: Dify's and the plugin daemon's.
//!
//! Identity: `<instance>/databases/<d>`. Desired: UTF-8. Owner and extensions are the db-init Job's. Compare:
//! nothing; a database's encoding is fixed. Removed only when that was approved. It is made after the secrets that belong to its data,
//! so that a database that exists proves that they once did (Cloud SQL Admin v1).

use serde_json::json;

use crate::inventory::Inventory;
use crate::resources::{Context, Declared, Desired, ResourceId};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::secret_version;
use super::{Kind, declared, labels, ready_or_waiting, secret, sql_instance};

/// Cloud SQL Admin v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "sqladmin.googleapis.com",
    get: "sql.databases.get",
    create: Create::NamedInBody { method_id: "sql.databases.insert" },
    update: Update::Never("a database's encoding is fixed"),
    written_once: &["/charset"],
    delete: Some("sql.databases.delete"),
    data_store: true,
    ..READ_ONLY
};

/// Whether the database's instance is one of ours, with which it goes.
pub fn goes_with_instance(id: &ResourceId, seen: &Inventory) -> bool {
    let Some((instance, _)) = id.name.split_once("/databases/") else { return false };
    let instance = ResourceId::google(Kind::SqlInstance, instance);
    seen.body(&instance).is_some_and(|body| labels::ours(&sql_instance::DESCRIPTOR, body))
}

/// The address of a database: `""` is Dify's, `"_plugin"` the plugin daemon's.
pub fn id(context: &Context<'_>, suffix: &str) -> ResourceId {
    let name = context.names.database_object(&context.spec.db_name, context.spec, suffix);
    ResourceId::google(Kind::SqlDatabase, format!("{}/databases/{name}", sql_instance::id(context).name))
}

/// Both databases.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let busy = sql_instance::busy(context);
    ["", "_plugin"]
        .into_iter()
        .map(|suffix| {
            let id = id(context, suffix);
            let desired = match &busy {
                Some(wait) if context.seen.body(&id).is_none() => Desired::Waiting(vec![wait.clone()]),
                _ => ready_or_waiting(Ok(json!({"charset": "UTF8"}))),
            };
            let secrets = secret::generated(context.spec).into_iter().filter(|secret| secret.irreplaceable);
            let mut needs = vec![sql_instance::id(context)];
            needs.extend(secrets.map(|secret| secret_version::id(context, secret.suffix)));
            declared(context, id, Slice::Database, desired, needs)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::testing::{body, declared, needs, note, platform};
    use crate::spec::Spec;

    #[test]
    fn a_database_is_made_after_the_secrets_that_belong_to_its_data() {
        let databases = declared(Spec::default(), &platform(), declare);
        assert_eq!(
            databases[0].id.name,
            "projects/p-1/instances/app-sql-0a1b2c3d/databases/dify_db_demo_0a1b2c3d"
        );
        assert!(databases[1].id.name.ends_with("_0a1b2c3d_plugin"));
        assert!(needs(&databases[0], Kind::SecretVersion, "secret-key"));
        assert!(needs(&databases[0], Kind::SqlInstance, "app-sql"));
        assert_eq!(body(&databases[0])["charset"], "UTF8");
    }

    #[test]
    fn one_write_at_a_time_goes_to_an_instance() {
        let mut seen = platform();
        let operation = "projects/p-1/instances/app-sql-0a1b2c3d/operations/op-1";
        note(
            &mut seen,
            Kind::SqlOperation,
            operation,
            json!({"status": "RUNNING", "operationType": "CREATE_USER"}),
        );
        let databases = declared(Spec::default(), &seen, declare);
        assert!(databases.iter().all(|database| matches!(database.desired, Desired::Waiting(_))));
    }
}
