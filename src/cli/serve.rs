//! `serve`: the service.

use crate::config::{Config, Purpose};
use crate::{http, telemetry};

use super::{FINE, Failure, WRONG_INPUT, world};

/// Serves until the process is told to end.
///
/// # Errors
/// When the port cannot be had or a client cannot be set up.
pub async fn run() -> Result<u8, Failure> {
    let config = match Config::from_env(Purpose::Service) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(WRONG_INPUT);
        }
    };
    let telemetry = telemetry::init(&config);
    let listener = std::net::TcpListener::bind(("0.0.0.0", config.port))?;
    let converger = world::converger(&config);
    http::serve(http::App::new(config, converger)?, listener).await?;
    telemetry.shutdown().await;
    Ok(FINE)
}
