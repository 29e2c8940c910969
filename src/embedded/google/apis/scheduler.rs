//! Cloud Scheduler v1: jobs with an HTTP target, run when their schedule comes round.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tasks::seconds;
use crate::embedded::google::context::{Cx, stamp};
use crate::embedded::google::cron::Cron;
use crate::embedded::google::delivery::{Backoff, Delivery, Kind};
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{World, set, text};
use crate::embedded::google::{crud, mask};

const SERVICE: &str = "cloudscheduler";

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    let collection = path.get(1..6).map(|pieces| pieces.join("/")).unwrap_or_default();
    let ["v1", "projects", _, "locations", _, "jobs", ref rest @ ..] = path[..] else { return None };
    let name = |id: &str| format!("{collection}/{id}");
    let result = match (method, rest) {
        ("GET", []) => crud::list(cx, SERVICE, &collection, "jobs"),
        ("POST", []) => create(cx, &collection),
        ("GET", [id]) => crud::fetch(cx, SERVICE, &name(id)),
        ("PATCH", [id]) => patch(cx, &name(id)),
        ("DELETE", [id]) => crud::remove(cx, SERVICE, &name(id)).map(|_| {
            unplan(cx.world, &name(id));
            json!({})
        }),
        ("POST", [id, ":pause"]) => set_state(cx, &name(id), "PAUSED"),
        ("POST", [id, ":resume"]) => set_state(cx, &name(id), "ENABLED"),
        ("POST", [id, ":run"]) => run(cx, &name(id)),
        _ => return None,
    };
    Some(result.map(|document| Reply::json(&document)))
}

fn create(cx: &mut Cx, collection: &str) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let name = text(&body, "name").to_owned();
    if !name.starts_with(&format!("{collection}/")) {
        return Err(ApiError::invalid(
            "Job name must be formatted: \"projects/<PROJECT>/locations/<LOCATION>/jobs/<JOB>\".",
        ));
    }
    if cx.world.get(&format!("{SERVICE}/{name}")).is_some() {
        return Err(ApiError::already_exists(format!("Job {name} already exists.")));
    }
    let mut job = json!({"timeZone": "UTC", "attemptDeadline": "180s",
                         "retryConfig": {"maxRetryDuration": "0s", "minBackoffDuration": "5s",
                                         "maxBackoffDuration": "3600s", "maxDoublings": 5}});
    mask::merge(&mut job, &body);
    check(&job)?;
    set(&mut job, json!({"state": "ENABLED", "userUpdateTime": cx.stamp()}));
    store(cx, &name, job)
}

fn check(job: &Value) -> Result<(), ApiError> {
    if Cron::parse(text(job, "schedule")).is_none() {
        return Err(ApiError::invalid("Schedule or time zone is invalid."));
    }
    if job.get("httpTarget").is_none() && job.get("pubsubTarget").is_none() {
        return Err(ApiError::invalid("Job target is missing."));
    }
    Ok(())
}

fn patch(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    let mut job = crud::fetch(cx, SERVICE, name)?;
    mask::update(&mut job, &cx.call.json()?, cx.call.query("updateMask"));
    check(&job)?;
    set(&mut job, json!({"name": name, "userUpdateTime": cx.stamp()}));
    store(cx, name, job)
}

fn set_state(cx: &mut Cx, name: &str, state: &str) -> Result<Value, ApiError> {
    let mut job = crud::fetch(cx, SERVICE, name)?;
    job["state"] = json!(state);
    store(cx, name, job)
}

fn store(cx: &mut Cx, name: &str, job: Value) -> Result<Value, ApiError> {
    cx.world.put(format!("{SERVICE}/{name}"), job);
    unplan(cx.world, name);
    plan(cx.world, name, cx.now);
    crud::fetch(cx, SERVICE, name)
}

/// Runs it now, besides its schedule.
fn run(cx: &mut Cx, name: &str) -> Result<Value, ApiError> {
    let job = crud::fetch(cx, SERVICE, name)?;
    if let Some(delivery) = delivery(&job, name, cx.now) {
        cx.world.queue(delivery);
    }
    Ok(job)
}

fn unplan(world: &mut World, name: &str) {
    world.deliveries.retain(|_, delivery| {
        delivery.in_flight || !matches!(&delivery.kind, Kind::Job { job } if job == name)
    });
}

/// Queues the next run of an enabled job.
fn plan(world: &mut World, name: &str, now: Timestamp) {
    let Some(job) = world.get(&format!("{SERVICE}/{name}")).cloned() else { return };
    let due = Cron::parse(text(&job, "schedule")).and_then(|cron| cron.next(now));
    let Some(due) = due.filter(|_| text(&job, "state") == "ENABLED") else { return };
    if let Some(delivery) = delivery(&job, name, due) {
        world.queue(delivery);
    }
    if let Some(job) = world.get_mut(&format!("{SERVICE}/{name}")) {
        job["scheduleTime"] = json!(stamp(due));
    }
}

fn delivery(job: &Value, name: &str, due: Timestamp) -> Option<Delivery> {
    let target = job.get("httpTarget")?;
    let url = text(target, "uri");
    let mut headers: Vec<(String, String)> = target["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if !text(target, "body").is_empty() && !typed {
        headers.push(("Content-Type".into(), "application/octet-stream".into()));
    }
    headers.extend([
        ("User-Agent".to_owned(), "Google-Cloud-Scheduler".to_owned()),
        ("X-CloudScheduler".to_owned(), "true".to_owned()),
        ("X-CloudScheduler-JobName".to_owned(), name.rsplit('/').next().unwrap_or_default().to_owned()),
        ("X-CloudScheduler-ScheduleTime".to_owned(), stamp(due)),
    ]);
    let token = target.get("oidcToken").map(|token| {
        let audience = Some(text(token, "audience")).filter(|audience| !audience.is_empty()).unwrap_or(url);
        (text(token, "serviceAccountEmail").to_owned(), audience.to_owned())
    });
    let retry = &job["retryConfig"];
    let retries = retry["retryCount"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
    Some(Delivery {
        id: 0,
        kind: Kind::Job { job: name.to_owned() },
        due,
        attempts: 0,
        responses: 0,
        in_flight: false,
        url: url.to_owned(),
        method: target["httpMethod"].as_str().unwrap_or("POST").to_owned(),
        headers,
        body: text(target, "body").to_owned(),
        token,
        backoff: Backoff {
            first_secs: seconds(text(retry, "minBackoffDuration")).unwrap_or(5.0),
            most_secs: seconds(text(retry, "maxBackoffDuration")).unwrap_or(3600.0),
            doublings: 5,
            attempts: retries + 1,
        },
    })
}

/// Notes a run; when it is over, the next one is planned (a late run delays the next).
pub fn after_attempt(world: &mut World, name: &str, accepted: bool, retried: bool, now: Timestamp) {
    if let Some(job) = world.get_mut(&format!("{SERVICE}/{name}")) {
        let status = if accepted { json!({}) } else { json!({"code": 13}) };
        set(job, json!({"lastAttemptTime": stamp(now), "status": status}));
    }
    let planned = world.deliveries.values().any(|d| matches!(&d.kind, Kind::Job { job } if job == name));
    if !retried && !planned {
        plan(world, name, now);
    }
}
