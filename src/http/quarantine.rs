//! Poison is acknowledged, counted and kept for somebody to look at: `poison/<sha256>.json` in the state bucket.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::App;
use super::metrics::Counter;
use crate::cloud::{Precondition, WriteError};
use crate::events::{Headers, Poison};

/// Most bytes of a body that are kept.
const KEPT_BYTES: usize = 64 << 10;
/// Most bytes of a header's value that are kept.
const HEADER_BYTES: usize = 256;
/// Headers that tell an envelope from another, besides the attributes of CloudEvents. None of them is a secret.
const HEADERS: [&str; 5] = [
    "content-type",
    "user-agent",
    "x-cloudscheduler",
    "x-cloudscheduler-jobname",
    "x-goog-pubsub-subscription-name",
];

/// Keeps a delivery that no attempt will make sense of. That it cannot be kept is logged and no more: to have it
/// sent again would not make it better.
pub async fn keep(app: &App, route: &str, headers: &Headers, body: &[u8], poison: &Poison) {
    app.metrics.count(Counter::Poison, [poison.flaw.name(), ""]);
    let telling: BTreeMap<&str, &str> = headers
        .iter()
        .filter(|(name, _)| name.starts_with("ce-") || HEADERS.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), shortened(value)))
        .collect();
    let kept = &body[..body.len().min(KEPT_BYTES)];
    let mut hash = Sha256::new();
    hash.update(route);
    telling.iter().for_each(|(name, value)| hash.update(format!("{name}: {value}\n")));
    hash.update(body);
    let name = format!("poison/{}.json", hex::encode(hash.finalize()));
    let document = json!({
        "at": (app.converger.now)().to_string(),
        "route": route,
        "flaw": poison.flaw.name(),
        "why": poison.why,
        "headers": telling,
        "body_base64": STANDARD.encode(kept),
        "body_bytes": body.len(),
        "truncated": kept.len() < body.len(),
    });
    tracing::error!(why = %poison, flaw = poison.flaw.name(), object = name, "poison: acknowledged and put aside");
    let content = document.to_string().into_bytes().into();
    let written =
        app.cloud.objects.write(&app.state_bucket, &name, content, "application/json", Precondition::Absent);
    match written.await {
        // The same poison again.
        Ok(_) | Err(WriteError::Conflict) => {}
        Err(error) => tracing::error!(%error, object = name, "the poison could not be kept"),
    }
}

fn shortened(value: &str) -> &str {
    let end = (0..=HEADER_BYTES.min(value.len())).rev().find(|end| value.is_char_boundary(*end));
    &value[..end.unwrap_or(0)]
}
