//! Cloud Tasks v2: queues, and tasks that are sent when their time comes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::embedded::google::context::{Cx, after, stamp};
use crate::embedded::google::delivery::{Backoff, Delivery, Kind};
use crate::embedded::google::error::ApiError;
use crate::embedded::google::reply::{Answer, Reply};
use crate::embedded::google::store::{World, set, stable_number, text};
use crate::embedded::google::{crud, list, mask, policy};

const SERVICE: &str = "cloudtasks";
/// How long the name of a finished task stays taken.
const TOMBSTONE: Duration = Duration::from_secs(24 * 3600);
/// The farthest a task may be scheduled.
const FARTHEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Answers a call, or nothing for a path the API does not have.
pub fn route(cx: &mut Cx) -> Option<Answer> {
    let call = cx.call;
    let path = call.route();
    let method = call.method.as_str();
    let queues = path.get(1..6).map(|pieces| pieces.join("/")).unwrap_or_default();
    match path[..] {
        ["v2", "projects", _, "locations", _, "queues"] => match method {
            "GET" => Some(crud::list(cx, SERVICE, &queues, "queues").map(|page| Reply::json(&page))),
            "POST" => Some(create_queue(cx, &queues)),
            _ => None,
        },
        ["v2", "projects", _, "locations", _, "queues", id, ref rest @ ..] => {
            queue(cx, &format!("{queues}/{id}"), rest)
        }
        _ => None,
    }
}

fn queue(cx: &mut Cx, name: &str, rest: &[&str]) -> Option<Answer> {
    let method = cx.call.method.as_str();
    let found = fetch_queue(cx, name);
    let answer = |result: Result<Value, ApiError>| Some(result.map(|document| Reply::json(&document)));
    match (method, rest) {
        ("GET", []) => answer(found),
        ("PATCH", []) => Some(patch_queue(cx, name)),
        ("DELETE", []) => Some(found.map(|_| delete_queue(cx, name))),
        ("POST", [":pause"]) => answer(found.map(|_| set_state(cx, name, "PAUSED"))),
        ("POST", [":resume"]) => answer(found.map(|_| set_state(cx, name, "RUNNING"))),
        ("POST", [":purge"]) => answer(found.inspect(|_| {
            cx.world.deliveries.retain(|_, delivery| !belongs(delivery, name));
            cx.world.remove_tree(&format!("{SERVICE}/{name}/tasks"));
        })),
        ("POST", [":getIamPolicy"]) => answer(found.map(|_| policy::get(cx, &format!("{SERVICE}/{name}")))),
        ("POST", [":setIamPolicy"]) => {
            answer(found.and_then(|_| policy::set(cx, &format!("{SERVICE}/{name}"), &cx.call.json()?)))
        }
        ("GET", ["tasks"]) => answer(
            found.and_then(|_| list::cut(cx.call, "tasks", crud::all(cx, SERVICE, &format!("{name}/tasks")))),
        ),
        ("POST", ["tasks"]) => answer(found.and_then(|_| create_task(cx, name))),
        ("GET", ["tasks", task]) => answer(crud::fetch(cx, SERVICE, &format!("{name}/tasks/{task}"))),
        ("DELETE", ["tasks", task]) => Some(delete_task(cx, name, task)),
        ("POST", ["tasks", task, ":run"]) => answer(run_task(cx, name, task)),
        _ => None,
    }
}

fn fetch_queue(cx: &Cx, name: &str) -> Result<Value, ApiError> {
    let found = cx.world.get(&format!("{SERVICE}/{name}")).cloned();
    found.ok_or_else(|| {
        ApiError::not_found(
            "Queue does not exist. If you just created the queue, wait at \
             least a minute for the queue to initialize.",
        )
    })
}

fn create_queue(cx: &mut Cx, collection: &str) -> Answer {
    let body = cx.call.json()?;
    let name = text(&body, "name").to_owned();
    if !name.starts_with(&format!("{collection}/")) {
        return Err(ApiError::invalid(
            "Queue name must be formatted \"projects/<PROJECT>/locations/<LOCATION>/queues/<QUEUE>\"",
        ));
    }
    if cx.world.get(&format!("{SERVICE}/{name}")).is_some() {
        return Err(ApiError::already_exists("Queue already exists"));
    }
    let mut queue = json!({
        "rateLimits": {"maxDispatchesPerSecond": 500, "maxBurstSize": 100, "maxConcurrentDispatches": 1000},
        "retryConfig": {"maxAttempts": 100, "minBackoff": "0.100s", "maxBackoff": "3600s",
                        "maxDoublings": 16},
        "state": "RUNNING",
    });
    mask::merge(&mut queue, &body);
    cx.world.put(format!("{SERVICE}/{name}"), queue.clone());
    Ok(Reply::json(&queue))
}

fn patch_queue(cx: &mut Cx, name: &str) -> Answer {
    let mut queue = fetch_queue(cx, name).unwrap_or_else(|_| json!({"state": "RUNNING"}));
    mask::update(&mut queue, &cx.call.json()?, cx.call.query("updateMask"));
    queue["name"] = json!(name);
    cx.world.put(format!("{SERVICE}/{name}"), queue.clone());
    Ok(Reply::json(&queue))
}

fn delete_queue(cx: &mut Cx, name: &str) -> Reply {
    cx.world.deliveries.retain(|_, delivery| !belongs(delivery, name));
    cx.world.remove_tree(&format!("{SERVICE}/{name}"));
    Reply::json(&json!({}))
}

fn set_state(cx: &mut Cx, name: &str, state: &str) -> Value {
    let Some(queue) = cx.world.get_mut(&format!("{SERVICE}/{name}")) else { return json!({}) };
    queue["state"] = json!(state);
    queue.clone()
}

fn belongs(delivery: &Delivery, name: &str) -> bool {
    matches!(&delivery.kind, Kind::Task { queue, .. } if queue == name)
}

fn create_task(cx: &mut Cx, queue: &str) -> Result<Value, ApiError> {
    let body = cx.call.json()?;
    let mut task = body.get("task").cloned().ok_or_else(|| ApiError::invalid("Task is missing."))?;
    let id = match text(&task, "name") {
        "" => stable_number(&format!("task{}", cx.world.next_number())),
        name => {
            let id = name.strip_prefix(&format!("{queue}/tasks/")).unwrap_or_default();
            let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
            if id.is_empty() || id.len() > 500 || !id.chars().all(plain) {
                return Err(ApiError::invalid(format!("Task name is malformed: {name}")));
            }
            id.to_owned()
        }
    };
    let name = format!("{queue}/tasks/{id}");
    taken(cx, queue, &id)?;
    let request = task.get("httpRequest").cloned();
    let request = request.ok_or_else(|| ApiError::invalid("Only tasks with httpRequest are served here."))?;
    let due = match text(&task, "scheduleTime") {
        "" => cx.now,
        time => {
            time.parse::<Timestamp>().map_err(|_| ApiError::invalid("Invalid scheduleTime."))?.max(cx.now)
        }
    };
    if due > after(cx.now, FARTHEST) {
        return Err(ApiError::invalid(
            "The Task.scheduleTime is too far in the future. Schedule time must be no more than 720h in the \
             future.",
        ));
    }
    let method = request["httpMethod"].as_str().unwrap_or("POST").to_owned();
    task["httpRequest"]["httpMethod"] = json!(method);
    if task.get("dispatchDeadline").is_none() {
        task["dispatchDeadline"] = json!("600s");
    }
    set(
        &mut task,
        json!({"name": name, "createTime": cx.stamp(), "scheduleTime": stamp(due), "dispatchCount": 0,
               "responseCount": 0}),
    );
    let delivery = delivery(cx, queue, &id, &request, due, method)?;
    cx.world.queue(delivery);
    cx.world.put(format!("{SERVICE}/{name}"), task.clone());
    Ok(task)
}

/// 409 for a task that waits, and for a name that was used within the last day.
fn taken(cx: &Cx, queue: &str, id: &str) -> Result<(), ApiError> {
    let waiting = cx.world.get(&format!("{SERVICE}/{queue}/tasks/{id}")).is_some();
    let grave = cx.world.get(&format!("{SERVICE}/{queue}/tombstones/{id}"));
    let until = grave.and_then(|grave| text(grave, "until").parse::<Timestamp>().ok());
    if waiting || until.is_some_and(|until| cx.now < until) {
        let message = if waiting {
            "Requested entity already exists"
        } else {
            "The task cannot be created because a task with this name existed too recently."
        };
        return Err(ApiError::already_exists(message));
    }
    Ok(())
}

fn delivery(
    cx: &Cx,
    queue: &str,
    id: &str,
    request: &Value,
    due: Timestamp,
    method: String,
) -> Result<Delivery, ApiError> {
    let url = text(request, "url");
    if url::Url::parse(url).is_err() {
        return Err(ApiError::invalid(format!("HttpRequest.url is invalid: '{url}'")));
    }
    let mut headers: Vec<(String, String)> = request["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.to_lowercase().starts_with("x-cloudtasks-"))
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    if !text(request, "body").is_empty()
        && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        headers.push(("Content-Type".into(), "application/octet-stream".into()));
    }
    let queue_id = queue.rsplit('/').next().unwrap_or_default();
    let eta = due.as_millisecond() as f64 / 1000.0;
    headers.extend([
        ("User-Agent".to_owned(), "Google-Cloud-Tasks".to_owned()),
        ("X-CloudTasks-QueueName".to_owned(), queue_id.to_owned()),
        ("X-CloudTasks-TaskName".to_owned(), id.to_owned()),
        ("X-CloudTasks-TaskETA".to_owned(), format!("{eta:.6}")),
    ]);
    let token = request.get("oidcToken").map(|token| {
        let audience = Some(text(token, "audience")).filter(|audience| !audience.is_empty()).unwrap_or(url);
        (text(token, "serviceAccountEmail").to_owned(), audience.to_owned())
    });
    Ok(Delivery {
        id: 0,
        kind: Kind::Task { queue: queue.to_owned(), task: id.to_owned() },
        due,
        attempts: 0,
        responses: 0,
        in_flight: false,
        url: url.to_owned(),
        method,
        headers,
        body: text(request, "body").to_owned(),
        token,
        backoff: backoff(&cx.world.get(&format!("{SERVICE}/{queue}")).cloned().unwrap_or_default()),
    })
}

/// A queue's retry configuration.
fn backoff(queue: &Value) -> Backoff {
    let retry = &queue["retryConfig"];
    Backoff {
        first_secs: seconds(text(retry, "minBackoff")).unwrap_or(0.1),
        most_secs: seconds(text(retry, "maxBackoff")).unwrap_or(3600.0),
        doublings: retry["maxDoublings"].as_u64().and_then(|number| number.try_into().ok()).unwrap_or(16),
        // -1 is without end.
        attempts: retry["maxAttempts"].as_i64().map_or(100, |number| u32::try_from(number).unwrap_or(0)),
    }
}

/// `3.5s` as seconds.
pub fn seconds(duration: &str) -> Option<f64> {
    duration.strip_suffix('s')?.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

fn delete_task(cx: &mut Cx, queue: &str, task: &str) -> Answer {
    crud::remove(cx, SERVICE, &format!("{queue}/tasks/{task}"))?;
    let kind = Kind::Task { queue: queue.to_owned(), task: task.to_owned() };
    cx.world.deliveries.retain(|_, delivery| delivery.kind != kind);
    bury(cx.world, queue, task, cx.now);
    Ok(Reply::json(&json!({})))
}

fn run_task(cx: &mut Cx, queue: &str, task: &str) -> Result<Value, ApiError> {
    let document = crud::fetch(cx, SERVICE, &format!("{queue}/tasks/{task}"))?;
    let kind = Kind::Task { queue: queue.to_owned(), task: task.to_owned() };
    let now = cx.now;
    cx.world
        .deliveries
        .values_mut()
        .filter(|delivery| delivery.kind == kind)
        .for_each(|delivery| delivery.due = now);
    Ok(document)
}

fn bury(world: &mut World, queue: &str, task: &str, now: Timestamp) {
    world.put(format!("{SERVICE}/{queue}/tombstones/{task}"), json!({"until": stamp(after(now, TOMBSTONE))}));
}

/// How many more tasks each queue may send now.
pub fn room(world: &World) -> BTreeMap<String, u64> {
    let mut room = BTreeMap::new();
    for (key, queue) in world.below(&format!("{SERVICE}/")).filter(|(key, _)| key.split('/').count() == 7) {
        let most = if text(queue, "state") == "PAUSED" {
            0
        } else {
            queue["rateLimits"]["maxConcurrentDispatches"].as_u64().unwrap_or(1000)
        };
        room.insert(key.trim_start_matches("cloudtasks/").to_owned(), most);
    }
    for delivery in world.deliveries.values().filter(|delivery| delivery.in_flight) {
        if let Kind::Task { queue, .. } = &delivery.kind
            && let Some(left) = room.get_mut(queue)
        {
            *left = left.saturating_sub(1);
        }
    }
    room
}

/// The queues that send nothing.
pub fn paused(world: &World) -> BTreeSet<String> {
    let queues = world.below(&format!("{SERVICE}/")).filter(|(_, queue)| text(queue, "state") == "PAUSED");
    queues.map(|(key, _)| key.trim_start_matches("cloudtasks/").to_owned()).collect()
}

/// Notes an attempt: the task is gone after the last one, else its next time is shown.
pub fn after_attempt(
    world: &mut World,
    queue: &str,
    task: &str,
    delivery: &Delivery,
    again: Option<Timestamp>,
    now: Timestamp,
) {
    let key = format!("{SERVICE}/{queue}/tasks/{task}");
    match again {
        None => {
            world.take(&key);
            bury(world, queue, task, now);
        }
        Some(due) => {
            if let Some(document) = world.get_mut(&key) {
                set(
                    document,
                    json!({"scheduleTime": stamp(due), "dispatchCount": delivery.attempts,
                           "responseCount": delivery.responses}),
                );
            }
        }
    }
}
