//! Dify's settings in `environment_variables`.
//!
//! Dify checks some of its settings when it starts and dies of a wrong one; others it takes as they are
//! and goes wrong later. Both are refused here, where one can still read why.

use super::settings::{ADDRESSES, CHOICES, RESERVED, WHOLE, YES_OR_NO};
use super::{Audience, environments, error, note, warning, when};
use crate::spec::Spec;
use crate::spec::conceal;
use crate::spec::finding::Finding;
use crate::spec::names::nearest;
use crate::spec::parse::Given;

/// What pydantic takes for yes or no.
const BOOLEANS: [&str; 12] = ["true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"];

/// D-02: a value outside its enumeration: Dify does not start, or, as with `LOG_LEVEL` and
/// `REDIS_SSL_CERT_REQS`, starts and misbehaves.
pub(super) fn unknown_choice(spec: &Spec, _: &Given) -> Vec<Finding> {
    each(spec, |name, text, path| {
        let values = CHOICES.iter().find(|(known, _)| *known == name)?.1;
        if values.contains(&text) {
            return None;
        }
        let near = match (name, text) {
            ("STORAGE_TYPE", "gcs") => Some("google-storage"),
            ("DEPLOYMENT_EDITION", "SELF_HOSTED") => Some("COMMUNITY"),
            ("REDIS_SSL_CERT_REQS", "none") => Some("CERT_NONE"),
            _ => values.iter().find(|value| value.eq_ignore_ascii_case(text)).copied(),
        };
        let near = near.or_else(|| nearest(text, values.iter().copied()));
        let all = values.iter().filter(|value| !value.is_empty()).copied().collect::<Vec<_>>().join(", ");
        let help = match near {
            Some(near) => format!("Did you mean \"{near}\"? Dify knows: {all}."),
            None => format!("Dify knows: {all}."),
        };
        Some(error(path).message(format!("Dify has no {name} \"{text}\"")).help(help))
    })
}

/// D-03: numbers are numbers, and not below what makes sense. Empty text counts as a value and is none.
pub(super) fn no_number(spec: &Spec, _: &Given) -> Vec<Finding> {
    each(spec, |name, text, path| {
        let least = WHOLE.iter().find(|(known, _)| *known == name)?.1;
        let fits = text.parse::<i64>().is_ok_and(|number| number >= least);
        (!fits).then(|| {
            error(path).message(format!("{name} cannot be \"{text}\"")).help(format!(
                "Write a whole number, {least} or more, or take it out; empty text is no number."
            ))
        })
    })
}

/// D-04: yes or no, in words that Dify's configuration reads.
pub(super) fn no_boolean(spec: &Spec, _: &Given) -> Vec<Finding> {
    each(spec, |name, text, path| {
        let asked = YES_OR_NO.contains(&name);
        let fits = BOOLEANS.contains(&text.to_ascii_lowercase().as_str());
        (asked && !fits).then(|| {
            error(path).message(format!("{name} cannot be \"{text}\"")).help("Write \"true\" or \"false\".")
        })
    })
}

/// D-05: addresses carry their scheme. `CONSOLE_API_URL=not-a-url` is taken as it is and ends in a login
/// loop; the others end Dify's start.
pub(super) fn no_address(spec: &Spec, _: &Given) -> Vec<Finding> {
    each(spec, |name, text, path| {
        let may_be_empty = ADDRESSES.iter().find(|(known, _)| *known == name)?.1;
        // A template such as `https://host/e/{hook_id}` is an address but for its braces.
        let plain = text.replace(['{', '}'], "");
        let address = url::Url::parse(&plain)
            .is_ok_and(|address| matches!(address.scheme(), "http" | "https") && address.has_host());
        let fits = address || (may_be_empty && text.is_empty());
        (!fits).then(|| {
            error(path)
                .message(format!("{name} must be an http or https address, not \"{text}\""))
                .help("Write it in full: https://dify.example.com.")
        })
    })
}

/// D-06: the platform sets these last; what the user says would be lost without a word.
pub(super) fn reserved(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut found = vec![];
    for (path, audience, map) in environments(spec) {
        if audience != Audience::Dify {
            continue;
        }
        for (name, instead) in RESERVED.iter().filter(|(name, _)| map.contains_key(*name)) {
            found.push(
                error(format!("{path}.{name}"))
                    .message(format!("{name} is set by the platform; a value here would be lost"))
                    .help(format!("Take it out. {instead}"))
                    .conceal(),
            );
        }
    }
    found
}

/// D-17: Dify reads no `*_FILE` variants of its secrets.
pub(super) fn file_variants(spec: &Spec, _: &Given) -> Vec<Finding> {
    each(spec, |name, text, path| {
        let base = name.strip_suffix("_FILE")?;
        let secret = ["PASSWORD", "SECRET_KEY", "API_KEY", "TOKEN"].iter().any(|end| base.ends_with(end));
        (secret && text.starts_with('/')).then(|| {
            warning(path)
                .message(format!("Dify does not read {name}"))
                .help(format!("Name the secret in `secret_environment_variables` as {base}."))
        })
    })
}

/// D-18: Celery cannot use a Redis Cluster as its queue.
pub(super) fn redis_cluster(spec: &Spec, _: &Given) -> Vec<Finding> {
    each(spec, |name, text, path| {
        (name == "REDIS_USE_CLUSTERS" && text.eq_ignore_ascii_case("true")).then(|| {
            warning(path)
                .message("a Redis Cluster cannot be the task queue: it has no second database")
                .help("Use a Redis without cluster mode.")
        })
    })
}

/// D-19: the web image fixes its base path when it is built.
pub(super) fn sub_path(spec: &Spec, _: &Given) -> Vec<Finding> {
    let own = spec.web.env_vars.iter().any(|map| map.contains_key("NEXT_PUBLIC_BASE_PATH"));
    when(own, || {
        warning("web.env_vars.NEXT_PUBLIC_BASE_PATH")
            .message("NEXT_PUBLIC_BASE_PATH has no effect: the stock web image was built without it")
            .help("Give Dify a domain of its own.")
    })
}

/// D-20: interactive API pages for everybody.
pub(super) fn public_api_pages(spec: &Spec, _: &Given) -> Vec<Finding> {
    each(spec, |name, text, path| {
        (name == "SWAGGER_UI_ENABLED" && text.eq_ignore_ascii_case("true")).then(|| {
            note(path)
                .message("Dify's API pages are public")
                .help("Take SWAGGER_UI_ENABLED out; it is off by default here.")
        })
    })
}

/// Looks at every setting of containers of the API image. References to other variables are left to the
/// container, and secrets to the rule that refuses them.
fn each(spec: &Spec, look: impl Fn(&str, &str, String) -> Option<Finding>) -> Vec<Finding> {
    let mut found = vec![];
    for (path, audience, map) in environments(spec) {
        if audience == Audience::Dify {
            let plain = map
                .iter()
                .filter(|(name, text)| !text.contains("$(") && !conceal::is_open_secret(name, text));
            found.extend(plain.filter_map(|(name, text)| look(name, text, format!("{path}.{name}"))));
        }
    }
    found
}
