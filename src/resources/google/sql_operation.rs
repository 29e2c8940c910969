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
