//! The project's policy of Binary Authorization, as far as it is ours: a rule for each Kubernetes account that pods of
//! the deployment run as, and nothing else of it.
//!
//! Identity: `projects/<p>/policy`, of which every project has exactly one, shared by all clusters and deployments.
//! Desired: our rules, by `namespace:account`. The default rule, the allow-list and everybody else's rules stay as they
//! were seen, and the call carries the policy's etag, so that a change of somebody else's is never lost. A rule is never
//! made weaker than it is, nor than the default rule that would count without it. Only one of the policy's maps of
//! rules may have entries; when another one has, ours cannot be written. A rule blocks only when every image of the
//! deployment is attested, and until then is tried out: what it would block is logged (Binary Authorization v1).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::condition::{Finding, Reason, Severity};
use crate::images::attest;
use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::kubernetes::account;
use crate::resources::{Context, Declared, Desired, Document, ResourceId, Wait, WaitKind, facts};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Revision, Update};
use super::{Kind, attestor, declared, text};

/// Binary Authorization v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "binaryauthorization.googleapis.com",
    get: "binaryauthorization.projects.getPolicy",
    create: Create::Custom(create),
    update: Update::Custom(update),
    ..READ_ONLY
};

const PUT: &str = "binaryauthorization.projects.updatePolicy";
/// The map that our rules are in.
const OURS: &str = "kubernetesServiceAccountAdmissionRules";
/// The other maps; one of them with entries excludes ours.
const OTHERS: [&str; 3] =
    ["clusterAdmissionRules", "kubernetesNamespaceAdmissionRules", "istioServiceIdentityAdmissionRules"];
const BLOCKS: &str = "ENFORCED_BLOCK_AND_AUDIT_LOG";
const TRIES_OUT: &str = "DRYRUN_AUDIT_LOG_ONLY";
/// What a cluster has to say for the policy to count on it.
const ENFORCING: &str = "PROJECT_SINGLETON_POLICY_ENFORCE";

/// The policy's address.
pub fn id(context: &Context<'_>) -> ResourceId {
    ResourceId::google(Kind::AdmissionPolicy, format!("projects/{}/policy", context.names.project))
}

/// Our rules; none when everything is admitted.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    if !attest::restricts(context.spec) {
        return Vec::new();
    }
    let id = id(context);
    let desired = match context.seen.body(&id) {
        None => Desired::Waiting(vec![Wait::dependency("the project's policy was not read yet")]),
        Some(policy) => match excluded(policy) {
            Some(other) => Desired::Waiting(vec![Wait::new(WaitKind::User, excludes(other))]),
            None => Desired::Ready(Document::new(json!({ OURS: rules(context, policy) }))),
        },
    };
    let attestors = attest::of_policy(context.spec, &context.names.project);
    let needs = attestors.iter().map(|name| attestor::id(name)).collect();
    vec![declared(context, id, Slice::Images, desired, needs)]
}

/// Whether it has to be known which images are attested: not as long as nothing restricts, and not any more when all
/// our rules block already.
pub fn asks(context: &Context<'_>) -> bool {
    let blocks = |policy: &Value| {
        accounts(context).iter().all(|account| {
            let rule = policy.get(OURS).and_then(|rules| rules.get(account));
            rule.is_some_and(|rule| covers(rule, &wanted(context, true)))
        })
    };
    attest::restricts(context.spec)
        && context.spec.binauthz_evaluation_mode == "REQUIRE_ATTESTATION"
        && !context.seen.body(&id(context)).is_some_and(blocks)
}

/// The accounts that the deployment's pods run as, `namespace:account`. What needs nothing of Google has no account of
/// its own.
fn accounts(context: &Context<'_>) -> BTreeSet<String> {
    let (names, namespace) = (context.names, context.names.namespace(context.spec));
    [account::workload(names), account::plugin_daemon(names), account::backup(names), "default".to_owned()]
        .iter()
        .map(|account| format!("{namespace}:{account}"))
        .collect()
}

/// What each of our accounts should have, given what it has.
fn rules(context: &Context<'_>, policy: &Value) -> Value {
    let wanted = wanted(context, is_safe(context));
    let default = policy.get("defaultAdmissionRule");
    let rule = |account: &String| {
        let own = policy.get(OURS).and_then(|rules| rules.get(account));
        let rule = match own.or(default) {
            // What is as strict stays, and what blocks is not made to try out.
            Some(now) if covers(now, &wanted) || (blocks(now) && !blocks(&wanted)) => now.clone(),
            Some(now) => joined(now, &wanted),
            None => wanted.clone(),
        };
        (account.clone(), rule)
    };
    accounts(context).iter().map(rule).collect::<serde_json::Map<_, _>>().into()
}

fn wanted(context: &Context<'_>, blocking: bool) -> Value {
    let mode = context.spec.binauthz_evaluation_mode.as_str();
    let mut rule =
        json!({"evaluationMode": mode, "enforcementMode": if blocking { BLOCKS } else { TRIES_OUT }});
    if mode == "REQUIRE_ATTESTATION" {
        rule["requireAttestationsBy"] = attest::of_policy(context.spec, &context.names.project).into();
    }
    rule
}

/// Whether blocking keeps the deployment running: all that it runs is attested. Nothing is under ALWAYS_DENY.
fn is_safe(context: &Context<'_>) -> bool {
    context.spec.binauthz_evaluation_mode == "REQUIRE_ATTESTATION" && attest::lacking(context).is_empty()
}

/// How much a rule restricts.
fn strictness(rule: &Value) -> u8 {
    match text(rule, "/evaluationMode") {
        "ALWAYS_DENY" => 2,
        "REQUIRE_ATTESTATION" => 1,
        _ => 0,
    }
}

fn blocks(rule: &Value) -> bool {
    strictness(rule) > 0 && text(rule, "/enforcementMode") == BLOCKS
}

fn attestors(rule: &Value) -> BTreeSet<&str> {
    let listed = rule.get("requireAttestationsBy").and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).collect()
}

/// Whether a rule restricts everything that another one does.
fn covers(rule: &Value, other: &Value) -> bool {
    let who = strictness(rule) == 2 || attestors(rule).is_superset(&attestors(other));
    strictness(rule) >= strictness(other) && (blocks(rule) || !blocks(other)) && who
}

/// A rule that restricts what both do.
fn joined(now: &Value, wanted: &Value) -> Value {
    let stricter = if strictness(now) > strictness(wanted) { now } else { wanted };
    let blocking = blocks(now) || blocks(wanted);
    let mut rule = json!({"evaluationMode": text(stricter, "/evaluationMode"),
                          "enforcementMode": if blocking { BLOCKS } else { TRIES_OUT }});
    if strictness(stricter) == 1 {
        let both: BTreeSet<&str> = attestors(now).union(&attestors(wanted)).copied().collect();
        rule["requireAttestationsBy"] = json!(both);
    }
    rule
}

fn excluded(policy: &Value) -> Option<&'static str> {
    let filled =
        |map: &&str| policy.get(*map).and_then(Value::as_object).is_some_and(|rules| !rules.is_empty());
    OTHERS.into_iter().find(filled)
}

fn excludes(other: &str) -> String {
    format!(
        "the project's policy has {other}, and Binary Authorization takes only one kind of rules: move them to \
         {OURS}, or turn `enable_binary_authorization` off"
    )
}

fn create(id: &ResourceId, desired: &Document) -> GoogleRequest {
    // Every project has a policy, so that this is never asked for; an etag that fits none keeps it from replacing one.
    let mut policy = desired.wire().clone();
    policy["defaultAdmissionRule"] = json!({"evaluationMode": "ALWAYS_ALLOW", "enforcementMode": BLOCKS});
    policy["etag"] = "none".into();
    put(id, policy)
}

fn update(revision: &Revision<'_>) -> Result<GoogleRequest, String> {
    if text(revision.seen, "/etag").is_empty() {
        return Err("the policy was read without an etag, so that a change could not be tied to it".into());
    }
    let mut policy = revision.seen.clone();
    let rules = revision.desired.wire().get(OURS).and_then(Value::as_object);
    for (account, rule) in rules.into_iter().flatten() {
        policy[OURS][account] = rule.clone();
    }
    if let Some(fields) = policy.as_object_mut() {
        // The server's own, which it does not take.
        ["name", "updateTime"].into_iter().for_each(|field| drop(fields.remove(field)));
    }
    Ok(put(revision.id, policy))
}

fn put(id: &ResourceId, policy: Value) -> GoogleRequest {
    let mut call = DESCRIPTOR.call(Method::Put, DESCRIPTOR.path(&id.name, ""), PUT);
    call.body = Body::Document(Document::new(policy));
    call
}

/// What the user should know of it: which image keeps the rules from blocking, what is stricter than asked for, and
/// whether the cluster asks the policy at all.
pub fn findings(context: &Context<'_>) -> Vec<Finding> {
    let Some(policy) = context.seen.body(&id(context)).filter(|_| attest::restricts(context.spec)) else {
        return Vec::new();
    };
    let finding = |message: String, help: &str| Finding {
        reason: Reason::WaitingForUser,
        severity: Severity::Warning,
        slice: Slice::Images,
        subject: Some(id(context).to_string()),
        message,
        help: help.to_owned(),
    };
    let mut found = Vec::new();
    let mode = context.spec.binauthz_evaluation_mode.as_str();
    if mode == "ALWAYS_DENY" {
        let message =
            "ALWAYS_DENY admits no pod of the deployment: the rules are tried out and block nothing".into();
        found.push(finding(
            message,
            "Write REQUIRE_ATTESTATION, or enable_binary_authorization: false. [P-24]",
        ));
    } else if asks(context) {
        let help = "Attest it, or run one that is attested; until then the rules only log what they would block. [P-24]";
        found.extend(attest::lacking(context).into_iter().map(|why| finding(why, help)));
    }
    let rules = rules(context, policy);
    let stricter = |rule: &Value| *rule != wanted(context, true) && covers(rule, &wanted(context, true));
    if rules.as_object().is_some_and(|rules| rules.values().any(stricter)) {
        let message = "the project's policy is stricter than the spec, and is not made weaker".into();
        found.push(Finding { severity: Severity::Info, ..finding(message, "") });
    }
    let cluster = facts::cluster(context).ok().map(|cluster| cluster.id);
    if let Some(body) = cluster.as_ref().and_then(|cluster| context.seen.body(cluster))
        && text(body, "/binaryAuthorization/evaluationMode") != ENFORCING
    {
        let message = format!(
            "cluster {} does not ask the project's policy: nothing is blocked on it",
            text(body, "/name")
        );
        let help = "gcloud container clusters update CLUSTER --binauthz-evaluation-mode=PROJECT_SINGLETON_POLICY_ENFORCE";
        found.push(finding(message, help));
    }
    found
}

#[cfg(test)]
mod tests;
