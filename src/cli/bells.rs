//! The bells of the embedded cloud, as `infra/` hangs them in the real one: a job of its Cloud Scheduler for the resync
//! tick, with which backups come too, and a push subscription for each topic that others publish to: secrets, images,
//! builds, promotions. The bucket of specs has a trigger of its own. Nothing rings for what somebody else changed or
//! for certificates: the tick finds it.

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::error::CloudError;
use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::Document;

use super::world::{self, CALLER, TOPICS, World};

const SCHEDULER: &str = "cloudscheduler.googleapis.com";
const PUBSUB: &str = "pubsub.googleapis.com";

/// Hangs every bell at this door, which has another port at each start, and rings the tick once.
///
/// # Errors
/// When the embedded cloud does not take one of them.
pub async fn hang(world: &World, cloud: &Cloud, door: &str) -> Result<(), CloudError> {
    world.google.enable_apis(&[SCHEDULER, PUBSUB]);
    for topic in TOPICS {
        push(world, cloud, door, topic).await?;
    }
    ring_every_minute(world, cloud, door).await
}

/// What is published to a topic is brought to the door.
async fn push(world: &World, cloud: &Cloud, door: &str, topic: &str) -> Result<(), CloudError> {
    let subscription = json!({
        "topic": world::topic(world.project(), topic),
        "ackDeadlineSeconds": 60,
        "pushConfig": {"pushEndpoint": format!("{door}/events"), "oidcToken": token(door)},
        "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
    });
    let path = format!("v1/projects/{}/subscriptions/{topic}", world.project());
    replace(cloud, PUBSUB, &path, "pubsub.projects.subscriptions.delete").await?;
    let create = Body::Document(Document::new(subscription));
    let create = request(PUBSUB, Method::Put, path, create, "pubsub.projects.subscriptions.create");
    cloud.google.call(&create).await.map(drop)
}

async fn ring_every_minute(world: &World, cloud: &Cloud, door: &str) -> Result<(), CloudError> {
    let parent = format!("projects/{}/locations/us-central1", world.project());
    let name = format!("{parent}/jobs/dify-resync");
    let target = json!({ "uri": format!("{door}/events"), "httpMethod": "POST", "oidcToken": token(door) });
    let job = json!({ "name": name, "schedule": "* * * * *", "timeZone": "UTC", "httpTarget": target });
    let path = format!("v1/{name}");
    replace(cloud, SCHEDULER, &path, "cloudscheduler.projects.locations.jobs.delete").await?;
    let create = Body::Document(Document::new(job));
    let create = request(
        SCHEDULER,
        Method::Post,
        format!("v1/{parent}/jobs"),
        create,
        "cloudscheduler.projects.locations.jobs.create",
    );
    cloud.google.call(&create).await?;
    let now = Body::Document(Document::new(json!({})));
    let now = request(
        SCHEDULER,
        Method::Post,
        format!("v1/{name}:run"),
        now,
        "cloudscheduler.projects.locations.jobs.run",
    );
    cloud.google.call(&now).await.map(drop)
}

/// Takes what an earlier start left out of the way.
async fn replace(
    cloud: &Cloud,
    host: &'static str,
    path: &str,
    method_id: &'static str,
) -> Result<(), CloudError> {
    match cloud.google.call(&request(host, Method::Delete, path.into(), Body::Empty, method_id)).await {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

fn token(door: &str) -> Value {
    json!({ "serviceAccountEmail": CALLER, "audience": door })
}

fn request(
    host: &'static str,
    method: Method,
    path: String,
    body: Body,
    method_id: &'static str,
) -> GoogleRequest {
    GoogleRequest { method, host, path, query: Vec::new(), body, method_id }
}
