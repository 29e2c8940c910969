//! The key that plugins show the API: the API, too, knows one at a time.
//!
//! ```text
//! draw ─► a second API with the new key ─► servers with the new key, which call that one (`twin`) ─► the old ones drain
//!      ─► the API is told of the new key ─► roll out ─► remove the second API
//! ```
//!
//! Whoever has a version of the key calls the Service of that version, which leads to the pods that know it: at first
//! those of the second API, then the API's own as well, and nobody who calls has to be started anew. The first version
//! has no such Service: until it is replaced, every pod knows it.

use crate::inventory::Payload;
use crate::resources::kubernetes;
use crate::resources::{Context, Wait};
use crate::spec::Spec;

use super::leaving::leaving;
use super::server::{Server, gives};
use super::sight::{told, told_by};
use super::twin;

/// The end of the secret's name.
pub const SECRET: &str = "inner-api-key-for-plugin";

/// The API's variable with the key.
pub const VARIABLE: &str = "INNER_API_KEY_FOR_PLUGIN";

/// The second API's name.
pub const COMPONENT: &str = "inner-api";

/// The label on pods and in the Service's selector that says which version of the key a pod knows.
pub const LABEL: &str = "dify-reconciler/inner-key";

/// Not when the user gives the key, or says where whoever shows it finds the API.
pub fn takes_turns(spec: &Spec) -> bool {
    let servers = [&spec.plugin_daemon, &spec.agent_backend];
    let mut given = servers.into_iter().filter_map(|server| server.env_vars.as_ref());
    let urls = ["DIFY_INNER_API_URL", "DIFY_AGENT_INNER_API_URL"];
    let shown = [Server::PluginDaemon, Server::Agent].into_iter().any(|server| server.runs(spec));
    shown && !gives(spec, VARIABLE) && !given.any(|given| urls.iter().any(|url| given.contains_key(*url)))
}

/// The version that the API's pods are to know: the old one while a server is there that shows it, and until the second
/// API stands.
///
/// # Errors
/// What has to be read before that can be said.
pub fn known(context: &Context<'_>) -> Result<Payload, Wait> {
    let wanted = twin::wanted(context, SECRET)?;
    let Some(told) = told_otherwise(context, &wanted) else { return Ok(wanted) };
    if is_answered(context) && !twin::is_known_otherwise(context, SECRET, wanted.content.reveal()) {
        return Ok(wanted);
    }
    let found = twin::version_with(context, SECRET, &told)?;
    // Nobody can read it any more; the pods that know it say which one it was.
    let version = if found.version == 0 { labelled(context).unwrap_or(1) } else { found.version };
    Ok(Payload { version, ..found })
}

/// Whether a second API is to be there: with the version that the API's own pods have not been told of, or until all of
/// them are those that have.
pub fn is_changing(context: &Context<'_>) -> bool {
    let untold = twin::wanted(context, SECRET).is_ok_and(|wanted| told_otherwise(context, &wanted).is_some());
    untold || second(context).is_some() && is_there(context) && leaving(context).is_some()
}

/// Whether whoever shows the version that is to be in use finds pods that know it.
pub fn is_answered(context: &Context<'_>) -> bool {
    let Ok(wanted) = twin::wanted(context, SECRET) else { return false };
    told_otherwise(context, &wanted).is_none()
        || twin::is_rolled_out(context, COMPONENT)
            && second(context).as_deref() == Some(wanted.content.reveal())
}

/// Whether the API is still learning the key that a server has.
pub fn is_being_taught(context: &Context<'_>, key: Option<&str>) -> bool {
    let Some(key) = key.filter(|_| takes_turns(context.spec)) else { return false };
    let untold = told(context, VARIABLE).is_some_and(|told| told != key);
    untold || is_there(context) && second(context).as_deref() == Some(key)
}

/// Whether the API knows the newest version.
pub fn is_settled(context: &Context<'_>) -> bool {
    !is_changing(context) && !is_there(context)
}

/// The version of the key, where callers find the pods that know it by a Service of their own.
pub fn service(context: &Context<'_>, key: Result<Payload, Wait>) -> Option<u64> {
    let version = key.ok().map(|payload| payload.version).filter(|version| *version > 1);
    version.filter(|_| takes_turns(context.spec))
}

/// Whether the second API is there.
pub fn is_there(context: &Context<'_>) -> bool {
    context.seen.body(&kubernetes::deployment(context, COMPONENT)).is_some()
}

/// The version that the API's pods say that they know.
pub fn labelled(context: &Context<'_>) -> Option<u64> {
    let labels = context.seen.body(&kubernetes::api(context))?.pointer("/spec/template/metadata/labels")?;
    labels.get(LABEL)?.as_str()?.parse().ok()
}

/// What the API's pods were told, when it is not this.
fn told_otherwise(context: &Context<'_>, wanted: &Payload) -> Option<String> {
    let told = told(context, VARIABLE).filter(|_| takes_turns(context.spec));
    told.filter(|told| told != wanted.content.reveal())
}

/// What the second API was given.
fn second(context: &Context<'_>) -> Option<String> {
    told_by(context, &kubernetes::own_secret(context, COMPONENT), VARIABLE)
}
