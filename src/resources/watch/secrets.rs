//! V-40 and P-59: a secret of the user's that the spec names is missing, or has no enabled version.

use std::collections::BTreeSet;

use crate::condition::Reason;
use crate::inventory::Sighting;
use crate::resources::Context;
use crate::resources::google::secret_version;

use super::Watched;

/// V-40: one that a job or a cron job names.
pub fn of_jobs(context: &Context<'_>) -> Vec<Watched> {
    let spec = context.spec;
    let jobs = spec.initialization_jobs.iter().map(|job| &job.secret_env_vars);
    let crons = spec.cron_jobs.iter().map(|job| &job.secret_env_vars);
    let named: BTreeSet<&String> = jobs.chain(crons).flatten().flat_map(|named| named.values()).collect();
    // What the whole deployment needs is P-59's.
    let elsewhere: BTreeSet<&String> = spec.secret_environment_variables.values().collect();
    named.difference(&elsewhere).filter_map(|id| missing(context, id)).collect()
}

/// P-59: one that becomes environment of Dify itself.
pub fn of_environment(context: &Context<'_>) -> Vec<Watched> {
    let named: BTreeSet<&String> = context.spec.secret_environment_variables.values().collect();
    named.into_iter().filter_map(|id| missing(context, id)).collect()
}

fn missing(context: &Context<'_>, id: &str) -> Option<Watched> {
    let address = secret_version::of(&format!("projects/{}/secrets/{id}", context.names.project));
    let what = match context.seen.sighting(&address)? {
        Sighting::Present(_) => return None,
        Sighting::Absent => "does not exist or has no version",
        // Secret Manager names a version's state as the reason why it does not give its content.
        Sighting::Unreadable(why) if why.contains("DISABLED") => {
            "has no enabled version: the newest is disabled"
        }
        Sighting::Unreadable(why) if why.contains("DESTROYED") => {
            "has no enabled version: the newest is destroyed"
        }
        Sighting::Unreadable(_) => return None,
    };
    Some(Watched {
        subject: Some(address.to_string()),
        reason: Reason::NotFound,
        message: format!("the secret {id} that the spec names {what}"),
        help: format!(
            "Put its value there with `gcloud secrets versions add {id} --data-file=-` (after `gcloud secrets create \
             {id}` when there is none), or enable a version."
        ),
    })
}
