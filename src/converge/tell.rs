//! Telling others what is new in the status, at the end of each work.

use std::time::Duration;

use jiff::Timestamp;

use crate::cloud::WriteError;
use crate::error::CloudError;
use crate::notify;
use crate::state::{status, told};

use super::{Converger, Outcome, Work};

/// Tells everybody who wants to know what changed since they were told last. That it fails changes nothing about
/// the work: what was not told is told at the next look. A change that may not be told yet makes one come.
pub async fn tell(converger: &Converger, work: &Work, outcome: Outcome) -> Outcome {
    let settled = match &outcome {
        // Whoever has the deployment tells.
        Outcome::Busy(_) => return outcome,
        Outcome::Pending(_) | Outcome::HandedOver => false,
        Outcome::Converged | Outcome::Stalled | Outcome::Refused | Outcome::Withdrawn => true,
    };
    let deployment = &work.deployment;
    match tell_all(converger, deployment).await {
        Ok(Some(until)) if settled => {
            let wait = Duration::try_from(until.duration_since((converger.now)())).unwrap_or_default();
            Outcome::Pending(wait.max(Duration::from_secs(1)))
        }
        Ok(_) => outcome,
        Err(error) => {
            tracing::warn!(deployment, %error, "what is new could not be told; it is tried again at the next look");
            outcome
        }
    }
}

/// Answers when to look again for the sake of what may not be told yet.
async fn tell_all(converger: &Converger, deployment: &str) -> Result<Option<Timestamp>, CloudError> {
    let Converger { cloud, state, .. } = converger;
    let receivers = cloud.notices.receivers();
    if receivers.is_empty() {
        return Ok(None);
    }
    let (status, Some(_)) = status::read(state, deployment).await? else { return Ok(None) };
    let (before, generation) = told::read(state, deployment).await?;
    let (mut after, mut held_until, mut failed) = (before.clone(), None::<Timestamp>, None);
    for receiver in receivers {
        let known = before.get(receiver.name());
        let news = notify::news(known, &status, (converger.now)());
        if let Err((sent, error)) = cloud.notices.send(receiver, &news.notices).await {
            failed = Some(error);
            if sent > 0 {
                let untold = news.notices[sent..].to_vec();
                after.insert(receiver.name().to_owned(), news.told_but(known, &untold));
            }
            continue;
        }
        held_until = [held_until, news.held_until].into_iter().flatten().min();
        after.insert(receiver.name().to_owned(), news.told);
    }
    if after != before {
        match told::write(state, deployment, &after, generation).await {
            // Somebody else told the same, under the same ids.
            Ok(()) | Err(WriteError::Conflict) => {}
            Err(WriteError::Cloud(error)) => return Err(error),
        }
    }
    failed.map_or(Ok(held_until), Err)
}
