//! Every deployment there is: the specs in the bucket, and the deployments whose spec went without a ring.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{App, intake};
use crate::converge::work::{is_spec, stem};
use crate::converge::{Hint, Work};
use crate::error::CloudError;
use crate::handlers::{Concerned, queue};
use crate::state::status::{self, Phase};

/// How many statuses are read, and how many tasks put into the queue, side by side.
const SIDE_BY_SIDE: usize = 16;

/// Puts work on every deployment into the queue.
///
/// # Errors
/// When a bucket or the queue cannot be reached.
pub async fn enqueue_all(app: &App, cause: &str, key: &str) -> Result<&'static str, CloudError> {
    let objects = objects(app).await?;
    tracing::info!(deployments = objects.len(), "resync");
    let spread = queue::spread(objects.into_iter().collect(), key, (app.converger.now)());
    let works = spread.into_iter().map(|(object, at)| (Work::on(&object, cause), at));
    enqueue_each(app, works.collect(), key).await
}

/// Puts work on every deployment into the queue that an event could be about.
///
/// # Errors
/// When a bucket or the queue cannot be reached.
pub async fn enqueue_concerned(app: &App, event: &Concerned, key: &str) -> Result<&'static str, CloudError> {
    let named = |object: &String| event.deployment.as_deref().is_none_or(|name| name == stem(object));
    let objects: Vec<String> = objects(app).await?.into_iter().filter(named).collect();
    let works: Vec<Option<Work>> = stream::iter(objects)
        .map(|object| concerned_work(app, event, object))
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    let works: Vec<_> = works.into_iter().flatten().map(|work| (work, None)).collect();
    if works.is_empty() {
        return Ok("concerns-nobody");
    }
    enqueue_each(app, works, key).await
}

/// Work on a deployment, when the event could be about it.
async fn concerned_work(app: &App, event: &Concerned, object: String) -> Result<Option<Work>, CloudError> {
    Ok(is_concerned(app, event, stem(&object)).await?.then(|| event.work(&object)))
}

async fn is_concerned(app: &App, event: &Concerned, deployment: &str) -> Result<bool, CloudError> {
    if !matches!(event.hint, Hint::Rotation { .. } | Hint::Secret { .. } | Hint::Resource { .. }) {
        return Ok(true);
    }
    let (status, _) = status::read(&app.converger.state, deployment).await?;
    let concerned = event.hint.concerns(status.inventory.keys().map(String::as_str));
    Ok(concerned && !event.hint.is_own(&status.own_rings))
}

async fn enqueue_each(
    app: &App,
    works: Vec<(Work, Option<Timestamp>)>,
    key: &str,
) -> Result<&'static str, CloudError> {
    let queued: Vec<&str> = stream::iter(works)
        .map(|(work, at)| intake::enqueue(app, work, key, at))
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
    let gone: Vec<String> =
        known.filter(|deployment| !alive.contains(*deployment)).map(str::to_owned).collect();
    let left: Vec<Option<String>> = stream::iter(gone)
        .map(|deployment| left_behind(app, deployment))
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    objects.extend(left.into_iter().flatten());
    Ok(objects)
}

/// The spec object of a deployment that has none any more, unless nothing is left to be done about it.
async fn left_behind(app: &App, deployment: String) -> Result<Option<String>, CloudError> {
    let (status, _) = status::read(&app.converger.state, &deployment).await?;
    let open = status.phase != Phase::Withdrawn && is_spec(&status.spec.object);
    Ok(open.then_some(status.spec.object))
}
