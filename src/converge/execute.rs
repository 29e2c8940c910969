//! Carrying out: the steps of a checked plan, side by side, each exactly one call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt, stream};

use crate::cloud::{Cloud, Kubernetes, OperationRef, operation_of};
use crate::condition::Finding;
use crate::error::{CloudError, Disposition, Failure};
use crate::inventory::{Inventory, OperationState};
use crate::plan::{Checked, KubernetesRequest, Request, Step};
use crate::resources::{Kind, ResourceId};

/// Calls under way at once; a Google project's write quotas are per minute and far above.
const SIDE_BY_SIDE: usize = 16;

/// How long to leave a call alone that failed for good: its cause may be mended without an event.
const FAILED_PAUSE: Duration = Duration::from_secs(60);

/// What one work remembers between its rounds: operations it started and calls that failed.
///
/// Losing it loses nothing: an operation is found again by reading its resource, and a failed call fails
/// again.
#[derive(Default)]
pub struct Memory {
    operations: BTreeMap<ResourceId, OperationRef>,
    failures: BTreeMap<ResourceId, Finding>,
    surprised: BTreeSet<ResourceId>,
    /// The cluster's client, as the last look found it.
    pub(super) cluster: Option<Kubernetes>,
    pause: Option<Duration>,
}

impl Memory {
    /// Asks how the started operations stand and notes it for the planner.
    pub async fn refresh(&mut self, cloud: &Cloud, seen: &mut Inventory) {
        let started: Vec<(ResourceId, OperationRef)> =
            self.operations.iter().map(|(id, operation)| (id.clone(), operation.clone())).collect();
        let asked = join_all(started.iter().map(|(_, operation)| cloud.google.operation(operation))).await;
        for ((id, _), state) in started.into_iter().zip(asked) {
            let state = state.unwrap_or(OperationState::Running);
            if state == OperationState::Done {
                self.operations.remove(&id);
            }
            seen.operations.insert(id, state);
        }
    }

    /// Findings about calls that failed for good.
    pub fn findings(&self) -> Vec<Finding> {
        self.failures.values().cloned().collect()
    }

    /// How long to pause before the next round, when the last one ran into something that takes time.
    pub fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// The operations in flight, for the status.
    pub fn operations(&self) -> impl Iterator<Item = (&ResourceId, &OperationRef)> {
        self.operations.iter()
    }
}

/// Takes every step of a checked plan.
pub async fn execute(cloud: &Cloud, plan: Checked, memory: &mut Memory) {
    memory.pause = None;
    let cluster = memory.cluster.clone();
    let steps = plan.into_steps();
    let turns = steps.iter().map(|step| take(cloud, cluster.as_ref(), step));
    let results: Vec<_> = stream::iter(turns.collect::<Vec<_>>()).buffered(SIDE_BY_SIDE).collect().await;
    for (step, result) in steps.into_iter().zip(results) {
        match result {
            Ok(started) => {
                memory.failures.remove(&step.resource);
                memory.operations.extend(started.map(|operation| (step.resource, operation)));
            }
            Err(error) => failed(&step, &error, memory),
        }
    }
}

fn failed(step: &Step, error: &CloudError, memory: &mut Memory) {
    tracing::warn!(%error, resource = %step.resource, "a step failed");
    let mut pause = |for_: Duration| memory.pause = Some(memory.pause.map_or(for_, |pause| pause.max(for_)));
    match error.disposition() {
        // The world is not as it was seen: the next round sees it anew. When that did not help, it is
        // looked at again later instead of at once, for ever.
        Disposition::Again if memory.surprised.insert(step.resource.clone()) => {}
        Disposition::Again => pause(Duration::from_secs(5)),
        Disposition::Retry(after) => pause(after),
        Disposition::Wait(wait) => pause(Duration::from_secs(wait.look_again_secs())),
        Disposition::Terminal => {
            pause(FAILED_PAUSE);
            let finding = super::call_failed(&step.resource, step.slice, error);
            memory.failures.insert(step.resource.clone(), finding);
        }
    }
}

/// One call; answers the operation it started, if it started one.
async fn take(
    cloud: &Cloud,
    cluster: Option<&Kubernetes>,
    step: &Step,
) -> Result<Option<OperationRef>, CloudError> {
    tracing::info!(resource = %step.resource, action = ?step.action, "taking a step");
    match (&step.request, step.resource.kind) {
        (Request::Google(request), _) => {
            let answer = cloud.google.call(request).await?;
            Ok(operation_of(request, &answer))
        }
        (Request::Registry(request), _) => cloud.registry.carry_out(request).await.map(|()| None),
        (Request::Kubernetes(request), Kind::Kubernetes(kind)) => {
            let unreached = || CloudError::new("apply", Failure::Connect, "the cluster is not reached yet");
            let client = cluster.ok_or_else(unreached)?;
            let (namespace, name) = (step.resource.namespace(), step.resource.short_name());
            match request {
                KubernetesRequest::Apply { document, resource_version } => {
                    client.apply(kind, namespace, name, document, resource_version.as_deref()).await?;
                }
                KubernetesRequest::Delete { uid, resource_version } => {
                    client.delete(kind, namespace, name, uid, resource_version).await?;
                }
            }
            Ok(None)
        }
        (Request::Kubernetes(_), Kind::Google(_)) => {
            let message = format!("{} is not a Kubernetes object", step.resource);
            Err(CloudError::new("apply", Failure::Malformed, message))
        }
    }
}
