//! Which Dify release runs, and what belongs to it.

use super::{error, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;
use crate::spec::versions::{
    FIRST_SUPPORTED, FIRST_WITH_AGENT, FIRST_WITHOUT_CVE_2026_41948, LATEST, NEWEST, Version, is_known,
    pair_for,
};

/// P-18: an image that changes under its name migrates the database when nobody expects it.
pub(super) fn unpinned(spec: &Spec, _: &Given) -> Vec<Finding> {
    match spec.application_version.as_str() {
        LATEST => vec![
            warning("application_version")
                .message(format!("`latest` changes without notice, and with it the database; plugin daemon and sandbox stay those of {}", NEWEST.dify))
                .help(format!("Write the release, such as \"{}\".", NEWEST.dify)),
        ],
        "" | "main" => vec![
            error("application_version")
                .message(format!("`application_version` is \"{}\", which names no release", spec.application_version))
                .help(format!("Write the release, such as \"{}\".", NEWEST.dify)),
        ],
        _ => vec![],
    }
}

/// D-10: image tags of Dify are three numbers, without a leading v.
pub(super) fn no_release(spec: &Spec, _: &Given) -> Vec<Finding> {
    let tag = spec.application_version.as_str();
    let known_word = tag.is_empty() || tag == LATEST || tag == "main";
    when(!known_word && Version::parse(tag).is_none(), || {
        let bare = tag.strip_prefix('v').filter(|bare| Version::parse(bare).is_some());
        let help = match bare {
            Some(bare) => format!("Write \"{bare}\": Dify's image tags have no leading v."),
            None => {
                format!("Write three numbers, such as \"{}\"; an own build may add -suffix.", NEWEST.dify)
            }
        };
        error("application_version").message(format!("\"{tag}\" is no Dify release")).help(help)
    })
}

/// D-09: releases before 1.0 have no plugin daemon and other settings; what is deployed here would not
/// make them run.
pub(super) fn too_old(spec: &Spec, _: &Given) -> Vec<Finding> {
    let version = Version::parse(&spec.application_version);
    when(version.is_some_and(|version| !version.at_least(FIRST_SUPPORTED)), || {
        error("application_version")
            .message(format!("Dify {} cannot run here: before 1.0 it had no plugin daemon and read other settings", spec.application_version))
            .help(format!("Write \"{}\". Going from 0.x to 1.x also means turning tools and models into plugins; see Dify's notes on 1.0.", NEWEST.dify))
    })
}

/// D-08: a published way to read and write files of the server.
pub(super) fn vulnerable(spec: &Spec, _: &Given) -> Vec<Finding> {
    let version = Version::parse(&spec.application_version);
    let affected = version.is_some_and(|version| {
        version.at_least(FIRST_SUPPORTED) && !version.at_least(FIRST_WITHOUT_CVE_2026_41948)
    });
    when(affected, || {
        warning("application_version")
            .message(format!(
                "Dify {} is open to CVE-2026-41948 (path traversal, rated 9.4)",
                spec.application_version
            ))
            .help(format!("Write \"1.16.0\" or newer, best \"{}\".", NEWEST.dify))
    })
}

/// D-07: plugin daemon and sandbox are released in lock-step with Dify.
pub(super) fn unknown_companions(spec: &Spec, _: &Given) -> Vec<Finding> {
    let tag = spec.application_version.as_str();
    let readable = Version::parse(tag).is_some_and(|version| version.at_least(FIRST_SUPPORTED));
    let named = spec.plugin_daemon.image.is_some() && spec.sandbox.image.is_some();
    if !readable || named || is_known(tag) {
        return vec![];
    }
    match pair_for(tag) {
        Some(pair) => vec![
            warning("application_version")
                .with(&["plugin_daemon", "sandbox"])
                .message(format!("Dify {tag} is not known here; plugin daemon and sandbox of {} are taken", pair.dify))
                .help("Check them against the release's compose file, and set `plugin_daemon.image` and `sandbox.image` if they differ."),
        ],
        None => vec![
            error("application_version")
                .with(&["plugin_daemon", "sandbox"])
                .message(format!("which plugin daemon and sandbox belong to Dify {tag} is not known here"))
                .help("Set `plugin_daemon.image` and `sandbox.image` to those of the release's compose file, or use a known release."),
        ],
    }
}

/// P-55: from 1.0 on, nothing works without the plugin daemon.
pub(super) fn no_plugin_daemon(spec: &Spec, _: &Given) -> Vec<Finding> {
    let off = spec.plugin_daemon.enabled == Some(false) || spec.plugin_daemon.replicas == Some(0);
    when(off, || {
        error("plugin_daemon.enabled")
            .with(&["application_version"])
            .message("Dify 1.x cannot do without its plugin daemon: models, tools and knowledge bases fail")
            .help("Take `enabled: false` out.")
    })
}

/// D-11: the agent back end came with 1.16.
pub(super) fn agent_too_early(spec: &Spec, _: &Given) -> Vec<Finding> {
    let version = Version::parse(&spec.application_version);
    let early = version.is_some_and(|version| !version.at_least(FIRST_WITH_AGENT));
    when(spec.agent_backend.enabled == Some(true) && early, || {
        error("agent_backend.enabled")
            .with(&["application_version"])
            .message(format!("Dify {} has no agent back end; it came with 1.16", spec.application_version))
            .help("Raise `application_version` to 1.16.0 or newer.")
    })
}
