//! `send`: an event from a file to a service.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::{FAILED, FINE, Failure, WRONG_INPUT};

/// Arguments of `send`.
#[derive(clap::Args)]
#[command(
    after_help = "Example: dify-reconciler send events/spec_committed/binary.json --to http://127.0.0.1:8080

The file holds {\"headers\": {…}, \"body\": …}, as the samples under events/ do.
DIFY_RECONCILER_TOKEN, when set, is sent as the bearer token."
)]
pub struct Args {
    /// The event file
    event: PathBuf,
    /// The service's address, without /events
    #[arg(long)]
    to: url::Url,
}

/// A request as it is kept in a file.
#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

/// Sends the event and prints the answer.
///
/// # Errors
/// When the file cannot be read or the service cannot be reached.
pub async fn run(args: Args) -> Result<u8, Failure> {
    let text = super::read_file(&args.event)?;
    let sample: Sample = match serde_json::from_str(&text) {
        Ok(sample) => sample,
        Err(error) => {
            eprintln!("error: {}: {error}; expected {{\"headers\": …, \"body\": …}}", args.event.display());
            return Ok(WRONG_INPUT);
        }
    };
    let body = match &sample.body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut request = crate::cloud::wire::build_client()?.post(args.to.join("events")?).body(body);
    for (name, value) in &sample.headers {
        request = request.header(name, value);
    }
    if let Ok(token) = std::env::var("DIFY_RECONCILER_TOKEN") {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?;
    let status = answer.status();
    println!("{status}\n{}", answer.text().await?);
    Ok(if status.is_success() { FINE } else { FAILED })
}
