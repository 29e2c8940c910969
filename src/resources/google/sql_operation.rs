//! Operations of a Cloud SQL instance, which takes one at a time.
//!
//! Identity: `projects/<p>/instances/<i>/operations/<o>`. They are read, never written: while one is running, the
//! instance's databases and users wait, and its own changes too, however the operation was started and by whom.

use crate::resources::{Context, Kind as AnyKind, Wait, WaitKind};

use super::descriptor::{Descriptor, READ_ONLY};
use super::{Kind, sql_instance, text};

/// Cloud SQL Admin v1.
pub const DESCRIPTOR: Descriptor =
    Descriptor { host: "sqladmin.googleapis.com", get: "sql.operations.list", ..READ_ONLY };

/// The operation that keeps the deployment's instance busy, if there is one.
pub fn running(context: &Context<'_>) -> Option<Wait> {
    let instance = sql_instance::id(context);
    let (_, operation) = context
        .seen
        .of_kind(AnyKind::Google(Kind::SqlOperation))
        .filter(|(id, _)| id.name.strip_prefix(&instance.name).is_some_and(|rest| rest.starts_with('/')))
        .find(|(_, operation)| matches!(text(operation, "/status"), "PENDING" | "RUNNING"))?;
    let what = text(operation, "/operationType");
    let kind = match what {
        "CREATE_USER" | "UPDATE_USER" | "DELETE_USER" | "CREATE_DATABASE" | "UPDATE_DATABASE" => {
            WaitKind::Operation
        }
        _ => WaitKind::LongOperation,
    };
    let name = instance.short_name();
    let why = match what {
        "CREATE" => format!("the SQL instance {name} is being created"),
        _ => format!("the SQL instance {name} is busy with {what}"),
    };
    Some(Wait::new(kind, why))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::google::testing::{declared, note, platform};
    use crate::spec::Spec;

    fn wait(status: &str, instance: &str) -> Option<Wait> {
        let mut seen = platform();
        let name = format!("projects/p-1/instances/{instance}/operations/op-1");
        note(&mut seen, Kind::SqlOperation, &name, json!({"status": status, "operationType": "BACKUP"}));
        let mut wait = None;
        declared(Spec::default(), &seen, |context| {
            wait = running(context);
            Vec::new()
        });
        wait
    }

    #[test]
    fn only_a_running_operation_of_our_instance_counts() {
        assert_eq!(wait("RUNNING", "app-sql-0a1b2c3d").map(|wait| wait.kind), Some(WaitKind::LongOperation));
        assert_eq!(wait("DONE", "app-sql-0a1b2c3d"), None);
        assert_eq!(wait("RUNNING", "app-sql-0a1b2c3d4"), None);
    }
}
