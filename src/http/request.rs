//! What holds for every request: its span, its one log line, its numbers, and that a panic ends nothing but it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse};
use futures::FutureExt;
use opentelemetry::propagation::Extractor;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::App;
use super::metrics::{Counter, Timer};
use super::reply::Reply;
use crate::events::Headers;

/// Answers one request.
pub async fn answer(
    app: &App,
    route: &'static str,
    http: &HttpRequest,
    handled: impl Future<Output = Result<Reply, Reply>>,
) -> HttpResponse {
    let started = Instant::now();
    let span = span(route, http);
    let reply = AssertUnwindSafe(handled.instrument(span.clone())).catch_unwind().await;
    let reply = reply.map_or(Reply::Crashed, |reply| reply.unwrap_or_else(|refused| refused));
    let took = started.elapsed();
    app.metrics.count(Counter::Requests, [route, reply.name()]);
    app.metrics.time(Timer::Requests, [route, ""], took);
    let status = reply.status().as_u16();
    span.record("http.response.status_code", status);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match reply {
        Reply::Crashed => tracing::error!(route, status, duration_ms, reply = reply.name(), "request"),
        Reply::Taken => tracing::info!(route, status, duration_ms, reply = reply.name(), "request"),
        _ => tracing::warn!(route, status, duration_ms, reply = reply.name(), "request"),
    });
    reply.response()
}

/// The headers of a request, their names in lower case.
pub fn headers(http: &HttpRequest) -> Headers {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    http.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect()
}

/// The server's span. It belongs to the trace of whoever calls.
fn span(route: &'static str, http: &HttpRequest) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{} {route}", http.method()),
        otel.kind = "server",
        http.request.method = %http.method(),
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    let parent =
        opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&Carrier(http)));
    // Without a subscriber that collects traces there is nothing to be a parent of.
    let _ = span.set_parent(parent);
    span
}

struct Carrier<'a>(&'a HttpRequest);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.headers().get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.headers().keys().map(|name| name.as_str()).collect()
    }
}
