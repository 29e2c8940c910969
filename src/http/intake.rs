//! `POST /events`: who is it, what is it, what does it set in motion, into the queue, and that is all.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::authenticate::Entrance;
use super::metrics::Counter;
use super::reply::Reply;
use super::{App, limits, quarantine, request, resync};
use crate::cloud::Queued;
use crate::converge::Work;
use crate::error::CloudError;
use crate::events::{self, Envelope, Event, Headers};
use crate::handlers::{self, Errand, Motion};

/// How many tasks are put into the queue side by side.
const SIDE_BY_SIDE: usize = 16;

/// Takes a delivery of one or more events.
///
/// # Errors
/// The reply for one that is not taken.
pub async fn take(app: &App, http: &HttpRequest, payload: Payload) -> Result<Reply, Reply> {
    if app.is_stopping() {
        return Err(Reply::Stopping);
    }
    let _place = limits::enter(&app.gates.events)?;
    let taken = tokio::time::timeout(limits::INTAKE, take_in_time(app, http, payload));
    taken.await.unwrap_or(Err(Reply::TooSlow))
}

async fn take_in_time(app: &App, http: &HttpRequest, payload: Payload) -> Result<Reply, Reply> {
    limits::sized(http)?;
    let headers = request::headers(http);
    app.gate.admit(Entrance::Events, headers.get("authorization").map(String::as_str)).await?;
    let body = limits::body(payload).await?;
    deliver(app, "/events", &headers, &body).await
}

/// Takes one or more events out of a delivery, whichever way it came.
///
/// # Errors
/// The reply for one that is to be delivered again.
pub async fn deliver(app: &App, route: &str, headers: &Headers, body: &[u8]) -> Result<Reply, Reply> {
    let mut spoilt = None;
    let mut rings = Vec::new();
    for opened in events::open(headers, body) {
        match opened.and_then(|envelope: Envelope| events::decode(&envelope)) {
            Ok(event) => rings.push(event),
            Err(poison) => spoilt = Some(poison),
        }
    }
    // A batch is kept once, whole, however many of its events are spoilt.
    if let Some(poison) = &spoilt {
        quarantine::keep(app, route, headers, body, poison).await;
    }
    let rung = stream::iter(rings).map(|event| ring(app, event)).buffer_unordered(SIDE_BY_SIDE);
    let failed = rung.filter(|outcome| std::future::ready(outcome.is_err())).count().await;
    match (failed, spoilt) {
        (0, None) => Ok(Reply::Taken),
        (0, Some(_)) => Ok(Reply::PutAside),
        // What was queued already has its name, and will not be queued twice.
        _ => Err(Reply::Unavailable),
    }
}

/// Does what one event sets in motion.
async fn ring(app: &App, event: Event) -> Result<(), CloudError> {
    let (stem, key) = (event.stem(), event.key());
    let outcome = match handlers::motion(&event, &app.spec_bucket) {
        Motion::Converge(work) => enqueue(app, work, &key, None).await,
        Motion::ConvergeAll(cause) => resync::enqueue_all(app, cause, &key).await,
        Motion::ConvergeConcerned(concerned) => resync::enqueue_concerned(app, &concerned, &key).await,
        Motion::Nothing(why) => {
            tracing::debug!(event = stem, key, why, "nothing to do");
            Ok("ignored")
        }
        Motion::Foreign => {
            tracing::warn!(key, "an event of an unknown type; which trigger or subscription sends it to us?");
            Ok("foreign")
        }
    };
    match &outcome {
        Ok(done) => {
            tracing::info!(event = stem, key, outcome = done, "event");
            app.metrics.count(Counter::Events, [stem, done]);
        }
        Err(error) => {
            tracing::error!(event = stem, key, %error, "the event could not be queued");
            app.metrics.count(Counter::Events, [stem, "failed"]);
        }
    }
    outcome.map(drop)
}

/// Puts a work into the queue for this time, or for now, unless a duplicate of its event did already.
///
/// # Errors
/// When the queue cannot be reached.
pub async fn enqueue(
    app: &App,
    work: Work,
    key: &str,
    at: Option<Timestamp>,
) -> Result<&'static str, CloudError> {
    let task = app.address.first_at(&Errand::new(work), key, at);
    Ok(match app.cloud.tasks.enqueue(&task).await? {
        Queued::New => "queued",
        Queued::Already => "duplicate",
    })
}
