//! Attestations are read: which images somebody has vouched for, and whether that holds.

use futures::future::join_all;
use serde_json::Value;

use crate::cloud::Cloud;
use crate::images::attest;
use crate::inventory::Inventory;
use crate::resources::google::attestor;

use super::Scene;

/// Looks at the attestations that something depends on. What was not asked counts as not attested.
pub async fn look(cloud: &Cloud, scene: &Scene, seen: &mut Inventory) {
    let wanted = attest::wanted(&scene.context(seen), &scene.images.record);
    let checks = join_all(wanted.into_iter().map(|(uri, name)| {
        let body = seen.body(&attestor::id(&name));
        async move {
            let outcome = check(cloud, &name, body, &uri).await;
            ((uri, name), outcome)
        }
    }));
    seen.attested = checks.await.into_iter().collect();
}

/// Whether an attestor has attested an image; at most one list and a few questions.
async fn check(cloud: &Cloud, name: &str, attestor: Option<&Value>, uri: &str) -> Result<(), String> {
    let attestor = attestor.ok_or("there is no such attestor, or it cannot be read")?;
    let note = attest::note(attestor).ok_or("it has no note of its own")?;
    let page = cloud.google.call(&attest::list(note, uri)).await.map_err(|error| error.to_string())?;
    let mut outcome = Err("there is no attestation of it".to_owned());
    for occurrence in attest::listed(&page, note, uri) {
        outcome = match cloud.google.call(&attest::validate(name, &occurrence)).await {
            Ok(answer) => attest::verified(&answer),
            Err(error) => Err(error.to_string()),
        };
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}
