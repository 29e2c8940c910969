//! `serve`: the service.

use std::sync::atomic::Ordering;

use crate::config::{Config, Purpose};
use crate::http::pull::{Pull, pull};
use crate::{http, telemetry};

use super::{FINE, Failure, WRONG_INPUT, world};

/// Arguments of `serve`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  dify-reconciler serve                                                     events are pushed to /events
  dify-reconciler serve --subscription projects/P/subscriptions/S           and pulled from there, too
  dify-reconciler serve --pull-only --subscription projects/P/subscriptions/S

The service's environment is in docs/configuration.md.")]
pub struct Args {
    /// Pull events from this subscription, too; may be given several times
    #[arg(long, value_name = "NAME", value_parser = subscription)]
    subscription: Vec<String>,
    /// Take events from the subscriptions alone: `/events` is closed. The queue still brings work to `/tasks`
    #[arg(long, requires = "subscription")]
    pull_only: bool,
}

/// Serves until the process is told to end.
///
/// # Errors
/// When the port cannot be had or a client cannot be set up.
pub async fn run(args: Args) -> Result<u8, Failure> {
    let config = match Config::from_env(Purpose::Service) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(WRONG_INPUT);
        }
    };
    let telemetry = telemetry::init(&config);
    telemetry::hush_panics();
    let listener = std::net::TcpListener::bind(("0.0.0.0", config.port))?;
    let converger = world::converger(&config);
    let app = http::App::new(config, converger)?;
    app.pull_only.store(args.pull_only, Ordering::Relaxed);
    let pulls = args.subscription.iter().map(|name| tokio::spawn(pull(app.clone(), Pull::from(name))));
    let pulls: Vec<_> = pulls.collect();
    http::serve(app, listener).await?;
    for pull in pulls {
        pull.await?;
    }
    telemetry.shutdown().await;
    Ok(FINE)
}

fn subscription(value: &str) -> Result<String, String> {
    let parts: Vec<&str> = value.split('/').collect();
    match parts[..] {
        ["projects", project, "subscriptions", name] if !project.is_empty() && !name.is_empty() => {
            Ok(value.to_owned())
        }
        _ => Err("expected projects/PROJECT/subscriptions/NAME".into()),
    }
}
