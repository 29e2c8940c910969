//! Attestations: what has to be vouched for, by whom, and the calls that tell whether it is.
//!
//! An attestation is an occurrence in Container Analysis, of the attestor's note and about one image by its digest. That
//! there is one proves nothing: anybody who may write occurrences can put one there. Whether it was signed with a key
//! that the attestor trusts, Binary Authorization says (`validateAttestationOccurrence`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::google::admission_policy;
use crate::resources::kubernetes::images;
use crate::resources::mirror::{self, Mirror};
use crate::resources::{Context, Document};
use crate::spec::Spec;

use super::standing::repository;
use super::{Digests, Promotions, Record, Sources, follows, promotion, range, release};

/// Whether an image is attested by an attestor, or why not, by the image's address and the attestor's name.
pub type Attested = BTreeMap<(String, String), Result<(), String>>;

/// The attestor that the module makes, when a spec names none.
const MODULE: &str = "pipeline-attestor";
/// Most attestations of one image by one attestor that are looked at, the newest first.
const MOST: usize = 5;

/// Whether a spec wants only some images to be admitted.
pub fn restricts(spec: &Spec) -> bool {
    spec.enable_binary_authorization && spec.binauthz_evaluation_mode != "ALWAYS_ALLOW"
}

/// The attestors that the project's policy is to ask for the deployment's images.
pub fn of_policy(spec: &Spec, project: &str) -> Vec<String> {
    if !restricts(spec) || spec.binauthz_evaluation_mode != "REQUIRE_ATTESTATION" {
        return Vec::new();
    }
    match spec.image_policy.require_attestations.as_deref() {
        Some(named) if !named.is_empty() => {
            named.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
        }
        _ => vec![format!("projects/{project}/attestors/{MODULE}")],
    }
}

/// The attestors that have to have vouched for a release before it is taken.
pub fn of_release(spec: &Spec) -> Vec<String> {
    let taken = follows(spec) || spec.enable_cloud_deploy;
    spec.image_policy.require_attestations.clone().filter(|_| taken).unwrap_or_default()
}

/// Whether a text is the full name of an attestor.
pub fn is_attestor(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
    };
    matches!(name.split('/').collect::<Vec<_>>()[..], ["projects", project, "attestors", id]
        if plain(project) && plain(id))
}

/// An image's address as occurrences have it: `https://HOST/REPOSITORY@DIGEST`. `None` for one without a digest.
pub fn uri(image: &str) -> Option<String> {
    let (_, digest) = image.split_once('@')?;
    let (registry, path) = mirror::in_full(repository(image));
    Some(format!("https://{registry}/{path}@{digest}"))
}

/// An image's address as its pods pull it: from its copy, where images are copied. That is what is asked about when a pod
/// is admitted, so that is what has to be attested.
fn address(context: &Context<'_>, reference: &str, digest: &str) -> Option<String> {
    uri(&placed(context, reference, digest))
}

fn placed(context: &Context<'_>, reference: &str, digest: &str) -> String {
    match Mirror::wanted(context) {
        Some(mirror) => mirror.image(reference, digest),
        None => mirror::named(reference, digest),
    }
}

/// What has to be asked: images by their addresses, each with an attestor.
pub fn wanted(context: &Context<'_>, record: &Record) -> BTreeSet<(String, String)> {
    let mut wanted = BTreeSet::new();
    let mut each = |uris: Vec<String>, attestors: Vec<String>| {
        for attestor in attestors {
            wanted.extend(uris.iter().map(|uri| (uri.clone(), attestor.clone())));
        }
    };
    let candidate = candidate(context, record).unwrap_or_default();
    let uris = candidate.iter().filter_map(|(reference, digest)| address(context, reference, digest));
    each(uris.collect(), of_release(context.spec));
    if admission_policy::asks(context) {
        let known = |reference: &str| {
            let known = mirror::digest(reference, &record.digests)
                .or_else(|| mirror::digest(reference, &context.seen.registry))?;
            address(context, reference, known)
        };
        let uris = images::all(context.spec).iter().filter_map(|reference| known(reference)).collect();
        each(uris, of_policy(context.spec, &context.names.project));
    }
    wanted
}

/// The release that could be taken next, if it is another one than what is decided.
fn candidate(context: &Context<'_>, record: &Record) -> Option<Digests> {
    let Sources { promotions, range, .. } = &context.seen.sources;
    let of = release::references(context.spec);
    let current = release::part(&record.digests, &of)?;
    let found = match (promotions, range) {
        (Some(Ok(Promotions { release: Some(promoted), .. })), _) => {
            promotion::promoted(promoted, &current).0
        }
        (_, Some(Ok(found))) => found.release.clone()?,
        _ if range::of(context.spec).is_none() && follows(context.spec) => {
            release::part(&context.seen.registry, &of)?
        }
        _ => return None,
    };
    (found != current).then_some(found)
}

/// Why an attestor does not vouch for an image.
fn complaint(context: &Context<'_>, attestor: &str, image: &str) -> Option<String> {
    match context.seen.attested.get(&(uri(image).unwrap_or_default(), attestor.to_owned())) {
        Some(Ok(())) => None,
        Some(Err(why)) => Some(format!("{attestor} has not attested {image}: {why}")),
        None => Some(format!("whether {attestor} has attested {image} was not read")),
    }
}

/// Why a release is not attested by everybody who has to.
pub fn unattested(context: &Context<'_>, release: &Digests) -> Option<String> {
    let images: Vec<String> =
        release.iter().map(|(reference, digest)| placed(context, reference, digest)).collect();
    let attestors = of_release(context.spec);
    attestors.iter().find_map(|attestor| images.iter().find_map(|image| complaint(context, attestor, image)))
}

/// What the deployment runs and not everybody has attested, a sentence each.
pub fn lacking(context: &Context<'_>) -> Vec<String> {
    let attestors = of_policy(context.spec, &context.names.project);
    let mut lacking = Vec::new();
    for reference in images::all(context.spec) {
        let Some(digest) = mirror::digest(&reference, &context.seen.digests) else {
            lacking.push(format!("{reference} cannot be attested: its digest is not known yet"));
            continue;
        };
        let image = placed(context, &reference, digest);
        lacking.extend(attestors.iter().filter_map(|attestor| complaint(context, attestor, &image)));
    }
    lacking
}

/// The note that an attestor's attestations belong to.
pub fn note(attestor: &Value) -> Option<&str> {
    let note = attestor.pointer("/userOwnedGrafeasNote/noteReference")?.as_str()?;
    matches!(note.split('/').collect::<Vec<_>>()[..], ["projects", _, "notes", _]).then_some(note)
}

/// Lists the attestations of an image by the note they belong to.
pub fn list(note: &str, uri: &str) -> GoogleRequest {
    let filter = format!("kind=\"ATTESTATION\" AND resourceUrl=\"{uri}\"");
    GoogleRequest {
        method: Method::Get,
        host: "containeranalysis.googleapis.com",
        path: format!("v1/{note}/occurrences"),
        query: vec![("filter", filter), ("pageSize", "100".to_owned())],
        body: Body::Empty,
        method_id: "containeranalysis.projects.notes.occurrences.list",
    }
}

/// The newest attestations of a page that really are what was asked for.
pub fn listed(page: &Value, note: &str, uri: &str) -> Vec<Value> {
    let occurrences = page.get("occurrences").and_then(Value::as_array).into_iter().flatten();
    let text =
        |body: &Value, field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut found: Vec<Value> = occurrences
        .filter(|one| text(one, "noteName") == note && text(one, "resourceUri") == uri)
        .filter(|one| one.get("attestation").is_some_and(Value::is_object))
        .cloned()
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(text(one, "createTime")));
    found.truncate(MOST);
    found
}

/// Asks whether an attestation was signed with a key that the attestor trusts.
pub fn validate(attestor: &str, occurrence: &Value) -> GoogleRequest {
    let field = |name: &str| occurrence.get(name).cloned().unwrap_or_default();
    let body = json!({"attestation": field("attestation"), "occurrenceNote": field("noteName"),
                      "occurrenceResourceUri": field("resourceUri")});
    GoogleRequest {
        method: Method::Post,
        host: "binaryauthorization.googleapis.com",
        path: format!("v1/{attestor}:validateAttestationOccurrence"),
        query: Vec::new(),
        body: Body::Document(Document::new(body)),
        method_id: "binaryauthorization.projects.attestors.validateAttestationOccurrence",
    }
}

/// What an answer to [`validate`] says.
///
/// # Errors
/// Why the attestation does not hold.
pub fn verified(answer: &Value) -> Result<(), String> {
    if answer.get("result").and_then(Value::as_str) == Some("VERIFIED") {
        return Ok(());
    }
    let why = answer.get("denialReason").and_then(Value::as_str).unwrap_or("it could not be verified");
    Err(format!("its attestation does not hold: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_in_full_and_by_its_digest() {
        for (image, expected) in [
            ("postgres:15@sha256:0", "https://docker.io/library/postgres@sha256:0"),
            ("langgenius/dify-api:1@sha256:0", "https://docker.io/langgenius/dify-api@sha256:0"),
            ("eu.gcr.io/p/a@sha256:0", "https://eu.gcr.io/p/a@sha256:0"),
        ] {
            assert_eq!(uri(image).as_deref(), Some(expected));
        }
        assert_eq!(uri("postgres:15"), None, "a tag can be moved after it was attested");
    }

    #[test]
    fn what_was_not_asked_for_is_no_attestation() {
        let one = |note: &str, uri: &str, minute: u8| json!({"noteName": note, "resourceUri": uri, "attestation": {}, "createTime": format!("2026-01-01T00:{minute:02}:00Z")});
        let mut all: Vec<Value> = (0..9).map(|minute| one("projects/p/notes/n", "u", minute)).collect();
        all.extend([one("projects/p/notes/other", "u", 10), one("projects/p/notes/n", "v", 11)]);
        let found = listed(&json!({ "occurrences": all }), "projects/p/notes/n", "u");
        assert_eq!((found.len(), &found[0]["createTime"]), (MOST, &json!("2026-01-01T00:08:00Z")));
    }

    #[test]
    fn an_attestor_is_named_in_full() {
        assert!(is_attestor("projects/p/attestors/pipeline-attestor"));
        for name in [
            "pipeline-attestor",
            "projects/p/attestors/",
            "projects/p/attestors/a/b",
            "projects/p/attestors/a?x",
        ] {
            assert!(!is_attestor(name), "{name}");
        }
    }
}
