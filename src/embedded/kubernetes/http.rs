//! The wire: HTTP in, HTTP out.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures::stream;

use super::core::{Core, Served};
use super::failure::Failure;
use super::request::{Query, Request};
use super::verbs::Answer;
use super::verbs::watch::Watch;

/// Serves one request.
pub async fn handle(request: HttpRequest, body: Bytes, core: Data<Arc<Core>>) -> HttpResponse {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let latency = core.with_faults(|faults| faults.latency);
    if !latency.is_zero() {
        actix_web::rt::time::sleep(latency).await;
    }
    if let Some(token) = &core.token
        && header(AUTHORIZATION) != format!("Bearer {token}")
    {
        return answer(&core, Answer::failure(&Failure::new(401, "Unauthorized", "Unauthorized")));
    }
    let parsed = Request {
        method: request.method().to_string(),
        path: percent_encoding::percent_decode_str(request.path()).decode_utf8_lossy().into_owned(),
        query: Query::parse(request.query_string()),
        content_type: header(CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_owned(),
        user_agent: header(USER_AGENT).to_owned(),
        body: body.to_vec(),
    };
    match core.serve(&parsed, request.query_string()) {
        Served::Answer(found) => answer(&core, found),
        // A body that fails breaks the connection off.
        Served::Dropped => {
            let broken =
                stream::once(async { Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset)) });
            HttpResponse::Ok().streaming(broken)
        }
    }
}

fn answer(core: &Arc<Core>, answer: Answer) -> HttpResponse {
    match answer {
        Answer::Json { code, body, warnings } => {
            let mut response = HttpResponse::build(status(code));
            if code == 429 {
                response.insert_header(("Retry-After", "1"));
            }
            for warning in warnings {
                response.append_header(("Warning", format!("299 - {warning:?}")));
            }
            response.content_type("application/json").body(body.to_string())
        }
        Answer::Text(code, text) => HttpResponse::build(status(code)).content_type("text/plain").body(text),
        Answer::Watch(watch) => {
            HttpResponse::Ok().content_type("application/json").streaming(events(core.clone(), *watch))
        }
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The events of a watch, as they happen.
fn events(core: Arc<Core>, watch: Watch) -> impl futures::Stream<Item = Result<Bytes, Infallible>> {
    let changed = core.changed.subscribe();
    let end = Instant::now() + watch.limit;
    stream::unfold(Some((core, watch, changed)), move |state| async move {
        let (core, mut watch, mut changed) = state?;
        loop {
            changed.mark_unchanged();
            let (found, goes_on) = core.with_world(|world| watch.poll(world));
            if !found.is_empty() || !goes_on {
                let lines: String = found.iter().map(|event| format!("{event}\n")).collect();
                return Some((Ok(Bytes::from(lines)), goes_on.then_some((core, watch, changed))));
            }
            let left = end.saturating_duration_since(Instant::now());
            if !matches!(tokio::time::timeout(left, changed.changed()).await, Ok(Ok(()))) {
                return None;
            }
        }
    })
}
