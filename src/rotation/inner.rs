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
use crate::resources::{Context, Wait};
use crate::spec::Spec;

use super::sight::told;
use super::twin;

/// The end of the secret's name.
pub const SECRET: &str = "inner-api-key-for-plugin";

/// The API's variable with the key.
pub const VARIABLE: &str = "INNER_API_KEY_FOR_PLUGIN";

/// The label on pods and in the Service's selector that says which version of the key a pod knows.
pub const LABEL: &str = "dify-reconciler/inner-key";

/// Not when the user gives the key, or says where whoever shows it finds the API.
pub fn takes_turns(spec: &Spec) -> bool {
    let servers = [&spec.plugin_daemon, &spec.agent_backend];
    let mut given = servers.into_iter().filter_map(|server| server.env_vars.as_ref());
    let urls = ["DIFY_INNER_API_URL", "DIFY_AGENT_INNER_API_URL"];
    !twin::gives(spec, VARIABLE) && !given.any(|given| urls.iter().any(|url| given.contains_key(*url)))
}

/// The version that the API's pods are to know: the old one while a server is there that shows it.
///
/// # Errors
/// What has to be read before that can be said.
pub fn known<'a>(context: &Context<'a>) -> Result<&'a Payload, Wait> {
    let wanted = twin::wanted(context, SECRET)?;
    match told(context, VARIABLE).filter(|_| takes_turns(context.spec)) {
        Some(told) if twin::is_known_otherwise(context, SECRET, wanted.content.reveal()) => {
            twin::version_with(context, SECRET, &told)
        }
        _ => Ok(wanted),
    }
}

/// Whether a second API is needed, with the version that the API's own pods have not been told of.
pub fn is_changing(context: &Context<'_>) -> bool {
    let wanted = twin::wanted(context, SECRET).ok();
    let told = told(context, VARIABLE).filter(|_| takes_turns(context.spec));
    wanted.zip(told).is_some_and(|(wanted, told)| wanted.content.reveal() != told)
}

/// Whether the API's pods are to be told of that version now.
pub fn is_telling(context: &Context<'_>) -> bool {
    is_changing(context)
        && matches!((known(context), twin::wanted(context, SECRET)), (Ok(known), Ok(wanted)) if known == wanted)
}

/// Whether the API knows the newest version.
pub fn is_settled(context: &Context<'_>) -> bool {
    !is_changing(context)
}

/// The version of the key, where callers find the pods that know it by a Service of their own.
pub fn service(context: &Context<'_>, key: Result<&Payload, Wait>) -> Option<u64> {
    let version = key.ok().map(|payload| payload.version).filter(|version| *version > 1);
    version.filter(|_| takes_turns(context.spec))
}
