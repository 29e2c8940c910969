//! What a deployment that exists may become.
//!
//! Two specs are compared: the one that was made and the one that is asked for. Immutable variables stay;
//! guarded ones change only when their name is acknowledged, in the spec (`acknowledge`) or by whoever
//! asks. Where only one direction of a change hurts, only that one is guarded.

use std::collections::BTreeSet;

use super::finding::{Finding, Severity};
use super::validate::Quantity;
use super::variable::{Mutability, Variable};
use super::{Spec, VARIABLES, versions};

/// Compares two specs of one deployment. `acknowledged` holds names of guarded variables whose change is
/// meant, beside those in the new spec's `acknowledge`.
pub fn compare(old: &Spec, new: &Spec, acknowledged: &BTreeSet<String>) -> Vec<Finding> {
    let meant = |name: &str| acknowledged.contains(name) || new.acknowledge.iter().any(|known| known == name);
    let mut found = vec![];
    for variable in VARIABLES.iter().filter(|variable| old.differs(new, variable.name)) {
        match variable.mutability {
            Mutability::Immutable(why) => found.push(immutable(variable, why, old, new)),
            Mutability::Guarded(why) if hurts(variable.name, old, new) => {
                found.extend(guarded(variable, why, old, new, meant(variable.name)));
            }
            _ => {}
        }
    }
    found.extend(settings(old, new, &meant));
    found.extend(remarks(old, new));
    found
}

fn immutable(variable: &Variable, why: &str, old: &Spec, new: &Spec) -> Finding {
    Finding::new(rule_of(variable.name), Severity::Error, variable.name)
        .message(format!("`{}` cannot change{}: {why}", variable.name, from_to(variable.name, old, new)))
        .help("Put the old value back. For another value, make another deployment and move the data.")
}

fn guarded(variable: &Variable, why: &str, old: &Spec, new: &Spec, meant: bool) -> Option<Finding> {
    let name = variable.name;
    let finding = Finding::new(rule_of(name), Severity::Error, name)
        .message(format!("`{name}` changes{}: {why}", from_to(name, old, new)));
    if is_impossible(name, old, new) {
        return Some(finding.help("Put the old value back, or a larger one."));
    }
    (!meant).then(|| {
        finding.with(&["acknowledge"]).help(format!(
            "If that is meant, add \"{name}\" to `acknowledge`; otherwise put the old value back."
        ))
    })
}

/// Whether a change is in the direction that hurts.
fn hurts(name: &str, old: &Spec, new: &Spec) -> bool {
    match name {
        // Migrations go forward only; a later release is what this service is for.
        "application_version" => versions::is_downgrade(&old.application_version, &new.application_version),
        // Saying in words what was so already changes nothing.
        "workload_type" => controller(old) != controller(new),
        "stateful_pvc_enabled" => {
            (old.stateful_pvc_enabled == Some(true)) != (new.stateful_pvc_enabled == Some(true))
        }
        "stateful_pvc_size" => shrinks(old, new),
        "enable_backup_import" => new.enable_backup_import,
        "vpc_sc_dry_run" => new.enable_vpc_sc && !new.vpc_sc_dry_run,
        "binauthz_evaluation_mode" => strictness(new) > strictness(old),
        "manage_storage_kms_iam" => !new.manage_storage_kms_iam,
        "gke_cluster_selection_mode" => {
            new.gke_cluster_name.is_empty() || old.gke_cluster_name != new.gke_cluster_name
        }
        _ => true,
    }
}

/// Whether no acknowledgement helps, because the platform cannot do it.
fn is_impossible(name: &str, old: &Spec, new: &Spec) -> bool {
    name == "stateful_pvc_size" && shrinks(old, new)
}

fn shrinks(old: &Spec, new: &Spec) -> bool {
    match (Quantity::parse(&old.stateful_pvc_size), Quantity::parse(&new.stateful_pvc_size)) {
        (Some(old), Some(new)) => new < old,
        _ => true,
    }
}

fn controller(spec: &Spec) -> &str {
    match (&spec.workload_type, spec.stateful_pvc_enabled) {
        (Some(kind), _) => kind,
        (None, Some(true)) => "StatefulSet",
        (None, _) => "Deployment",
    }
}

fn strictness(spec: &Spec) -> u8 {
    match spec.binauthz_evaluation_mode.as_str() {
        "ALWAYS_DENY" => 2,
        "REQUIRE_ATTESTATION" => 1,
        _ => 0,
    }
}

/// The pitfall that a change of a variable is.
fn rule_of(name: &str) -> &'static str {
    match name {
        "region" | "gke_cluster_selection_mode" | "static_ip_name" | "network_name" => "P-44",
        "gke_cluster_name" => "P-68",
        "workload_type" => "P-45",
        "application_version" => "P-55",
        "database_type" => "P-54",
        "enable_backup_import" => "P-28",
        "enable_cloud_deploy" => "P-62",
        "vpc_sc_dry_run" => "P-25",
        "binauthz_evaluation_mode" => "P-24",
        "manage_storage_kms_iam" => "P-65",
        _ if name.starts_with("prereq_") => "P-44",
        _ if name.starts_with("stateful_pvc_") => "P-45",
        _ => "P-20",
    }
}

/// Settings inside maps whose change hurts like that of a guarded variable.
fn settings(old: &Spec, new: &Spec, meant: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let store =
        |spec: &Spec| spec.environment_variables.get("VECTOR_STORE").cloned().unwrap_or("pgvector".into());
    let key = |spec: &Spec| spec.secret_environment_variables.get("SECRET_KEY").cloned();
    let mut found = vec![];
    if store(old) != store(new) && !meant("VECTOR_STORE") {
        found.push(
            Finding::new("P-03", Severity::Error, "environment_variables.VECTOR_STORE")
                .with(&["acknowledge"])
                .message(format!(
                    "VECTOR_STORE changes from {} to {}: knowledge bases find nothing until their vectors are moved",
                    store(old),
                    store(new)
                ))
                .help("Move the vectors first; then add \"VECTOR_STORE\" to `acknowledge`."),
        );
    }
    if key(old) != key(new) && !meant("SECRET_KEY") {
        found.push(
            Finding::new("P-01", Severity::Error, "secret_environment_variables.SECRET_KEY")
                .with(&["acknowledge"])
                .message("SECRET_KEY changes: everybody is logged out and signed links become void")
                .help("Put the old one back; if it is meant, add \"SECRET_KEY\" to `acknowledge`."),
        );
    }
    found
}

/// Changes, and things left as they were, that somebody should know of.
fn remarks(old: &Spec, new: &Spec) -> Vec<Finding> {
    let mut found = vec![];
    if old.enable_backup_import && new.enable_backup_import {
        found.push(
            Finding::new("P-28", Severity::Warning, "enable_backup_import")
                .message("`enable_backup_import` is still on; the import runs once and is not repeated")
                .help("Set it to false when the import has succeeded."),
        );
    }
    if old.nfs_volume_name != new.nfs_volume_name {
        found.push(
            Finding::new("P-67", Severity::Warning, "nfs_volume_name")
                .message("`nfs_volume_name` changes: every pod that mounts the share is replaced")
                .help("Put the old name back unless the new one is needed."),
        );
    }
    found
}

/// The two values, when they are short and plain.
fn from_to(name: &str, old: &Spec, new: &Spec) -> String {
    let show = |spec: &Spec| match spec.get(name)? {
        serde_json::Value::String(text) if text.is_empty() => Some("(empty)".to_owned()),
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => Some("(not set)".to_owned()),
        value @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_)) => Some(value.to_string()),
        _ => None,
    };
    match (show(old), show(new)) {
        (Some(old), Some(new)) => format!(" from {old} to {new}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn spec(change: impl FnOnce(&mut Spec)) -> Spec {
        let mut spec = Spec::default();
        change(&mut spec);
        spec
    }

    #[test]
    fn nothing_changed_is_nothing_to_say() {
        assert_eq!(compare(&Spec::default(), &Spec::default(), &none()), []);
    }

    #[test]
    fn immutable_variables_refuse_and_no_acknowledgement_helps() {
        let new = spec(|spec| {
            spec.db_name = "other".into();
            spec.acknowledge = vec!["db_name".into()];
        });
        let found = compare(&Spec::default(), &new, &none());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rule, "P-20");
        assert!(found[0].message.contains("from dify_db to other: another name means an empty database"));
    }

    #[test]
    fn guarded_variables_change_when_it_is_meant() {
        let new = spec(|spec| spec.database_type = "POSTGRES_17".into());
        assert_eq!(compare(&Spec::default(), &new, &none())[0].rule, "P-54");
        assert_eq!(compare(&Spec::default(), &new, &["database_type".to_owned()].into()), []);
        let written = spec(|spec| {
            spec.database_type = "POSTGRES_17".into();
            spec.acknowledge = vec!["database_type".into()];
        });
        assert_eq!(compare(&Spec::default(), &written, &none()), []);
    }

    #[test]
    fn only_the_direction_that_hurts_is_guarded() {
        let (one, two) = (spec(|spec| spec.application_version = "1.16.0".into()), Spec::default());
        assert_eq!(compare(&one, &two, &none()), []);
        assert_eq!(compare(&two, &one, &none())[0].rule, "P-55");
        let large = spec(|spec| spec.stateful_pvc_size = "20Gi".into());
        assert_eq!(compare(&Spec::default(), &large, &none()), []);
        let found = compare(&large, &Spec::default(), &["stateful_pvc_size".to_owned()].into());
        assert_eq!(found[0].rule, "P-45");
        let spelt = spec(|spec| spec.workload_type = Some("Deployment".into()));
        assert_eq!(compare(&Spec::default(), &spelt, &none()), []);
    }

    #[test]
    fn settings_inside_maps_are_guarded_too() {
        let new =
            spec(|spec| drop(spec.environment_variables.insert("VECTOR_STORE".into(), "qdrant".into())));
        assert_eq!(compare(&Spec::default(), &new, &none())[0].rule, "P-03");
        assert_eq!(compare(&Spec::default(), &new, &["VECTOR_STORE".to_owned()].into()), []);
    }
}
