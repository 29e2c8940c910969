//! The resync tick of the embedded cloud: a job of its own Cloud Scheduler, as the real one would have it.

use serde_json::json;

use crate::cloud::Cloud;
use crate::error::CloudError;
use crate::plan::{Body, GoogleRequest, Method};
use crate::resources::Document;

use super::world::{CALLER, World};

const HOST: &str = "cloudscheduler.googleapis.com";

/// Makes the job that rings every minute, if it is not there, and rings it once now.
///
/// # Errors
/// When the embedded scheduler does not take the job.
pub async fn ring_every_minute(world: &World, cloud: &Cloud, door: &str) -> Result<(), CloudError> {
    world.google.enable_apis(&[HOST]);
    let parent = format!("projects/{}/locations/us-central1", world.project());
    let name = format!("{parent}/jobs/dify-resync");
    let target = json!({
        "uri": format!("{door}/events"),
        "httpMethod": "POST",
        "oidcToken": { "serviceAccountEmail": CALLER, "audience": door },
    });
    let job = json!({ "name": name, "schedule": "* * * * *", "timeZone": "UTC", "httpTarget": target });
    // The door has another port at each start.
    let old = request(
        Method::Delete,
        format!("v1/{name}"),
        Body::Empty,
        "cloudscheduler.projects.locations.jobs.delete",
    );
    match cloud.google.call(&old).await {
        Err(error) if !error.is_not_found() => return Err(error),
        _ => {}
    }
    let create = Body::Document(Document::new(job));
    let create = request(
        Method::Post,
        format!("v1/{parent}/jobs"),
        create,
        "cloudscheduler.projects.locations.jobs.create",
    );
    cloud.google.call(&create).await?;
    let now = Body::Document(Document::new(json!({})));
    let now =
        request(Method::Post, format!("v1/{name}:run"), now, "cloudscheduler.projects.locations.jobs.run");
    cloud.google.call(&now).await.map(drop)
}

fn request(method: Method, path: String, body: Body, method_id: &'static str) -> GoogleRequest {
    GoogleRequest { method, host: HOST, path, query: Vec::new(), body, method_id }
}
