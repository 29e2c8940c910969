//! What the user is told about images.

use sha2::{Digest, Sha256};

use crate::condition::{Finding, Reason, Severity};
use crate::slice::Slice;
use crate::state::status::ApprovalWanted;

use super::record::Failed;
use super::{Digests, release};

/// A release was given up, and the last healthy one runs. A warning: what should run does.
pub fn went_back(failed: &Failed, current: &Digests) -> Finding {
    let (given_up, kept) =
        (release::shown(&failed.release, current), release::shown(current, &failed.release));
    Finding {
        reason: Reason::RolloutFailed,
        severity: Severity::Warning,
        slice: Slice::Images,
        subject: Some(given_up.join(", ")),
        message: format!(
            "it was rolled out, did not get healthy and was taken back at {}; {} runs again: {}",
            failed.at,
            kept.join(", "),
            failed.reason
        ),
        help: "Push a mended image under the tag: it is tried by itself. This digest is not tried again; to run it \
               all the same, name it by its digest in the spec. A schema that was migrated for it stays migrated."
            .into(),
    }
}

/// What is to be approved: exactly this change of digests of exactly this deployment.
pub fn approval(deployment: &str, wanted: &Digests, current: &Digests) -> ApprovalWanted {
    let mut hash = Sha256::new();
    let mut feed = |text: &str| {
        hash.update(text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    feed(deployment);
    for (reference, digest) in wanted {
        let from = current.get(reference).map(String::as_str).unwrap_or_default();
        [reference.as_str(), from, digest.as_str()].into_iter().for_each(&mut feed);
    }
    let steps = wanted
        .iter()
        .filter(|(reference, digest)| current.get(*reference) != Some(*digest))
        .map(|(reference, digest)| {
            let from = current.get(reference).map_or("nothing", String::as_str);
            format!("~ {reference}: {from} → {digest}")
        })
        .collect();
    ApprovalWanted { hash: hex::encode(hash.finalize()), steps, generation: None }
}
