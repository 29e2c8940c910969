//! The project's policy and what is attested.

use serde_json::json;

use super::*;

const ATTESTOR: &str = "projects/p/attestors/built";

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_replaced_by_who_has_read_it_and_knows_its_attestors() {
    let world = world();
    world.server.enable_apis(&["binaryauthorization.googleapis.com", "containeranalysis.googleapis.com"]);
    let path = "binaryauthorization.googleapis.com/v1/projects/p/policy";
    let mut policy = world.get(path).await;
    assert_eq!(policy["defaultAdmissionRule"]["evaluationMode"], "ALWAYS_ALLOW");
    let rule = json!({"evaluationMode": "REQUIRE_ATTESTATION", "requireAttestationsBy": [ATTESTOR],
                      "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY"});
    policy["kubernetesServiceAccountAdmissionRules"] = json!({ "ns:default": rule });
    assert_eq!(world.call("PUT", path, Some(policy.clone())).await.0, 400, "there is no such attestor");
    world.server.seed_attestor(ATTESTOR, "key-1");
    let (status, written) = world.call("PUT", path, Some(policy.clone())).await;
    assert_eq!(status, 200, "{written:#}");
    assert_eq!(world.call("PUT", path, Some(policy.clone())).await.0, 409, "it was changed meanwhile");
    let mut two = written;
    two["clusterAdmissionRules"] = json!({"us-central1.c": two["defaultAdmissionRule"]});
    assert_eq!(world.call("PUT", path, Some(two)).await.0, 400, "only one kind of rules");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_is_found_by_its_image_and_holds_under_the_attestors_key_only() {
    let world = world();
    world.server.enable_apis(&["binaryauthorization.googleapis.com", "containeranalysis.googleapis.com"]);
    world.server.seed_attestor(ATTESTOR, "key-1");
    world.server.attest(ATTESTOR, "https://h/a@sha256:0", "key-1");
    world.server.attest(ATTESTOR, "https://h/a@sha256:1", "stolen");
    let list = "containeranalysis.googleapis.com/v1/projects/p/notes/built/occurrences";
    for (digest, result) in [("sha256:0", "VERIFIED"), ("sha256:1", "ATTESTATION_NOT_VERIFIABLE")] {
        let filter =
            format!("kind%3D%22ATTESTATION%22%20AND%20resourceUrl%3D%22https%3A%2F%2Fh%2Fa%40{digest}%22");
        let found = world.get(&format!("{list}?filter={filter}")).await["occurrences"].clone();
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{found:#}");
        let body = json!({"attestation": found[0]["attestation"], "occurrenceNote": found[0]["noteName"],
                          "occurrenceResourceUri": found[0]["resourceUri"]});
        let path = format!("binaryauthorization.googleapis.com/v1/{ATTESTOR}:validateAttestationOccurrence");
        assert_eq!(world.post(&path, body).await["result"], result);
    }
}
