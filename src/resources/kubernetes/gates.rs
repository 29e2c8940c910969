//! What comes before what: the resources that a workload needs to stand.

use crate::resources::google::{
    Kind as GoogleKind, bucket_policy, service_account_policy, sql_database, sql_user,
};
use crate::resources::{ResourceId, facts};

use super::scope::Scope;
use super::{Kind, account, config, db_init, jobs, migration};

/// What everything that runs the API image needs: its account with its rights (without them the first
/// call to the bucket ends the process), its ConfigMap, the shared Secret.
pub fn application(scope: &Scope<'_>, config_map: &str) -> Vec<ResourceId> {
    let mut all = configured(scope, config_map);
    all.push(scope.id(Kind::Secret, &config::name(scope, "")));
    all
}

fn configured(scope: &Scope<'_>, config_map: &str) -> Vec<ResourceId> {
    let context = scope.context;
    let mut all = identity(scope, &account::workload(scope.names()), &facts::workload_account(context));
    all.push(bucket_policy::id(&scope.names().bucket("storage")));
    all.push(scope.id(Kind::ConfigMap, config_map));
    all
}

/// What serves with a Secret of its own needs: the schema of its version too.
pub fn migrated(scope: &Scope<'_>, config_map: &str) -> Vec<ResourceId> {
    let mut all = configured(scope, config_map);
    all.push(migration::id(scope));
    all
}

/// What serves needs the schema of its version, and the user's jobs: until then the running version
/// keeps serving.
pub fn serving(scope: &Scope<'_>, config_map: &str) -> Vec<ResourceId> {
    let mut all = application(scope, config_map);
    all.push(migration::id(scope));
    all.extend(jobs::gating(scope));
    all
}

/// What the plugin daemon needs: its account with its rights, and its database.
pub fn plugin_daemon(scope: &Scope<'_>) -> Vec<ResourceId> {
    let context = scope.context;
    let mut all = identity(scope, &account::plugin_daemon(scope.names()), &facts::plugin_account(context));
    all.push(bucket_policy::id(&scope.names().bucket("plugin")));
    all.push(db_init::id(scope));
    all
}

/// What the db-init Job needs: the databases and login roles to be there.
pub fn databases(scope: &Scope<'_>) -> Vec<ResourceId> {
    let context = scope.context;
    let mut all = identity(scope, &account::workload(scope.names()), &facts::workload_account(context));
    all.extend(["", "_plugin"].map(|suffix| sql_database::id(context, suffix)));
    all.extend(["a", "b"].map(|side| sql_user::id(context, side)));
    all
}

/// What the Jobs of backups need: their account with its rights, and the databases as they should be.
pub fn backup(scope: &Scope<'_>) -> Vec<ResourceId> {
    let context = scope.context;
    let mut all = identity(scope, &account::backup(scope.names()), &facts::backup_account(context));
    all.extend(
        ["storage", "plugin", "backups"].map(|bucket| bucket_policy::id(&scope.names().bucket(bucket))),
    );
    all.push(db_init::id(scope));
    all
}

fn identity(scope: &Scope<'_>, account: &str, email: &str) -> Vec<ResourceId> {
    let context = scope.context;
    let mut all = vec![account::id(scope, account), service_account_policy::id(context, email)];
    if scope.spec().enable_cloudsql_volume {
        let project = format!("projects/{}", scope.names().project);
        all.push(ResourceId::google(GoogleKind::ProjectPolicy, project));
    }
    all
}
