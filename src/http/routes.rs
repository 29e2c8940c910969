//! The ways in.

use std::sync::atomic::Ordering;

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::reply::Reply;
use super::{App, errands, intake, probes, request};

/// Puts every way in its place.
pub fn configure(service: &mut ServiceConfig) {
    service
        .route("/events", web::post().to(events))
        .route("/tasks", web::post().to(tasks))
        .route("/livez", web::get().to(probes::livez))
        .route("/readyz", web::get().to(probes::readyz))
        .route("/metrics", web::get().to(probes::metrics))
        .default_service(web::to(nothing));
}

async fn events(app: Data<App>, http: HttpRequest, payload: Payload) -> HttpResponse {
    if app.pull_only.load(Ordering::Relaxed) {
        return nothing().await;
    }
    request::answer(&app, "/events", &http, intake::take(&app, &http, payload)).await
}

async fn tasks(app: Data<App>, http: HttpRequest, payload: Payload) -> HttpResponse {
    request::answer(&app, "/tasks", &http, errands::take(&app, &http, payload)).await
}

async fn nothing() -> HttpResponse {
    Reply::NotFound.response()
}
