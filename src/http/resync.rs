//! Every deployment there is: the specs in the bucket, and the deployments whose spec went without a ring.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::{App, intake};
use crate::converge::Work;
use crate::converge::work::{is_spec, stem};
use crate::error::CloudError;
use crate::state::status::{self, Phase};

/// How many tasks are put into the queue side by side.
const SIDE_BY_SIDE: usize = 16;

/// Puts work on every deployment into the queue.
///
/// # Errors
/// When a bucket or the queue cannot be reached.
pub async fn enqueue_all(app: &App, cause: &str, key: &str) -> Result<&'static str, CloudError> {
    let objects = objects(app).await?;
    tracing::info!(deployments = objects.len(), "resync");
    let queued: Vec<&str> = stream::iter(objects)
        .map(|object| async move { intake::enqueue(app, Work::on(&object, cause), key).await })
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    let all_were_there = !queued.is_empty() && queued.iter().all(|one| *one == "duplicate");
    Ok(if all_were_there { "duplicate" } else { "queued" })
}

async fn objects(app: &App) -> Result<BTreeSet<String>, CloudError> {
    let (specs, statuses) = tokio::try_join!(
        app.cloud.objects.list(&app.spec_bucket, ""),
        app.cloud.objects.list(&app.state_bucket, "status/"),
    )?;
    let mut objects: BTreeSet<String> =
        specs.into_iter().map(|object| object.name).filter(|name| is_spec(name)).collect();
    let alive: BTreeSet<String> = objects.iter().map(|object| stem(object).to_owned()).collect();
    let known =
        statuses.iter().filter_map(|status| status.name.strip_prefix("status/")?.strip_suffix(".json"));
    for deployment in known.filter(|deployment| !alive.contains(*deployment)) {
        let (status, _) = status::read(&app.converger.state, deployment).await?;
        if status.phase != Phase::Withdrawn && is_spec(&status.spec.object) {
            objects.insert(status.spec.object);
        }
    }
    Ok(objects)
}
