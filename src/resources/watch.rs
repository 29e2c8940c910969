//! The spec's rules that only the running world can decide (`Decided::Runtime` in the table of rules).
//!
//! Each answers what it found wrong in what was seen, under the rule's id, beside the waits that it causes. Nothing
//! that was not looked at is found wrong.

mod network;
mod redis;
mod secrets;

use crate::condition::{Finding, Reason};
use crate::slice::Slice;
use crate::spec::VARIABLES;
use crate::spec::validate::{Decided, RULES, Rule};

use super::google::{Kind, certificate, driver};
use super::{Context, Kind as AnyKind, Readiness, facts, kubernetes};

/// What one rule found: the resource it is about, if it is about one, what is the case and what helps.
struct Watched {
    subject: Option<String>,
    reason: Reason,
    message: String,
    help: String,
}

/// A rule's id and what finds it broken.
type Watcher = (&'static str, fn(&Context<'_>) -> Vec<Watched>);

/// Every rule that is watched, in the order of the table of rules.
const WATCHERS: &[Watcher] = &[
    ("V-35", network::missing),
    ("V-36", network::several),
    ("V-40", secrets::of_jobs),
    ("P-02c", redis::silent),
    ("P-41", redis::filestore),
    ("P-52", certificates),
    ("P-57", served_stage),
    ("P-59", secrets::of_environment),
];

/// Everything that the watched rules find wrong.
pub fn findings(context: &Context<'_>) -> Vec<Finding> {
    let rules = RULES.iter().filter(|rule| rule.decided == Decided::Runtime);
    let watched = rules.filter_map(|rule| {
        let (_, watcher) = WATCHERS.iter().find(|(id, _)| *id == rule.id)?;
        Some((rule, watcher(context)))
    });
    watched.flat_map(|(rule, found)| found.into_iter().map(|found| shown(rule, found))).collect()
}

/// Adds what the rules found to findings about the same resources. Where the planner found the same thing missing, the
/// rule says better why it is needed, and the graver of the two severities counts.
pub fn merge(findings: &mut Vec<Finding>, watched: Vec<Finding>) {
    for found in watched {
        let same = |other: &&mut Finding| {
            found.subject.is_some() && other.subject == found.subject && other.reason == Reason::NotFound
        };
        match findings.iter_mut().find(same) {
            Some(other) => *other = Finding { severity: other.severity.max(found.severity), ..found },
            None => findings.push(found),
        }
    }
}

fn shown(rule: &Rule, found: Watched) -> Finding {
    let row = rule.variables.first().and_then(|name| VARIABLES.iter().find(|row| row.name == *name));
    Finding {
        reason: found.reason,
        severity: rule.severity.into(),
        slice: row.map_or(Slice::Project, |row| row.slice),
        subject: found.subject.or_else(|| row.map(|row| row.name.to_owned())),
        message: format!("{} [{}]", found.message, rule.id),
        help: found.help,
    }
}

/// P-52: a domain leads elsewhere, or its certificate is not there yet.
fn certificates(context: &Context<'_>) -> Vec<Watched> {
    let address = facts::front_address(context).ok();
    let unready = |domain: &str| {
        let id = certificate::id(context, domain);
        let Readiness::NotYet(wait) = driver::readiness(Kind::Certificate, context.seen.body(&id)?) else {
            return None;
        };
        let target = address.as_deref().unwrap_or("the front door's address, once it has one");
        let help = format!(
            "Set the A record of {domain} to {target}; the certificate is issued by itself after that."
        );
        Some(Watched {
            subject: Some(id.to_string()),
            reason: Reason::WaitingForUser,
            message: wait.why,
            help,
        })
    };
    certificate::domains(context).into_iter().filter_map(unready).collect()
}

/// P-57: the stage that the front door is to serve has nothing that could answer.
fn served_stage(context: &Context<'_>) -> Vec<Watched> {
    let spec = context.spec;
    let served = spec.cloud_deploy_stages.iter().find(|stage| stage.name == spec.gateway_backend_stage);
    let Some(stage) = served.filter(|_| spec.enable_cloud_deploy && context.seen.cluster_reachable) else {
        return Vec::new();
    };
    let of_its_own = || format!("{}-{}", context.names.namespace(spec), stage.name);
    let namespace = stage.namespace.clone().filter(|name| !name.is_empty()).unwrap_or_else(of_its_own);
    let kinds = [kubernetes::Kind::Deployment, kubernetes::Kind::StatefulSet].map(AnyKind::Kubernetes);
    let released =
        kinds.into_iter().any(|kind| context.seen.of_kind(kind).any(|(id, _)| id.namespace() == namespace));
    if released {
        return Vec::new();
    }
    vec![Watched {
        subject: None,
        reason: Reason::NotFound,
        message: format!(
            "no workload of the stage {} was seen (namespace {namespace}), so that nothing of it can be served",
            stage.name
        ),
        help: "Release to the stage first, or name another one in gateway_backend_stage.".into(),
    }]
}

#[cfg(test)]
mod tests;
