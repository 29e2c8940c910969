//! The Cloud SQL instance, ours or one that the spec names.
//!
//! Identity: `projects/<p>/instances/<i>`, `<sql_instance_base_name>-<id>` for ours. Desired: PostgreSQL on the
//! discovered network with a private address only, encrypted connections, backups with point-in-time recovery,
//! protected against deletion, enough connections for the pools. Compare: the settings we own; machine, disk and
//! availability are an operator's after creation, and `max_connections` may be higher. Readiness: `RUNNABLE`.
//! Changes carry `settingsVersion`. Removed only when that
//! was approved (Cloud SQL Admin v1).

use serde_json::{Value, json};

use crate::plan::{Action, Body, GoogleRequest, Method};
use crate::resources::{Context, Declared, Desired, Document, Readiness, ResourceId, Wait, WaitKind, facts};
use crate::slice::Slice;
use crate::spec::Spec;

use super::descriptor::{Create, Descriptor, Precondition, READ_ONLY, Update};
use super::{Kind, compare, declared, labels, patch, request, secret_version, sql_operation, text};

/// Cloud SQL Admin v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "sqladmin.googleapis.com",
    get: "sql.instances.get",
    create: Create::NamedInBody { method_id: "sql.instances.insert" },
    update: Update::Merged { method_id: "sql.instances.patch", precondition: Precondition::SettingsVersion },
    labels: Some("/settings/userLabels"),
    written_once: &[
        "/rootPassword",
        "/settings/tier",
        "/settings/edition",
        "/settings/dataDiskType",
        "/settings/dataDiskSizeGb",
        "/settings/availabilityType",
        "/settings/backupConfiguration/startTime",
    ],
    immutable: &[
        ("/region", "an instance cannot move; restore a backup into another instance"),
        (
            "/databaseVersion",
            "a major upgrade stops the database; do it by hand with a backup at hand, then name the new version",
        ),
        ("/settings/ipConfiguration/privateNetwork", "an instance's network is fixed"),
    ],
    keyed: &[("/settings/databaseFlags", "name")],
    secret: &["/rootPassword"],
    delete: Some("sql.instances.delete"),
    data_store: true,
    readiness,
    ..READ_ONLY
};

/// How long the last backup of a removed instance is kept.
const FINAL_BACKUP_DAYS: u32 = 30;

/// Fewest connections, which is upstream's own setting.
const FEWEST_CONNECTIONS: u32 = 200;

/// Pool size and overflow of Dify's processes where the spec's environment does not say otherwise.
const POOL: (u32, u32) = (10, 10);

/// The instance's address.
pub fn id(context: &Context<'_>) -> ResourceId {
    let (spec, names) = (context.spec, context.names);
    let name = match spec.sql_instance_name.as_str() {
        "" => format!("{}-{}", spec.sql_instance_base_name, names.id),
        given => given.to_owned(),
    };
    ResourceId::google(Kind::SqlInstance, format!("projects/{}/instances/{name}", names.project))
}

/// Id of the secret with the administrator's password of an instance that the spec names: the module's
/// convention.
pub fn given_root_password(spec: &Spec) -> String {
    format!("{}-root-password", spec.sql_instance_name)
}

/// The instance.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let id = id(context);
    if !context.spec.sql_instance_name.is_empty() {
        return vec![declared(context, id, Slice::Database, Desired::Found, Vec::new())];
    }
    let mut needs = vec![secret_version::id(context, "db-root-password")];
    needs.extend(facts::subnetwork(context).ok());
    let desired = match body(context, &id) {
        Ok(body) => Document::with_secrets(body, DESCRIPTOR.secret),
        Err(wait) => {
            let waiting = Desired::Waiting(vec![wait]);
            return vec![declared(context, id, Slice::Database, waiting, needs)];
        }
    };
    let desired = match sql_operation::running(context) {
        Some(wait) if is_to_be_written(context, &id, &desired) => Desired::Waiting(vec![wait]),
        _ => Desired::Ready(desired),
    };
    vec![declared(context, id, Slice::Database, desired, needs)]
}

/// The next call on the way to removing an instance: first its protection, then the instance. Google keeps its
/// final backup for a month.
pub fn removal(id: &ResourceId, seen: &Value) -> Option<(Action, GoogleRequest)> {
    if seen.pointer("/settings/deletionProtectionEnabled") == Some(&Value::Bool(true)) {
        let version = seen.pointer("/settings/settingsVersion")?.clone();
        let body = json!({"settings": {"deletionProtectionEnabled": false, "settingsVersion": version}});
        let path = DESCRIPTOR.path(&id.name, "");
        let mut call = DESCRIPTOR.call(Method::Patch, path, "sql.instances.patch");
        call.body = Body::Document(Document::new(body));
        return Some((Action::Update, call));
    }
    let mut call = request::delete(&DESCRIPTOR, id, seen)?;
    call.query.push(("enableFinalBackup", "true".into()));
    call.query.push(("finalBackupTtlDays", FINAL_BACKUP_DAYS.to_string()));
    Some((Action::Delete, call))
}

/// What keeps databases and users from being made: an operation that is running, or the instance itself.
pub fn busy(context: &Context<'_>) -> Option<Wait> {
    let readiness = context.seen.body(&id(context)).map(readiness);
    match readiness {
        Some(Readiness::NotYet(wait)) => Some(wait),
        _ => sql_operation::running(context),
    }
}

/// An operation such as a backup is none of our business unless there is something to write.
fn is_to_be_written(context: &Context<'_>, id: &ResourceId, desired: &Document) -> bool {
    let seen = context.seen.body(id);
    seen.is_none_or(|seen| !compare::compare(&DESCRIPTOR, desired, seen).is_empty())
}

fn body(context: &Context<'_>, id: &ResourceId) -> Result<Value, Wait> {
    let spec = context.spec;
    let network = facts::network(context)?;
    let mut body = json!({
        "region": facts::region(context)?,
        "databaseVersion": spec.database_type,
        "settings": {
            "edition": "ENTERPRISE",
            "tier": "db-custom-1-3840",
            "availabilityType": "ZONAL",
            "dataDiskType": "PD_SSD",
            "dataDiskSizeGb": "10",
            "storageAutoResize": true,
            "deletionProtectionEnabled": true,
            "ipConfiguration": {
                "ipv4Enabled": false,
                "privateNetwork": format!("projects/{}/global/networks/{network}", context.names.project),
                "sslMode": "ENCRYPTED_ONLY",
            },
            "backupConfiguration": {
                "enabled": true,
                "startTime": "04:00",
                "pointInTimeRecoveryEnabled": true,
                "transactionLogRetentionDays": 7,
                "backupRetentionSettings": {"retainedBackups": 7, "retentionUnit": "COUNT"},
            },
            "databaseFlags": [{"name": "max_connections", "value": connections(spec).to_string()}],
            "userLabels": labels::all(context),
        },
    });
    // The password counts only when the instance is made; afterwards its loss must not stop anything else.
    match facts::secret(context, "db-root-password") {
        Ok(payload) => patch::put(&mut body, "/rootPassword", payload.content.reveal().into()),
        Err(_) if context.seen.body(id).is_some() => {}
        Err(wait) => return Err(wait),
    }
    Ok(body)
}

/// Connections that the spec's pools can ask for at most, one more pod per rollout included, rounded up to
/// fifty because raising the flag restarts the instance (arithmetic of the runtime contract, 3.5).
pub fn connections(spec: &Spec) -> u32 {
    let setting = |name: &str, default: u32| {
        spec.environment_variables.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let pool = setting("SQLALCHEMY_POOL_SIZE", POOL.0) + setting("SQLALCHEMY_MAX_OVERFLOW", POOL.1);
    let replicas = |component: &crate::spec::types::Component, enabled: bool| {
        if component.enabled.unwrap_or(enabled) { component.replicas.unwrap_or(1) } else { 0 }
    };
    let serving = spec.max_instance_count.max(1) + 1;
    let working = replicas(&spec.worker, true) + 1;
    let others = replicas(&spec.api_websocket, false) + 2; // beat and one job
    let vectors = (serving + working) * setting("PGVECTOR_MAX_CONNECTION", 5);
    let plugins = replicas(&spec.plugin_daemon, true) * 20;
    let reserve = 10;
    let need = (serving + working + others) * pool + vectors + plugins + reserve;
    need.max(FEWEST_CONNECTIONS).next_multiple_of(50)
}

fn readiness(seen: &Value) -> Readiness {
    let wait = |kind, why: &str| Readiness::NotYet(Wait::new(kind, why));
    let version = text(seen, "/databaseVersion");
    if !version.is_empty() && !version.starts_with("POSTGRES") {
        return Readiness::Failed(format!(
            "the instance runs {version}; Dify with pgvector needs PostgreSQL"
        ));
    }
    match text(seen, "/state") {
        "RUNNABLE" if text(seen, "/settings/activationPolicy") == "NEVER" => {
            Readiness::Failed("the instance is stopped; start it".into())
        }
        "RUNNABLE" | "ONLINE_MAINTENANCE" => Readiness::Ready,
        "PENDING_CREATE" => wait(WaitKind::LongOperation, "the SQL instance is being created"),
        "MAINTENANCE" => wait(WaitKind::LongOperation, "the SQL instance is down for maintenance"),
        "REPAIRING" => wait(WaitKind::LongOperation, "the SQL instance is being repaired"),
        "SUSPENDED" => Readiness::Failed("the instance is suspended, for instance because of billing".into()),
        "PENDING_DELETE" => Readiness::Failed("the instance is being deleted".into()),
        "FAILED" => Readiness::Failed("the instance failed; restore it from a backup".into()),
        state => wait(WaitKind::LongOperation, &format!("the SQL instance is in the state {state}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Body;
    use crate::resources::google::driver;

    #[test]
    fn every_pool_fits() {
        assert_eq!(connections(&Spec::default()), 250);
        let many = Spec { max_instance_count: 20, ..Spec::default() };
        assert!(connections(&many) >= 20 * 20);
    }

    #[test]
    fn a_change_carries_the_settings_version_and_keeps_other_flags() {
        let id = ResourceId::google(Kind::SqlInstance, "projects/p/instances/i");
        let desired = Document::new(json!({"settings": {"deletionProtectionEnabled": true, "tier": "small",
            "databaseFlags": [{"name": "max_connections", "value": "300"}]}}));
        let seen = json!({"settings": {"settingsVersion": "7", "tier": "large",
            "databaseFlags": [{"name": "log_checkpoints", "value": "on"}, {"name": "max_connections", "value": "200"}]}});
        let changes = driver::compare(Kind::SqlInstance, &desired, &seen);
        let Body::Document(body) = driver::update(&id, &desired, &seen, &changes, 1).unwrap().body else {
            panic!("no body")
        };
        let settings = &body.wire()["settings"];
        assert_eq!(settings["settingsVersion"], "7");
        assert_eq!(settings["databaseFlags"].as_array().map(Vec::len), Some(2));
        assert!(settings.get("tier").is_none());
    }

    #[test]
    fn a_move_is_refused_with_the_reason() {
        let id = ResourceId::google(Kind::SqlInstance, "projects/p/instances/i");
        let desired = Document::new(json!({"region": "europe-west1"}));
        let seen = json!({"region": "us-central1", "settings": {"settingsVersion": "1"}});
        let changes = driver::compare(Kind::SqlInstance, &desired, &seen);
        let why = driver::update(&id, &desired, &seen, &changes, 1).unwrap_err();
        assert!(
            why.contains("/region") && why.contains("europe-west1") && why.contains("cannot move"),
            "{why}"
        );
    }

    #[test]
    fn only_a_running_postgresql_is_ready() {
        assert_eq!(
            readiness(&json!({"state": "RUNNABLE", "databaseVersion": "POSTGRES_15"})),
            Readiness::Ready
        );
        assert!(matches!(readiness(&json!({"state": "PENDING_CREATE"})), Readiness::NotYet(_)));
        assert!(matches!(
            readiness(&json!({"state": "RUNNABLE", "databaseVersion": "MYSQL_8_0"})),
            Readiness::Failed(_)
        ));
    }
}
