//! The sandbox's key: two sandboxes take turns, because one knows one key only.
//!
//! ```text
//! settled ─draw─► bring up the other one with the new key ─► switch ═► roll out ─► drain ─► remove the old one
//! ```
//!
//! It keeps nothing, so two of them may run at once. Its callers read where it is and which key it takes from one
//! Secret, so that whoever starts at any moment reads a pair that fits: writing that Secret is the switch. It needs
//! the other sandbox to stand (a need like any other), and the old one stays until nobody can be left that knows it.
//! Where it stands is recognised by that Secret, and by which of the two are there.

use crate::resources::kubernetes::{self, Kind};
use crate::resources::{Context, Kind as AnyKind, ResourceId, Wait};
use crate::spec::Spec;

use super::leaving::leaving;
use super::sight::told;

/// The end of the secret's name.
pub const SECRET: &str = "code-execution-api-key";

/// The variable with the key.
pub const KEY: &str = "CODE_EXECUTION_API_KEY";

/// The variable that says where the sandbox is.
pub const ENDPOINT: &str = "CODE_EXECUTION_ENDPOINT";

/// One of the two sandboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The one that is there before any rotation.
    A,
    /// The one that comes up beside it.
    B,
}

impl Twin {
    /// Its component's name. The first one is what there is before any rotation.
    pub fn component(self) -> &'static str {
        if self == Twin::A { "sandbox" } else { "sandbox-b" }
    }

    fn other(self) -> Self {
        if self == Twin::A { Twin::B } else { Twin::A }
    }
}

/// The one that is to serve with the secret's newest version.
pub fn target(context: &Context<'_>) -> Twin {
    let newest = context.seen.payloads.get(&context.names.secret(SECRET));
    let (Some(serving), Some(newest)) = (serving(context), newest) else { return Twin::A };
    match told(context, KEY) {
        Some(shown) if shown != newest.content.reveal() => serving.other(),
        _ => serving,
    }
}

/// Whether the callers are still to be told of the one that is to serve.
pub fn is_switching(context: &Context<'_>) -> bool {
    serving(context).is_some_and(|serving| serving != target(context))
}

/// Those that are there or are to be: the network lets them be called.
pub fn standing(context: &Context<'_>) -> Vec<Twin> {
    let target = target(context);
    let other = Some(target.other()).filter(|other| is_there(context, *other));
    std::iter::once(target).chain(other).collect()
}

/// The one that has served, with the reason why it still stands.
pub fn draining(context: &Context<'_>) -> Option<(ResourceId, Wait)> {
    let old = target(context).other();
    if is_switching(context) || !is_there(context, old) {
        return None;
    }
    let wait = leaving(context)?;
    Some((
        id(context, old),
        Wait::new(wait.kind, format!("the sandbox with the old key stays: {}", wait.why)),
    ))
}

/// The one that the callers are told of; `None` before there are any, and when the user decides.
fn serving(context: &Context<'_>) -> Option<Twin> {
    let told_key = told(context, KEY)?;
    let endpoint = told(context, ENDPOINT).unwrap_or_default();
    let is_second = endpoint.contains(&format!("{}:", context.names.component(Twin::B.component())));
    let takes_turns = !told_key.is_empty() && takes_turns(context.spec);
    takes_turns.then_some(if is_second { Twin::B } else { Twin::A })
}

/// Not when the user says where the sandbox is or which key it takes.
fn takes_turns(spec: &Spec) -> bool {
    let components = [&spec.worker, &spec.beat, &spec.api_websocket];
    let own = components.into_iter().filter_map(|component| component.env_vars.as_ref());
    let names = own.chain([&spec.environment_variables, &spec.secret_environment_variables]);
    let mut names = names.flat_map(|variables| variables.keys()).chain(spec.explicit_secret_values.keys());
    kubernetes::enabled(&spec.sandbox, true) && !names.any(|name| name == KEY || name == ENDPOINT)
}

fn is_there(context: &Context<'_>, twin: Twin) -> bool {
    context.seen.body(&id(context, twin)).is_some()
}

fn id(context: &Context<'_>, twin: Twin) -> ResourceId {
    let namespace = context.names.namespace(context.spec);
    let name = context.names.component(twin.component());
    ResourceId { kind: AnyKind::Kubernetes(Kind::Deployment), name: format!("{namespace}/{name}") }
}
