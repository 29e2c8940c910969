//! A policy that is shared: what is added to it, what stays, and what is never made weaker.

use super::*;
use crate::resources::Names;
use crate::resources::google::driver;
use crate::resources::google::testing::{note, platform};
use crate::resources::kubernetes::images;
use crate::spec::Spec;
use crate::spec::types::ImagePolicy;

const ATTESTOR: &str = "projects/p-1/attestors/pipeline-attestor";
const POLICY: &str = "projects/p-1/policy";

fn spec() -> Spec {
    Spec {
        project_id: "p-1".into(),
        enable_binary_authorization: true,
        binauthz_evaluation_mode: "REQUIRE_ATTESTATION".into(),
        // Attested under the names that they have at their source.
        enable_image_mirroring: false,
        ..Spec::default()
    }
}

/// A look at a project with this policy, in which these images (all of them without a name) are attested.
fn look(policy: Value, lacks: Option<&str>) -> crate::inventory::Inventory {
    let mut seen = platform();
    note(&mut seen, Kind::AdmissionPolicy, POLICY, policy);
    for reference in images::references(&spec()) {
        let digest = format!("sha256:{}", "a".repeat(64));
        let uri = attest::uri(&format!("{reference}@{digest}")).unwrap();
        let attested = match lacks {
            Some(image) if reference.contains(image) => Err("there is no attestation of it".to_owned()),
            _ => Ok(()),
        };
        seen.attested.insert((uri, ATTESTOR.to_owned()), attested);
        seen.digests.insert(reference, digest);
    }
    seen
}

fn with<T>(seen: &crate::inventory::Inventory, look: impl FnOnce(&Context<'_>) -> T) -> T {
    let spec = spec();
    let names = Names::new("demo", &spec, "0a1b2c3d");
    look(&Context { spec: &spec, names: &names, generation: 7, seen })
}

/// The policy that would be written, if one would be.
fn written(policy: Value, lacks: Option<&str>) -> Option<Value> {
    let seen = look(policy.clone(), lacks);
    let declared = with(&seen, declare).remove(0);
    let Desired::Ready(desired) = declared.desired else { panic!("it waits: {:?}", declared.desired) };
    let changes = driver::compare(Kind::AdmissionPolicy, &desired, &policy);
    if changes.is_empty() {
        return None;
    }
    let call = driver::update(&declared.id, &desired, &policy, &changes, 7).unwrap();
    let Body::Document(body) = call.body else { panic!("no body") };
    Some(body.wire().clone())
}

fn open() -> Value {
    json!({"name": POLICY, "etag": "e-1", "updateTime": "2026-01-01T00:00:00Z",
           "admissionWhitelistPatterns": [{"namePattern": "gke.gcr.io/**"}],
           "defaultAdmissionRule": {"evaluationMode": "ALWAYS_ALLOW", "enforcementMode": BLOCKS},
           OURS: {"other:app": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": BLOCKS}}})
}

#[test]
fn our_accounts_get_a_rule_and_everything_else_stays() {
    let policy = written(open(), None).expect("it is written");
    let rule = json!({"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": BLOCKS,
                      "requireAttestationsBy": [ATTESTOR]});
    let rules = policy[OURS].as_object().unwrap();
    assert_eq!(rules.len(), 5);
    assert!(
        rules.iter().filter(|(name, _)| *name != "other:app").all(|(_, ours)| *ours == rule),
        "{policy:#}"
    );
    for kept in ["etag", "admissionWhitelistPatterns", "defaultAdmissionRule"] {
        assert_eq!(policy[kept], open()[kept]);
    }
    assert_eq!(policy[OURS]["other:app"], open()[OURS]["other:app"]);
    assert_eq!(written(policy, None), None, "and nothing more is to be done");
}

#[test]
fn one_image_without_an_attestation_keeps_the_rules_from_blocking_and_is_named() {
    let policy = written(open(), Some("dify-sandbox")).expect("it is written");
    let ours = policy[OURS].as_object().unwrap().iter().filter(|(name, _)| *name != "other:app");
    assert!(ours.into_iter().all(|(_, rule)| rule["enforcementMode"] == TRIES_OUT), "{policy:#}");
    let told = with(&look(policy.clone(), Some("dify-sandbox")), findings);
    assert!(told.iter().any(|finding| finding.message.contains("langgenius/dify-sandbox:")), "{told:#?}");
    assert_eq!(written(policy.clone(), Some("dify-sandbox")), None);
    assert!(written(policy, None).is_some(), "once it is attested they block");
}

#[test]
fn what_blocks_goes_on_blocking() {
    let blocking = written(open(), None).unwrap();
    assert_eq!(written(blocking.clone(), Some("dify-web")), None);
    assert!(!with(&look(blocking, None), asks), "nobody has to ask any more");
}

#[test]
fn a_default_rule_that_is_stricter_is_not_undercut() {
    let mut strict = open();
    strict["defaultAdmissionRule"] = json!({"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": BLOCKS,
                                            "requireAttestationsBy": ["projects/sec/attestors/all"]});
    let policy = written(strict.clone(), None).unwrap();
    let rule = &policy[OURS]["appdifydemo0a1b2c3d:default"];
    assert_eq!(rule["requireAttestationsBy"], json!([ATTESTOR, "projects/sec/attestors/all"]), "{policy:#}");
    let held = written(strict, Some("dify-web")).unwrap();
    assert_eq!(held[OURS]["appdifydemo0a1b2c3d:default"]["enforcementMode"], BLOCKS, "nor tried out");
}

#[test]
fn rules_of_another_kind_exclude_ours_and_the_user_is_told() {
    let mut other = open();
    other[OURS] = json!({});
    other["clusterAdmissionRules"] = json!({"us-central1.c": other["defaultAdmissionRule"]});
    let declared = with(&look(other, None), declare).remove(0);
    let Desired::Waiting(waits) = declared.desired else { panic!("it is written") };
    assert!(waits[0].why.contains("clusterAdmissionRules"));
}

#[test]
fn nothing_is_declared_where_everything_is_admitted() {
    let seen = look(open(), None);
    let open = Spec {
        binauthz_evaluation_mode: "ALWAYS_ALLOW".into(),
        image_policy: ImagePolicy::default(),
        ..spec()
    };
    let names = Names::new("demo", &open, "0a1b2c3d");
    let context = Context { spec: &open, names: &names, generation: 7, seen: &seen };
    assert!(declare(&context).is_empty() && findings(&context).is_empty());
}
