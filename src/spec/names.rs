//! Names of variables: those the module used at other times, and the nearest to a misspelt one.

use super::VARIABLES;

/// Other names a variable is known by: the module renamed some, and its layers name some differently.
pub const ALIASES: &[(&str, &str)] = &[
    ("tenant_id", "tenant_deployment_id"),
    ("fallback_region", "region"),
    ("deployment_region", "region"),
    ("application_display_name", "display_name"),
    ("application_description", "description"),
    ("backup_file", "backup_uri"),
];

/// How alike two names must be (0 to 1) before one is offered for the other. Below this the offers were
/// longer than they were helpful.
const ALIKE: f64 = 0.6;

/// The variable that a name or another name of it means.
pub fn canonical(name: &str) -> Option<&'static str> {
    let direct = VARIABLES.iter().find(|variable| variable.name == name).map(|variable| variable.name);
    direct.or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, variable)| *variable))
}

/// The known name most like a misspelt one.
pub fn nearest_variable(name: &str) -> Option<&'static str> {
    let known = VARIABLES.iter().map(|variable| variable.name);
    nearest(name, known.chain(ALIASES.iter().map(|(alias, _)| *alias)))
}

/// The name of a set that is most like a misspelt one.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    known
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&name, candidate), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_lead_to_variables_and_are_none_themselves() {
        for (alias, variable) in ALIASES {
            assert!(VARIABLES.iter().any(|known| known.name == *variable), "{variable}");
            assert!(!VARIABLES.iter().any(|known| known.name == *alias), "{alias}");
            assert_eq!(canonical(alias), Some(*variable));
        }
    }

    #[test]
    fn the_nearest_name_is_offered() {
        assert_eq!(nearest_variable("max_instances_count"), Some("max_instance_count"));
        assert_eq!(nearest_variable("Tenant-ID"), Some("tenant_id"));
        assert_eq!(nearest_variable("zzz"), None);
    }
}
