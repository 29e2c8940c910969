//! Limits that a single value keeps by itself: enumerations, patterns and ranges.
//!
//! They stand here as data because three readers use them: the rules, the JSON schema and `explain`.

/// Values a text may have. `[]` in a path means every item of a list.
pub struct Choice {
    /// The variable or field.
    pub path: &'static str,
    /// The rule it belongs to.
    pub rule: &'static str,
    /// The values.
    pub values: &'static [&'static str],
}

/// A pattern that a text keeps.
pub struct Pattern {
    /// The variable.
    pub variable: &'static str,
    /// The rule it belongs to.
    pub rule: &'static str,
    /// The regular expression, anchored.
    pub pattern: &'static str,
    /// Whether the text may also be empty.
    pub or_empty: bool,
    /// What it says, in words.
    pub words: &'static str,
}

/// A range that a number keeps.
pub struct Range {
    /// The variable.
    pub variable: &'static str,
    /// The rule it belongs to.
    pub rule: &'static str,
    /// Least value.
    pub min: i64,
    /// Greatest value.
    pub max: i64,
}

/// Every enumeration.
pub const CHOICES: &[Choice] = &[
    choice("workload_type", "V-11", &["Deployment", "StatefulSet"]),
    choice("service_type", "V-11", &["ClusterIP", "LoadBalancer", "NodePort"]),
    choice("session_affinity", "V-11", &["None", "ClientIP"]),
    choice("stateful_pod_management_policy", "V-11", &["OrderedReady", "Parallel"]),
    choice("stateful_update_strategy", "V-11", &["RollingUpdate", "OnDelete"]),
    choice("backup_source", "V-11", &["gcs", "gdrive"]),
    choice("backup_format", "V-11", &["sql", "tar", "gz", "tgz", "tar.gz", "zip", "auto"]),
    choice("binauthz_evaluation_mode", "V-11", &["ALWAYS_ALLOW", "REQUIRE_ATTESTATION", "ALWAYS_DENY"]),
    choice("gke_cluster_selection_mode", "V-11", &["primary", "explicit", "round-robin"]),
    choice("container_image_source", "V-11", &["prebuilt", "custom"]),
    choice("container_protocol", "V-11", &["http1", "h2c"]),
    choice("deletion_policy", "D-26", &["retain", "orphan", "destroy"]),
    choice("image_policy.mode", "D-40", &["pin", "follow"]),
    choice("image_policy.approval", "D-40", &["auto", "approve"]),
    choice("cron_jobs[].concurrency_policy", "V-44", &["Forbid", "Allow", "Replace"]),
    choice("cron_jobs[].restart_policy", "V-44", &["OnFailure", "Never"]),
    choice("alert_policies[].comparison", "V-44", &["COMPARISON_GT", "COMPARISON_LT"]),
    choice("startup_probe.type", "V-44", &["HTTP", "TCP"]),
    choice("liveness_probe.type", "V-44", &["HTTP", "TCP"]),
    choice("startup_probe_config.type", "V-44", &["HTTP", "TCP"]),
    choice("health_check_config.type", "V-44", &["HTTP", "TCP"]),
    choice("additional_services[].startup_probe.type", "V-44", &["HTTP", "TCP"]),
    choice("additional_services[].liveness_probe.type", "V-44", &["HTTP", "TCP"]),
    choice(
        "additional_services[].ingress",
        "V-44",
        &["INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_ALL"],
    ),
    choice("additional_services[].extra_ports[].protocol", "V-44", &["TCP", "UDP"]),
    choice("extra_service_ports[].protocol", "V-44", &["TCP", "UDP"]),
    choice("storage_buckets[].public_access_prevention", "V-44", &["enforced", "inherited"]),
    choice("storage_buckets[].storage_class", "V-44", &["STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"]),
    choice("storage_buckets[].lifecycle_rules[].action.type", "V-44", &["Delete", "SetStorageClass"]),
    choice("storage_buckets[].lifecycle_rules[].condition.with_state", "V-44", &["LIVE", "ARCHIVED", "ANY"]),
];

/// Every pattern.
pub const PATTERNS: &[Pattern] = &[
    pattern(
        "project_id",
        "V-01",
        "^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
        "6 to 30 lower-case letters, digits and hyphens, beginning with a letter",
    ),
    pattern(
        "tenant_deployment_id",
        "V-02",
        "^[a-z0-9-]{1,20}$",
        "1 to 20 lower-case letters, digits and hyphens",
    ),
    pattern(
        "application_name",
        "V-03",
        "^[a-z][a-z0-9-]{0,19}$",
        "at most 20 lower-case letters, digits and hyphens, beginning with a letter",
    ),
    pattern(
        "db_name",
        "V-04",
        "^[a-z][a-z0-9_]{0,62}$",
        "at most 63 lower-case letters, digits and underscores, beginning with a letter",
    ),
    pattern(
        "db_user",
        "V-04",
        "^[a-z][a-z0-9_]{0,31}$",
        "at most 32 lower-case letters, digits and underscores, beginning with a letter",
    ),
    optional(
        "github_repository_url",
        "V-29",
        r"^https://github\.com/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$",
        "https://github.com/ORG/REPO",
    ),
    optional(
        "namespace_name",
        "V-47",
        "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        "at most 63 lower-case letters, digits and hyphens, with neither end a hyphen",
    ),
    optional(
        "static_ip_name",
        "V-47",
        "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        "at most 63 lower-case letters, digits and hyphens, beginning with a letter",
    ),
    optional("deployment_id", "D-25", "^[a-z0-9]{1,20}$", "at most 20 lower-case letters and digits"),
];

/// Every range.
pub const RANGES: &[Range] = &[
    range("min_instance_count", "V-05", 0, 1000),
    range("max_instance_count", "V-05", 1, 1000),
    range("container_port", "V-06", 1, 65535),
    range("service_port", "V-06", 1, 65535),
    range("timeout_seconds", "V-07", 0, 3600),
    range("termination_grace_period_seconds", "V-07", 0, 3600),
    range("database_password_length", "V-08", 16, 64),
    range("secret_propagation_delay", "V-09", 0, 300),
    range("stateful_fs_group", "V-14", 0, i64::MAX),
    range("backup_retention_days", "V-41", 1, 365),
];

const fn choice(path: &'static str, rule: &'static str, values: &'static [&'static str]) -> Choice {
    Choice { path, rule, values }
}

const fn pattern(
    variable: &'static str,
    rule: &'static str,
    pattern: &'static str,
    words: &'static str,
) -> Pattern {
    Pattern { variable, rule, pattern, or_empty: false, words }
}

const fn optional(
    variable: &'static str,
    rule: &'static str,
    pattern: &'static str,
    words: &'static str,
) -> Pattern {
    Pattern { variable, rule, pattern, or_empty: true, words }
}

const fn range(variable: &'static str, rule: &'static str, min: i64, max: i64) -> Range {
    Range { variable, rule, min, max }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::finding::variable_of;
    use crate::spec::names;

    #[test]
    fn limits_are_about_variables() {
        let paths = CHOICES.iter().map(|choice| variable_of(choice.path));
        let named = PATTERNS.iter().map(|pattern| pattern.variable);
        let ranged = RANGES.iter().map(|range| range.variable);
        for variable in paths.chain(named).chain(ranged) {
            assert_eq!(names::canonical(variable), Some(variable));
        }
        assert!(PATTERNS.iter().all(|pattern| regex::Regex::new(pattern.pattern).is_ok()));
    }
}
