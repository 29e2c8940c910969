//! What the door can take. Whoever sends more is told so, and the rest goes on.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Payload};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::reply::Reply;

/// Largest body. A Pub/Sub message has up to 10 MB, which are 13.4 MB as base64.
pub const BODY_BYTES: usize = 14 << 20;
/// Most bytes of headers, which is more than any sender of ours needs.
const HEADER_BYTES: usize = 64 << 10;
/// Threads that speak HTTP. They decode and wait; the work is done elsewhere.
pub const WORKERS: usize = 2;
/// How long a client may take to send its headers.
pub const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long taking an event may take, its body included. Longer than it ever should, shorter than any sender
/// waits for an answer.
pub const INTAKE: Duration = Duration::from_secs(9);
/// How long one work may take. Less than the queue and Cloud Run wait, so that a work is never cut off by them
/// and begun again while it still runs.
pub const WORK: Duration = Duration::from_secs(570);
/// How long a work may go on after the process was asked to end; Cloud Run kills it after 10 s.
pub const LAST_WORK: Duration = Duration::from_secs(7);
/// How long the server waits for replies to be sent after that.
pub const SHUTDOWN: Duration = Duration::from_secs(9);

/// How much goes on side by side.
pub struct Gates {
    /// Events. Each may hold its body in memory twice.
    pub events: Semaphore,
    /// Works.
    pub tasks: Semaphore,
}

impl Default for Gates {
    fn default() -> Self {
        Self { events: Semaphore::new(24), tasks: Semaphore::new(16) }
    }
}

/// A place in a gate.
///
/// # Errors
/// When it is full.
pub fn enter(gate: &Semaphore) -> Result<SemaphorePermit<'_>, Reply> {
    gate.try_acquire().map_err(|_| Reply::Overloaded)
}

/// Refuses what is too large before it is read.
///
/// # Errors
/// When the headers are, or the body says that it is.
pub fn sized(request: &HttpRequest) -> Result<(), Reply> {
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > HEADER_BYTES {
        return Err(Reply::HeadersTooLarge);
    }
    let length =
        request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > BODY_BYTES) {
        return Err(Reply::TooLarge);
    }
    Ok(())
}

/// Reads a body.
///
/// # Errors
/// When it is too large, or breaks off.
pub async fn body(payload: Payload) -> Result<Bytes, Reply> {
    match payload.to_bytes_limited(BODY_BYTES).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Reply::BrokenOff),
        Err(_) => Err(Reply::TooLarge),
    }
}
