//! `POST /tasks`: the queue brings work. It is done here, and what is left goes back into the queue.

use std::time::Instant;

use actix_web::HttpRequest;
use actix_web::web::Payload;
use tracing::Instrument;

use super::authenticate::Entrance;
use super::metrics::{Counter, Timer};
use super::reply::Reply;
use super::{App, limits, quarantine, request};
use crate::converge::Outcome;
use crate::events::Headers;
use crate::handlers::Errand;

/// Takes a work from the queue, does it, and queues what follows.
///
/// # Errors
/// The reply for one that is not done; the queue brings it again.
pub async fn take(app: &App, http: &HttpRequest, payload: Payload) -> Result<Reply, Reply> {
    if app.is_stopping() {
        return Err(Reply::Stopping);
    }
    let _place = limits::enter(&app.gates.tasks)?;
    limits::sized(http)?;
    let headers = request::headers(http);
    app.gate.admit(Entrance::Tasks, headers.get("authorization").map(String::as_str)).await?;
    let body = tokio::time::timeout(limits::INTAKE, limits::body(payload));
    let body = body.await.unwrap_or(Err(Reply::TooSlow))?;
    let errand = match Errand::read(&body) {
        Ok(errand) => errand,
        Err(poison) => {
            quarantine::keep(app, "/tasks", &headers, &body, &poison).await;
            return Ok(Reply::PutAside);
        }
    };
    let started = Instant::now();
    let ended = run(app, &headers, errand).await;
    let outcome = match &ended {
        Ok(outcome) => name(outcome),
        Err(reply) => reply.name(),
    };
    app.metrics.count(Counter::Works, [outcome, ""]);
    app.metrics.time(Timer::Works, [outcome, ""], started.elapsed());
    ended.map(|_| Reply::Taken)
}

async fn run(app: &App, headers: &Headers, errand: Errand) -> Result<Outcome, Reply> {
    let deployment = errand.work.deployment.clone();
    let outcome = converge(app, &errand).await?;
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    tracing::info!(
        deployment,
        cause = errand.work.cause,
        continuation = errand.work.continuation,
        task = header("x-cloudtasks-taskname"),
        retry = header("x-cloudtasks-taskretrycount"),
        outcome = name(&outcome),
        "work"
    );
    if let Some(later) = errand.follow(&outcome, (app.converger.now)()) {
        tracing::debug!(deployment, at = %later.at, "it goes on later");
        app.cloud.tasks.enqueue(&app.address.later(&later)).await.map_err(|error| {
            tracing::error!(deployment, %error, "the continuation could not be queued");
            Reply::Unavailable
        })?;
    }
    Ok(outcome)
}

/// Does the work apart from the request, so that neither a panic nor a caller that hangs up takes anything along.
async fn converge(app: &App, errand: &Errand) -> Result<Outcome, Reply> {
    let (converger, work) = (app.converger.clone(), errand.work.clone());
    let deployment = &errand.work.deployment;
    let doing = async move { converger.work(&work).await }.in_current_span();
    let mut doing = app.runtime().spawn(doing);
    let stopped = async {
        app.stopping().await;
        tokio::time::sleep(limits::LAST_WORK).await;
    };
    let ended = tokio::select! {
        ended = &mut doing => ended,
        () = stopped => {
            doing.abort();
            tracing::warn!(deployment, "the process ends before the work; the queue brings it again");
            return Err(Reply::Stopping);
        }
        () = tokio::time::sleep(limits::WORK) => {
            doing.abort();
            tracing::error!(deployment, "the work took too long and was given up; the queue brings it again");
            return Err(Reply::TooSlow);
        }
    };
    match ended {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(error)) => {
            tracing::error!(deployment, %error, "the work failed; the queue brings it again");
            Err(Reply::Unavailable)
        }
        // What it said may hold anything, and is not repeated.
        Err(_) => {
            tracing::error!(deployment, "the work panicked; the queue brings it again");
            Err(Reply::Crashed)
        }
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Converged => "converged",
        Outcome::Pending(_) => "pending",
        Outcome::Stalled => "stalled",
        Outcome::Refused => "refused",
        Outcome::Withdrawn => "withdrawn",
        Outcome::HandedOver => "handed-over",
        Outcome::Busy(_) => "busy",
    }
}
