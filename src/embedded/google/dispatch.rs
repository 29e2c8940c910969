//! Sending what is due: events to doors, tasks and scheduled calls to their targets, pushes to subscribers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;

use super::apis::{scheduler, secret_manager, tasks};
use super::call::Call;
use super::cloud::{Cloud, lock};
use super::context::Site;
use super::delivery::{Delivery, Kind};
use super::store::World;

/// The longest an attempt may take, in real time: the dispatch deadline of a task.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(600);

type Http = Client<HttpConnector, reqwest::Body>;

/// Sends for as long as the server runs.
pub async fn run(cloud: Arc<Cloud>) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    loop {
        let now = cloud.clock.now();
        let (ready, next) = take_ready(&cloud, now);
        for delivery in ready {
            actix_web::rt::spawn(attempt(Arc::clone(&cloud), http.clone(), delivery));
        }
        tokio::select! {
            () = cloud.wake.notified() => {}
            () = wait_for(&cloud, next) => {}
        }
    }
}

async fn wait_for(cloud: &Cloud, next: Option<Timestamp>) {
    match next {
        Some(next) => cloud.clock.sleep_until(next).await,
        None => std::future::pending().await,
    }
}

/// What may be sent now, and when the next becomes due.
fn take_ready(cloud: &Cloud, now: Timestamp) -> (Vec<Delivery>, Option<Timestamp>) {
    let mut world = cloud.world();
    address_events(cloud, &mut world);
    let mut room = tasks::room(&world);
    let mut ready = Vec::new();
    // A secret that becomes due rings by itself.
    let mut next = secret_manager::next_due(&world);
    let mut ids: Vec<(Timestamp, u64)> = world.deliveries.values().map(|d| (d.due, d.id)).collect();
    ids.sort_unstable();
    for (due, id) in ids {
        let Some(delivery) = world.deliveries.get_mut(&id) else { continue };
        if delivery.in_flight || delivery.url.is_empty() {
            continue;
        }
        if due > now {
            next = Some(next.map_or(due, |next: Timestamp| next.min(due)));
            continue;
        }
        if take_room(&mut room, &delivery.kind) {
            delivery.in_flight = true;
            ready.push(delivery.clone());
        }
    }
    (ready, next)
}

/// Whether the queue of a task has room for one more; everything else always has.
fn take_room(room: &mut BTreeMap<String, u64>, kind: &Kind) -> bool {
    let Kind::Task { queue, .. } = kind else { return true };
    match room.get_mut(queue) {
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
        None => true,
    }
}

/// Events know their bucket only; the triggers of today say where they go.
fn address_events(cloud: &Cloud, world: &mut World) {
    let triggers = lock(&cloud.triggers);
    let mut copies = Vec::new();
    for delivery in world.deliveries.values_mut().filter(|delivery| delivery.url.is_empty()) {
        let Kind::Event { bucket } = &delivery.kind else { continue };
        let mut targets = triggers.get(bucket).into_iter().flatten();
        let Some(first) = targets.next() else { continue };
        for (trigger, is_first) in [(first, true)].into_iter().chain(targets.map(|trigger| (trigger, false)))
        {
            let mut copy = delivery.clone();
            copy.url.clone_from(&trigger.url);
            copy.token = Some((trigger.service_account.clone(), trigger.audience.clone()));
            if !is_first {
                copies.push(copy);
            }
        }
        delivery.url.clone_from(&first.url);
        delivery.token = Some((first.service_account.clone(), first.audience.clone()));
    }
    copies.into_iter().for_each(|copy| {
        world.queue(copy);
    });
}

async fn attempt(cloud: Arc<Cloud>, http: Http, delivery: Delivery) {
    let status = match request(&cloud.site, &delivery, cloud.clock.now()) {
        Some(request) => match tokio::time::timeout(LONGEST_ATTEMPT, http.request(request)).await {
            Ok(Ok(response)) => Some(response.status().as_u16()),
            Ok(Err(_)) | Err(_) => None,
        },
        None => None,
    };
    let now = cloud.clock.now();
    cloud.with(&Call::default(), |cx| settle(cx.world, delivery.id, status, now));
    cloud.wake.notify_one();
}

fn request(site: &Site, delivery: &Delivery, now: Timestamp) -> Option<http::Request<reqwest::Body>> {
    let body = BASE64_STANDARD.decode(&delivery.body).ok()?;
    let mut request = http::Request::builder().method(delivery.method.as_str()).uri(&delivery.url);
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    if let Kind::Task { .. } = delivery.kind {
        request = request
            .header("X-CloudTasks-TaskRetryCount", delivery.attempts.to_string())
            .header("X-CloudTasks-TaskExecutionCount", delivery.responses.to_string());
    }
    if let Some((email, audience)) = &delivery.token {
        let token = site.signer.id_token(email, audience, now)?;
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    request.body(reqwest::Body::from(body)).ok()
}

/// Notes how an attempt went: done, once more later, or given up.
fn settle(world: &mut World, id: u64, status: Option<u16>, now: Timestamp) {
    let Some(mut delivery) = world.deliveries.remove(&id) else { return };
    world.dirty = true;
    delivery.in_flight = false;
    delivery.attempts += 1;
    delivery.responses += u32::from(status.is_some());
    let accepted = status.is_some_and(|status| (200..300).contains(&status));
    let again = if accepted { None } else { delivery.backoff.next(now, delivery.attempts) };
    match &delivery.kind {
        Kind::Task { queue, task } => tasks::after_attempt(world, queue, task, &delivery, again, now),
        Kind::Job { job } => scheduler::after_attempt(world, job, accepted, again.is_some(), now),
        Kind::Event { .. } | Kind::Push { .. } => {}
    }
    if let Some(due) = again {
        delivery.due = due;
        world.deliveries.insert(id, delivery);
    }
}
