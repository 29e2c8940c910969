//! The door: routes, authentication, replies, probes. The only way in.

pub mod app;
pub mod authenticate;
pub mod errands;
pub mod intake;
pub mod keys;
pub mod limits;
pub mod metrics;
pub mod probes;
pub mod pull;
pub mod quarantine;
pub mod reply;
pub mod request;
pub mod resync;
pub mod routes;

use std::future::Future;
use std::io;
use std::net::TcpListener;

use actix_web::{HttpServer, web};
use tokio::signal::unix::{SignalKind, signal};

pub use app::App;

/// Serves until the process is asked to end.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(app: App, listener: TcpListener) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    serve_until(app, listener, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await
}

/// Serves until `stop` is over. Then nothing new is taken, and what is being done gets some seconds.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve_until(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    app.run_work_here();
    let data = web::Data::new(app.clone());
    let server =
        HttpServer::new(move || actix_web::App::new().app_data(data.clone()).configure(routes::configure))
            .workers(limits::WORKERS)
            .client_request_timeout(limits::HEADERS_TIMEOUT)
            .disable_signals()
            .shutdown_timeout(limits::SHUTDOWN.as_secs())
            .listen(listener)?
            .run();
    let handle = server.handle();
    let stopping = async move {
        stop.await;
        tracing::info!("stopping: nothing new is taken");
        app.drain();
        handle.stop(true).await;
    };
    let (served, ()) = tokio::join!(server, stopping);
    served
}
