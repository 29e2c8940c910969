//! The database: engine, extensions, scripts, the way to it.

use std::sync::LazyLock;

use regex::Regex;

use super::{error, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;

static EXTENSION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[a-z_][a-z0-9_-]*$").ok());
static PLUGIN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[a-z_][a-z0-9_]*$").ok());

/// PostgreSQL versions that Cloud SQL makes and that Dify's migrations run on.
const ENGINES: [&str; 9] = [
    "POSTGRES",
    "POSTGRES_18",
    "POSTGRES_17",
    "POSTGRES_16",
    "POSTGRES_15",
    "POSTGRES_14",
    "POSTGRES_13",
    "POSTGRES_12",
    "POSTGRES_11",
];

/// P-05: Dify keeps everything in PostgreSQL; another engine fails every pod.
pub(super) fn engine(spec: &Spec, _: &Given) -> Vec<Finding> {
    let engine = spec.database_type.as_str();
    if !engine.starts_with("POSTGRES") {
        return vec![
            error("database_type")
                .message(format!("`database_type` is {engine}; Dify needs PostgreSQL"))
                .help("Write POSTGRES_15 or newer."),
        ];
    }
    if !ENGINES.contains(&engine) {
        return vec![
            error("database_type")
                .message(format!("Cloud SQL has no `{engine}` that Dify could use"))
                .help("Write POSTGRES_15 or newer."),
        ];
    }
    when(["POSTGRES_14", "POSTGRES_13", "POSTGRES_12", "POSTGRES_11"].contains(&engine), || {
        warning("database_type")
            .message(format!("`{engine}` is older than what Dify is tested on"))
            .help("Write POSTGRES_15 or newer.")
    })
}

/// P-06: without the proxy every container talks to the instance's private address itself.
pub(super) fn without_proxy(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(!spec.enable_cloudsql_volume, || {
        warning("enable_cloudsql_volume")
            .message("without the Auth Proxy there is no IAM check and no encryption on the way to the database")
            .help("Take `enable_cloudsql_volume` out unless the instance's private address is reachable and meant to be used.")
    })
}

/// V-17: extensions belong to the engine.
pub(super) fn foreign_extensions(spec: &Spec, _: &Given) -> Vec<Finding> {
    let postgres = spec.database_type.starts_with("POSTGRES");
    let mysql = spec.database_type.starts_with("MYSQL");
    let mut found = when(spec.enable_mysql_plugins && !mysql, || {
        error("enable_mysql_plugins")
            .with(&["database_type"])
            .message("MySQL plug-ins cannot be added to PostgreSQL")
            .help("Take `enable_mysql_plugins` out.")
    });
    found.extend(when(spec.enable_postgres_extensions && mysql && !postgres, || {
        error("enable_postgres_extensions")
            .with(&["database_type"])
            .message("PostgreSQL extensions cannot be added to MySQL")
            .help("Write POSTGRES_15 as `database_type`.")
    }));
    found
}

/// V-18: names of extensions and plug-ins are plain identifiers, because they become SQL.
pub(super) fn extension_names(spec: &Spec, _: &Given) -> Vec<Finding> {
    let lists = [
        ("postgres_extensions", &spec.postgres_extensions, &*EXTENSION),
        ("mysql_plugins", &spec.mysql_plugins, &*PLUGIN),
    ];
    let mut found = vec![];
    for (variable, names, pattern) in lists {
        for (index, name) in names.iter().enumerate() {
            if !pattern.as_ref().is_some_and(|pattern| pattern.is_match(name)) {
                found.push(
                    error(format!("{variable}[{index}]"))
                        .message(format!("\"{name}\" cannot be the name of an extension"))
                        .help("Use lower-case letters, digits, underscores and (PostgreSQL) hyphens."),
                );
            }
        }
    }
    found
}

/// V-21: what needs a database needs one.
pub(super) fn without_database(spec: &Spec, _: &Given) -> Vec<Finding> {
    if spec.database_type != "NONE" {
        return vec![];
    }
    let users = [
        ("enable_backup_import", spec.enable_backup_import),
        ("enable_custom_sql_scripts", spec.enable_custom_sql_scripts),
        ("enable_auto_password_rotation", spec.enable_auto_password_rotation),
        ("enable_cloudsql_volume", spec.enable_cloudsql_volume),
    ];
    users
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(variable, _)| {
            error(variable)
                .with(&["database_type"])
                .message(format!("`{variable}` needs a database, and `database_type` is NONE"))
                .help("Write POSTGRES_15 as `database_type`.")
        })
        .collect()
}

/// V-23: scripts have a bucket and a path.
pub(super) fn custom_sql(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !spec.enable_custom_sql_scripts {
        return vec![];
    }
    let bucket = spec.custom_sql_scripts_bucket.as_str();
    let mut found = when(bucket.is_empty() || bucket.starts_with("gs://") || bucket.contains('/'), || {
        error("custom_sql_scripts_bucket")
            .with(&["enable_custom_sql_scripts"])
            .message("`custom_sql_scripts_bucket` must be the bare name of a bucket")
            .help("Write my-bucket, without gs:// and without a path.")
    });
    found.extend(when(spec.custom_sql_scripts_path.is_empty(), || {
        error("custom_sql_scripts_path")
            .with(&["enable_custom_sql_scripts"])
            .message("`custom_sql_scripts_path` is missing: which scripts are meant?")
            .help("Write the folder of the scripts, such as sql/.")
    }));
    found
}
