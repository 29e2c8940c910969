//! How long the door takes to accept an event: token verified, event decoded, work queued, 204 answered.

use std::time::Instant;

use crate::service::{ring, service};

/// Events that are rung, each for a deployment of its own, so that each is queued.
const EVENTS: usize = 101;

/// Prints the row.
pub async fn measure() {
    let door = service().await;
    let token = door.events_token().header();
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let mut times = Vec::new();
    for number in 0..EVENTS {
        let body = ring(&format!("prod-{number}.yaml")).to_string();
        let began = Instant::now();
        let (status, _) = door.post("/events", &headers, body).await;
        times.push(began.elapsed());
        assert_eq!(status, 204);
    }
    assert_eq!(door.queued().len(), EVENTS, "each is in the queue");
    // The first one fetches the issuer's keys.
    let took = crate::median(times.split_off(1));
    println!(
        "| an event accepted, from request to 204, with its work in the queue | {:.2} ms |",
        took.as_secs_f64() * 1e3
    );
}
