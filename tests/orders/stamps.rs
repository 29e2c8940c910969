//! The generation that everything is stamped with: it never goes back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::harness::Stage;

const GOOGLE: &str = "dify-reconciler-generation";
const KUBERNETES: &str = "dify-reconciler/generation";

/// Looks at every change of both clouds.
pub struct Stamps {
    seen: Arc<AtomicU64>,
    broken: Arc<Mutex<Vec<String>>>,
    version: u64,
}

impl Stamps {
    /// Looks from now on.
    pub fn watch(stage: &Stage) -> Self {
        let stamps =
            Self { seen: Arc::default(), broken: Arc::default(), version: stage.kubernetes.version() };
        let (seen, broken) = (stamps.seen.clone(), stamps.broken.clone());
        stage.google.watch(move |key, before, after| compare(&seen, &broken, key, before, after));
        stamps
    }

    /// Fails when a stamp went back; answers how many were written so far.
    pub fn check(&mut self, stage: &Stage, what: &str) -> u64 {
        let version = stage.kubernetes.version();
        for (before, after) in stage.kubernetes.changes_after(self.version).expect("the changes are known") {
            let name = after["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            compare(&self.seen, &self.broken, &name, before.as_ref(), &after);
        }
        self.version = version;
        let broken = self.broken.lock().expect("a list");
        assert!(broken.is_empty(), "{what}: {broken:#?}");
        self.seen.load(Ordering::Relaxed)
    }
}

fn compare(seen: &AtomicU64, broken: &Mutex<Vec<String>>, key: &str, before: Option<&Value>, after: &Value) {
    let (before, after) = (before.and_then(stamp), stamp(after));
    if after.is_some() && before != after {
        seen.fetch_add(1, Ordering::Relaxed);
    }
    if before.is_some() && after < before {
        broken.lock().expect("a list").push(format!("{key}: {after:?} over {before:?}"));
    }
}

/// The stamp of a document, wherever its kind has it.
fn stamp(document: &Value) -> Option<i64> {
    let labels =
        ["/labels", "/settings/userLabels"].map(|place| document.pointer(place)?.get(GOOGLE)?.as_str());
    let annotation = document.pointer("/metadata/annotations").and_then(|all| all.get(KUBERNETES)?.as_str());
    labels.into_iter().flatten().chain(annotation).next()?.parse().ok()
}
