//! Images that somebody has to vouch for: before a release is taken, and before a pod is admitted.

use dify_reconciler::converge::{Outcome, Work};
use dify_reconciler::images::attest;
use dify_reconciler::state::images;
use serde_json::Value;

use crate::harness::{MINIMAL, Pace, Stage};

const API: &str = "langgenius/dify-api";
const ATTESTOR: &str = "projects/demo-project/attestors/pipeline-attestor";
const KEY: &str = "//cloudkms.googleapis.com/v1/the-builds-own";
const RULES: &str = "kubernetesServiceAccountAdmissionRules";

async fn running(more: &str) -> (Stage, Work) {
    let stage = Stage::instant().await;
    stage.google.seed_attestor(ATTESTOR, KEY);
    let work = stage.converged(&format!("{MINIMAL}deployment_id: att00001\n{more}")).await;
    (stage.copy_at(Pace::Real), work)
}

/// Somebody attests everything that the deployment runs, but for images whose name has this in it.
async fn attest_all(stage: &Stage, but: &str) {
    let kept = images::read(&stage.converger.state, "prod").await.expect("the record can be read");
    for (reference, digest) in kept.record.digests.iter().filter(|(reference, _)| !reference.contains(but)) {
        stage.google.attest(ATTESTOR, &uri(stage, reference, digest), KEY);
    }
}

/// The address of an image's copy, from which the pods pull it.
fn uri(stage: &Stage, reference: &str, digest: &str) -> String {
    let copy = stage.image("Deployment", "");
    let (repository, _) = copy.split_once("/docker.io/").expect("a copy");
    let source = attest::uri(&format!("{reference}@{digest}")).expect("a digest");
    source.replace("https://", &format!("https://{repository}/"))
}

/// Our rules in the project's policy.
fn rules(stage: &Stage) -> Vec<Value> {
    let policy = stage.google.get("binaryauthorization/projects/demo-project/policy").unwrap_or_default();
    let rules = policy[RULES].as_object().cloned().unwrap_or_default();
    rules.into_iter().filter(|(account, _)| account.starts_with("app")).map(|(_, rule)| rule).collect()
}

fn all_are(rules: &[Value], enforcement: &str) -> bool {
    rules.len() == 4 && rules.iter().all(|rule| rule["enforcementMode"] == enforcement)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_taken_when_its_attestation_holds_and_not_before() {
    let policy = format!("image_policy: {{mode: follow, require_attestations: [{ATTESTOR}]}}\n");
    let (stage, work) = running(&policy).await;
    let before = stage.image("Deployment", "");
    let pushed = stage.google.push_image(API, "1.17.1", "another");
    let waits = |status: dify_reconciler::state::status::Status, what: &str| {
        status.plan.waiting.iter().flat_map(|waiting| &waiting.on).any(|why| why.contains(what))
    };
    assert!(matches!(stage.until_quiet(&work).await, Outcome::Pending(_)));
    assert!(waits(stage.status(&work).await, "there is no attestation of it"));

    let uri = uri(&stage, API, &pushed);
    stage.google.attest(ATTESTOR, &uri, "somebody-elses-key");
    assert!(matches!(stage.until_quiet(&work).await, Outcome::Pending(_)));
    assert!(waits(stage.status(&work).await, "its attestation does not hold"));
    assert_eq!(stage.image("Deployment", ""), before);

    stage.google.attest(ATTESTOR, &uri, KEY);
    assert!(matches!(stage.until_quiet(&work).await, Outcome::Pending(_)));
    assert!(waits(stage.status(&work).await, "dify-web"), "the web image is of the release, too");
    attest_all(&stage, "dify-api").await;
    assert_eq!(stage.until_quiet(&work).await, Outcome::Converged, "{:#?}", stage.status(&work).await.plan);
    assert!(stage.image("Deployment", "-worker").ends_with(&pushed));
    assert_eq!(stage.google.unimplemented(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_tried_out_until_every_image_is_attested_and_nobody_elses_change() {
    let strict = "enable_binary_authorization: true\nbinauthz_evaluation_mode: REQUIRE_ATTESTATION\n\
                  acknowledge: [binauthz_evaluation_mode]\n";
    let (stage, work) = running(strict).await;
    assert!(all_are(&rules(&stage), "DRYRUN_AUDIT_LOG_ONLY"), "{:#?}", rules(&stage));
    attest_all(&stage, "dify-sandbox").await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    let findings = stage.status(&work).await.findings;
    let lacking: Vec<&str> = findings
        .iter()
        .map(|finding| finding.message.as_str())
        .filter(|message| message.contains("has not attested"))
        .collect();
    assert!(matches!(lacking[..], [one] if one.contains("dify-sandbox")), "{findings:#?}");

    // Somebody else writes a rule of their own.
    let path = "binaryauthorization/projects/demo-project/policy";
    let mut policy = stage.google.get(path).expect("a policy");
    let theirs = serde_json::json!({"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"});
    policy[RULES]["other:app"] = theirs.clone();
    stage.google.put(path, policy);
    attest_all(&stage, "nothing at all").await;
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert!(all_are(&rules(&stage), "ENFORCED_BLOCK_AND_AUDIT_LOG"), "{:#?}", rules(&stage));
    assert_eq!(stage.google.get(path).expect("a policy")[RULES]["other:app"], theirs);
    let findings = stage.status(&work).await.findings;
    assert!(findings.iter().any(|finding| finding.message.contains("does not ask the project's policy")));

    let mark = stage.mark();
    assert_eq!(stage.settle(&work).await, Outcome::Converged);
    assert_eq!(stage.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestor_that_is_not_there_is_named() {
    let stage = Stage::new().await;
    let text = "enable_binary_authorization: true\nbinauthz_evaluation_mode: REQUIRE_ATTESTATION\n\
                acknowledge: [binauthz_evaluation_mode]\n";
    let work = stage.save("prod.yaml", &format!("{MINIMAL}{text}")).await;
    assert_eq!(stage.settle(&work).await, Outcome::Stalled);
    let findings = stage.status(&work).await.findings;
    let subject = format!("Attestor {ATTESTOR}");
    assert!(findings.iter().any(|finding| finding.subject.as_deref() == Some(&subject)), "{findings:#?}");
    assert!(stage.object("Deployment", "").is_some(), "everything else is made");
}
