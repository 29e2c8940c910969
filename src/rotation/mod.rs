//! Rotation: a procedure that is more than convergence, as a pure machine over what was seen.
//!
//! `machine` decides about the two database logins and knows nothing of clouds; `sight` makes its view of an inventory;
//! `wish` reads why something should rotate, `schedule` puts a reminder on the secret itself. `keys` is about every other
//! secret of the deployment: `redis` takes two passwords at a time, of each `server` two take turns as `twin` says, and
//! `inner` is the key that plugins show the API. `leaving` is about who may still know an old one. The resources that an
//! arrow changes ask here ([`turn`]) and declare it, so that each arrow is a step like any other.

pub mod inner;
pub mod keys;
pub mod leaving;
pub mod machine;
pub mod redis;
pub mod refusals;
pub mod schedule;
pub mod server;
pub mod sight;
pub mod twin;
pub mod wish;

pub use machine::{Arrow, Mark, Next, Side};
pub use refusals::findings;
pub use sight::{LABEL, mark, sight};

use crate::resources::{Context, ResourceId, kubernetes};

/// What the rotation of the database password wants done next; `None` when that cannot be told from what was seen.
pub fn turn(context: &Context<'_>) -> Option<Next> {
    sight(context).map(|sight| machine::next(&sight))
}

/// The arrow to be taken next, if it is one of these.
pub fn arrow<T>(context: &Context<'_>, pick: impl FnOnce(Arrow) -> Option<T>) -> Option<T> {
    match turn(context)? {
        Next::Take(arrow) => pick(arrow),
        Next::Settled | Next::Wait(_) | Next::Until(..) | Next::Stuck(..) => None,
    }
}

/// Everything that runs. Before a password or a key is drawn, all of it has to be as it should be: who does not
/// run yet as declared may still be using the one before.
pub fn workloads(context: &Context<'_>) -> Vec<ResourceId> {
    [kubernetes::Kind::Deployment, kubernetes::Kind::StatefulSet]
        .into_iter()
        .flat_map(|kind| context.seen.of_kind(crate::resources::Kind::Kubernetes(kind)))
        .map(|(id, _)| id.clone())
        .collect()
}
