//! Secrets: none in the open, none twice, none that changes by accident.

use super::{environments, error, note, warning, when};
use crate::spec::Spec;
use crate::spec::conceal;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;

/// Secret Manager's own lower limit of a rotation period, in seconds.
const SHORTEST_ROTATION_SECS: u64 = 3600;

/// Longest password that Dify's set-up page lets one type.
const LONGEST_INIT_PASSWORD: usize = 30;

/// P-01: all of Dify shares one SECRET_KEY, made once. Another value logs everybody out and breaks
/// signed links; two values at once break Dify.
pub(super) fn own_secret_key(spec: &Spec, _: &Given) -> Vec<Finding> {
    let plain = environments(spec).into_iter().filter(|(_, _, map)| map.contains_key("SECRET_KEY"));
    let mut found: Vec<_> = plain
        .map(|(path, ..)| {
            error(format!("{path}.SECRET_KEY"))
                .message("SECRET_KEY is generated once and shared by all of Dify; it cannot be set here")
                .help("Take it out. To bring a key along, store it in Secret Manager and name it in `secret_environment_variables`.")
                .conceal()
        })
        .collect();
    found.extend(when(spec.secret_environment_variables.contains_key("SECRET_KEY"), || {
        warning("secret_environment_variables.SECRET_KEY")
            .message("an own SECRET_KEY replaces the generated one: on a running deployment everybody is logged out")
            .help("Keep it only to bring a key along, and never change it afterwards.")
    }));
    found
}

/// P-15: a plain variable is readable for everybody who may describe a pod.
pub(super) fn in_the_open(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut maps: Vec<_> = environments(spec).into_iter().map(|(path, _, map)| (path, map)).collect();
    maps.extend(
        spec.container_build_config
            .build_args
            .iter()
            .map(|map| ("container_build_config.build_args".into(), map)),
    );
    maps.extend(
        spec.cicd_trigger_config
            .substitutions
            .iter()
            .map(|map| ("cicd_trigger_config.substitutions".into(), map)),
    );
    let entries = maps
        .into_iter()
        .flat_map(|(path, map)| map.iter().map(move |(name, text)| (path.clone(), name, text)));
    entries
        .filter(|(_, name, text)| *name != "SECRET_KEY" && conceal::is_open_secret(name, text))
        .map(|(path, name, _)| {
            error(format!("{path}.{name}"))
                .with(&["secret_environment_variables"])
                .message(format!("{name} looks like a secret, and plain variables are readable for everybody who sees the pod"))
                .help(format!("Store it in Secret Manager and write secret_environment_variables: {{{name}: its-secret-id}}; then consider the value known and replace it."))
                .conceal()
        })
        .collect()
}

/// V-10: a period is whole seconds with an `s`, not shorter than Secret Manager allows.
pub(super) fn rotation_period(spec: &Spec, _: &Given) -> Vec<Finding> {
    let seconds = spec.secret_rotation_period.strip_suffix('s').and_then(|digits| digits.parse::<u64>().ok());
    when(seconds.is_none_or(|seconds| seconds < SHORTEST_ROTATION_SECS), || {
        error("secret_rotation_period")
            .message(format!("`secret_rotation_period` is \"{}\"", spec.secret_rotation_period))
            .help("Write seconds with the suffix s, 3600s or more: 2592000s is 30 days.")
    })
}

/// P-35: pods need time to get the new password before the old one goes.
pub(super) fn hasty_rotation(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.rotation_propagation_delay_sec < 90, || {
        warning("rotation_propagation_delay_sec")
            .message(format!(
                "the old password goes {} s after the rollout; connections still using it break",
                spec.rotation_propagation_delay_sec
            ))
            .help("Write 90 or more.")
    })
}

/// V-46: GKE's secret synchronisation takes no name with two underscores in a row.
pub(super) fn double_underscore(spec: &Spec, _: &Given) -> Vec<Finding> {
    let names = spec.secret_environment_variables.keys().filter(|name| name.contains("__"));
    names
        .map(|name| {
            error(format!("secret_environment_variables.{name}"))
                .message(format!("{name} has two underscores in a row, which GKE's secret synchronisation refuses"))
                .help("Use a name without them, and set the doubled one from it: MY__NAME: $(MY_NAME) in `environment_variables`.")
        })
        .collect()
}

/// D-27: a variable has one source.
pub(super) fn two_sources(spec: &Spec, _: &Given) -> Vec<Finding> {
    let elsewhere = |name: &String| {
        spec.secret_environment_variables.contains_key(name) || spec.explicit_secret_values.contains_key(name)
    };
    spec.environment_variables
        .keys()
        .filter(|name| elsewhere(name))
        .map(|name| {
            error(format!("environment_variables.{name}"))
                .with(&["secret_environment_variables", "explicit_secret_values"])
                .message(format!("{name} is set plain and as a secret"))
                .help("Take the plain one out.")
                .conceal()
        })
        .collect()
}

/// D-01: a longer password can be set but never typed: the first set-up is locked for ever.
pub(super) fn long_init_password(spec: &Spec, _: &Given) -> Vec<Finding> {
    let plain =
        spec.environment_variables.get("INIT_PASSWORD").map(|text| ("environment_variables", text.as_str()));
    let explicit = spec.explicit_secret_values.get("INIT_PASSWORD");
    let explicit = explicit.map(|secret| ("explicit_secret_values", secret.reveal()));
    plain
        .into_iter()
        .chain(explicit)
        .filter(|(_, text)| text.chars().count() > LONGEST_INIT_PASSWORD)
        .map(|(map, _)| {
            error(format!("{map}.INIT_PASSWORD"))
                .message(format!("INIT_PASSWORD has more than {LONGEST_INIT_PASSWORD} characters; the set-up page takes no more"))
                .help("Take it out: one that fits is generated.")
                .conceal()
        })
        .collect()
}

/// D-35: a value in the spec file is readable for everybody who reads the file.
pub(super) fn explicit_values(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(!spec.explicit_secret_values.is_empty(), || {
        note("explicit_secret_values")
            .with(&["secret_environment_variables"])
            .message("secrets are written in the spec file itself")
            .help("Store them in Secret Manager and name them in `secret_environment_variables`.")
            .conceal()
    })
}
