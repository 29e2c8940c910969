//! Probes: whether we live, whether we take work, and the numbers.

use actix_web::{HttpResponse, web};

use super::App;
use super::reply::Reply;

/// Whether the process lives.
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// Whether work is taken. What is outside is not asked: an instance that cannot reach a cloud says so with the
/// work, and a new instance would not reach it either.
pub async fn readyz(app: web::Data<App>) -> HttpResponse {
    if app.is_stopping() { Reply::Stopping.response() } else { livez().await }
}

/// The numbers of this instance.
pub async fn metrics(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(app.metrics.text())
}
