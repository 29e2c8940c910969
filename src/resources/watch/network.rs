//! V-35 and V-36: the network that the deployment lives in was not found, or is not the only one.

use crate::condition::Reason;
use crate::resources::{Context, facts};

use super::Watched;

/// V-35: there is none.
pub fn missing(context: &Context<'_>) -> Vec<Watched> {
    let Ok(networks) = facts::networks(context) else { return Vec::new() };
    if !networks.is_empty() {
        return Vec::new();
    }
    let help = match context.spec.network_name.as_str() {
        "" => "Deploy the shared services first, or name a network that exists in network_name.",
        _ => "Correct network_name, or give the network a subnet.",
    };
    found(context, help)
}

/// V-36: there are several, and none is named.
pub fn several(context: &Context<'_>) -> Vec<Watched> {
    match facts::networks(context) {
        Ok(networks) if networks.len() > 1 => found(context, "Name one of them in network_name."),
        _ => Vec::new(),
    }
}

/// What everything that needs the network waits on, as a finding.
fn found(context: &Context<'_>, help: &str) -> Vec<Watched> {
    let why = facts::network(context).err().map(|wait| wait.why);
    let watched =
        |message| Watched { subject: None, reason: Reason::NotFound, message, help: help.to_owned() };
    why.map(watched).into_iter().collect()
}
