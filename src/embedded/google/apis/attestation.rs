//! Binary Authorization v1 and Container Analysis v1, as far as attestations go: the project's policy, attestors, notes
//! and occurrences.
//!
//! Signatures are not computed: one counts as good when it is the SHA-256 of its key's id and the payload
//! ([`signature`]), names a key of the attestor's, and the payload is about the image's digest.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{set, stable_number, text};
use crate::embedded::google::{crud, list};

/// Binary Authorization's name.
pub const POLICY: &str = "binaryauthorization";
/// Container Analysis's name.
pub const ANALYSIS: &str = "containeranalysis";

/// The maps of rules; only one of them may have entries.
const MAPS: [&str; 4] = [
    "clusterAdmissionRules",
    "kubernetesNamespaceAdmissionRules",
    "kubernetesServiceAccountAdmissionRules",
    "istioServiceIdentityAdmissionRules",
];

/// Answers a call to Binary Authorization, or nothing for a path that it does not have.
pub fn binary_authorization(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let ["v1", "projects", project, ref rest @ ..] = path[..] else { return None };
    let attestors = format!("projects/{project}/attestors");
    let result = match (call.method.as_str(), rest) {
        ("GET", ["policy"]) => Ok(policy(cx, project)),
        ("PUT", ["policy"]) => put_policy(cx, project),
        ("GET", ["attestors"]) => crud::list(cx, POLICY, &attestors, "attestors"),
        ("POST", ["attestors"]) => create_attestor(cx, &attestors),
        ("GET", ["attestors", id]) => crud::fetch(cx, POLICY, &format!("{attestors}/{id}")),
        ("DELETE", ["attestors", id]) => {
            crud::remove(cx, POLICY, &format!("{attestors}/{id}")).map(|_| json!({}))
        }
        ("POST", ["attestors", id, ":validateAttestationOccurrence"]) => {
            validate(cx, &format!("{attestors}/{id}"))
        }
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

/// Every project has a policy; one that nobody has written admits everything.
fn policy(cx: &Cx, project: &str) -> Value {
    let name = format!("projects/{project}/policy");
    cx.world.get(&format!("{POLICY}/{name}")).cloned().unwrap_or_else(|| {
        json!({"name": name, "etag": "\"initial\"", "globalPolicyEvaluationMode": "ENABLE",
               "defaultAdmissionRule": {"evaluationMode": "ALWAYS_ALLOW",
                                        "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}})
    })
}

fn put_policy(cx: &mut Cx, project: &str) -> Result<Value, ApiError> {
    let mut body = cx.call.json()?;
    let now = policy(cx, project);
    let etag = text(&body, "etag");
    if !etag.is_empty() && etag != text(&now, "etag") {
        return Err(ApiError::aborted("The policy was changed since it was read."));
    }
    let filled = |map: &&str| body[*map].as_object().is_some_and(|rules| !rules.is_empty());
    if MAPS.iter().filter(|map| filled(map)).count() > 1 {
        return Err(ApiError::invalid("Only one kind of admission rules can be non-empty."));
    }
    rule(cx, &body["defaultAdmissionRule"])?;
    for map in MAPS {
        for each in body[map].as_object().into_iter().flat_map(|rules| rules.values()) {
            rule(cx, each)?;
        }
    }
    let name = format!("projects/{project}/policy");
    let etag = format!("\"{}\"", cx.world.next_etag());
    set(&mut body, json!({"name": name, "updateTime": cx.stamp(), "etag": etag}));
    cx.world.put(format!("{POLICY}/{name}"), body.clone());
    Ok(body)
}

fn rule(cx: &Cx, rule: &Value) -> Result<(), ApiError> {
    let mode = text(rule, "evaluationMode");
    let known = ["ALWAYS_ALLOW", "REQUIRE_ATTESTATION", "ALWAYS_DENY"].contains(&mode);
    let enforced =
        ["ENFORCED_BLOCK_AND_AUDIT_LOG", "DRYRUN_AUDIT_LOG_ONLY"].contains(&text(rule, "enforcementMode"));
    if !known || !enforced {
        return Err(ApiError::invalid("An admission rule needs an evaluation mode and an enforcement mode."));
    }
    let attestors = rule["requireAttestationsBy"].as_array().cloned().unwrap_or_default();
    if (mode == "REQUIRE_ATTESTATION") == attestors.is_empty() {
        return Err(ApiError::invalid("Attestors are named exactly when REQUIRE_ATTESTATION is."));
    }
    match attestors
        .iter()
        .filter_map(Value::as_str)
        .find(|name| cx.world.get(&format!("{POLICY}/{name}")).is_none())
    {
        Some(missing) => Err(ApiError::invalid(format!("Attestor {missing} does not exist."))),
        None => Ok(()),
    }
}

fn create_attestor(cx: &mut Cx, collection: &str) -> Result<Value, ApiError> {
    let id = cx.call.required("attestorId")?.to_owned();
    let body = cx.call.json()?;
    let note = text(&body["userOwnedGrafeasNote"], "noteReference").to_owned();
    if cx.world.get(&format!("{ANALYSIS}/{note}")).is_none() {
        return Err(ApiError::invalid(format!("Note {note} does not exist.")));
    }
    crud::create(cx, POLICY, &format!("{collection}/{id}"), body)
}

fn validate(cx: &Cx, name: &str) -> Result<Value, ApiError> {
    let (attestor, body) = (crud::fetch(cx, POLICY, name)?, cx.call.json()?);
    let denied = |why: &str| Ok(json!({"result": "ATTESTATION_NOT_VERIFIABLE", "denialReason": why}));
    let note = &attestor["userOwnedGrafeasNote"];
    if text(&body, "occurrenceNote") != text(note, "noteReference") {
        return denied("The occurrence is of another note than the attestor's.");
    }
    let payload = text(&body["attestation"], "serializedPayload");
    let about =
        BASE64_STANDARD.decode(payload).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    let digest = text(&body, "occurrenceResourceUri").split_once('@').map_or("", |(_, digest)| digest);
    let about_it = about.as_ref().and_then(|about| about.pointer("/critical/image/docker-manifest-digest"));
    if about_it.and_then(Value::as_str) != Some(digest) {
        return denied("The payload is about another image.");
    }
    let keys = note["publicKeys"].as_array().into_iter().flatten();
    let known: Vec<&str> = keys.map(|key| text(key, "id")).collect();
    let mut signatures = body["attestation"]["signatures"].as_array().into_iter().flatten();
    let good = signatures.any(|one| {
        let key = text(one, "publicKeyId");
        known.contains(&key) && text(one, "signature") == signature(key, payload)
    });
    if good {
        Ok(json!({"result": "VERIFIED"}))
    } else {
        denied("No signature was made with a key of the attestor's.")
    }
}

/// What stands for a signature here.
pub fn signature(key: &str, payload: &str) -> String {
    BASE64_STANDARD.encode(Sha256::digest(format!("{key}\n{payload}")))
}

/// An attestation of an image (`https://HOST/REPOSITORY@DIGEST`), signed with a key.
pub fn attestation(uri: &str, key: &str) -> Value {
    let (name, digest) = uri.split_once('@').unwrap_or((uri, ""));
    let payload = json!({"critical": {"identity": {"docker-reference": name.trim_start_matches("https://")},
                                      "image": {"docker-manifest-digest": digest},
                                      "type": "Google cloud binauthz container signature"}});
    let payload = BASE64_STANDARD.encode(payload.to_string());
    let signature = signature(key, &payload);
    json!({"serializedPayload": payload, "signatures": [{"publicKeyId": key, "signature": signature}]})
}

/// Answers a call to Container Analysis, or nothing for a path that it does not have.
pub fn container_analysis(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let ["v1", "projects", project, ref rest @ ..] = path[..] else { return None };
    let collection = |kind: &str| format!("projects/{project}/{kind}");
    let result = match (call.method.as_str(), rest) {
        ("POST", ["notes"]) => cx.call.required("noteId").map(str::to_owned).and_then(|id| {
            let body = cx.call.json()?;
            crud::create(cx, ANALYSIS, &format!("{}/{id}", collection("notes")), body)
        }),
        ("GET", ["notes", id]) => crud::fetch(cx, ANALYSIS, &format!("{}/{id}", collection("notes"))),
        ("GET", ["notes", id, "occurrences"]) => of_note(cx, &format!("{}/{id}", collection("notes"))),
        ("POST", ["occurrences"]) => cx.call.json().and_then(|body| occur(cx, project, body)),
        ("GET", ["occurrences"]) => {
            let all = crud::all(cx, ANALYSIS, &collection("occurrences"));
            found(cx, all)
        }
        ("GET", ["occurrences", id]) => {
            crud::fetch(cx, ANALYSIS, &format!("{}/{id}", collection("occurrences")))
        }
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

/// The occurrences of a note, in whichever project they are.
fn of_note(cx: &Cx, note: &str) -> Result<Value, ApiError> {
    crud::fetch(cx, ANALYSIS, note)?;
    let all = cx.world.below(&format!("{ANALYSIS}/projects/"));
    let of_note = all.filter(|(key, one)| key.contains("/occurrences/") && text(one, "noteName") == note);
    found(cx, of_note.map(|(_, one)| one.clone()).collect())
}

/// A page of occurrences. The filter knows the image as `resourceUrl`, the occurrence as `resourceUri`.
fn found(cx: &Cx, mut all: Vec<Value>) -> Result<Value, ApiError> {
    for one in &mut all {
        one["resourceUrl"] = one["resourceUri"].clone();
    }
    let mut page = list::page(cx.call, "occurrences", all)?;
    for one in page["occurrences"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        one.remove("resourceUrl");
    }
    Ok(page)
}

/// Makes an occurrence. Errors: its note is not there, or it is about nothing.
pub fn occur(cx: &mut Cx, project: &str, body: Value) -> Result<Value, ApiError> {
    let note = text(&body, "noteName").to_owned();
    crud::fetch(cx, ANALYSIS, &note)?;
    if text(&body, "resourceUri").is_empty() || !body["attestation"].is_object() {
        return Err(ApiError::invalid("An attestation has a resourceUri and an attestation."));
    }
    let mut body = body;
    body["kind"] = json!("ATTESTATION");
    let id = stable_number(&format!("occurrence{}", cx.world.next_number()));
    crud::create(cx, ANALYSIS, &format!("projects/{project}/occurrences/{id}"), body)
}
