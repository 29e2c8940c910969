//! Servers of which two take turns (`rotation::twin`), as objects: which is declared, and what stays of the other one.

use crate::resources::{Declared, Desired, ResourceId, kubernetes};
use crate::rotation::server::{Server, Twin};
use crate::rotation::twin;

use super::scope::Scope;

/// The one that is to serve, and as long as it is called, the other one as it is.
pub fn declare(scope: &Scope<'_>, server: Server, declare: impl Fn(Twin) -> Vec<Declared>) -> Vec<Declared> {
    let mut all = Vec::new();
    for twin in kept(scope, server) {
        let is_target = twin == twin::target(scope.context, server);
        let is_let_be = !is_target || twin::is_held(scope.context, server);
        for mut declared in declare(twin) {
            let is_there = scope.context.seen.body(&declared.id).is_some();
            if is_let_be && is_there {
                declared.desired = Desired::Found;
            }
            all.extend((is_target || is_there).then_some(declared));
        }
    }
    if let Some((id, wait)) = twin::draining(scope.context, server) {
        let old = all.iter_mut().find(|declared| declared.id == id);
        old.into_iter().for_each(|declared| declared.desired = Desired::Waiting(vec![wait.clone()]));
    }
    all
}

/// The one that is to serve, and the other one as long as it is called.
fn kept(scope: &Scope<'_>, server: Server) -> Vec<Twin> {
    let target = twin::target(scope.context, server);
    let is_called =
        twin::is_switching(scope.context, server) || twin::draining(scope.context, server).is_some();
    std::iter::once(target).chain(is_called.then_some(target.other())).collect()
}

/// Names of the components that are to be there, in their order.
pub fn components(scope: &Scope<'_>, server: Server) -> Vec<&'static str> {
    let mut all: Vec<&str> = kept(scope, server).into_iter().map(|twin| server.component(twin)).collect();
    all.sort_unstable();
    all
}

/// Deployments of the components that are there or are to be.
pub fn deployments(scope: &Scope<'_>, server: Server) -> Vec<ResourceId> {
    let standing = twin::standing(scope.context, server).into_iter();
    standing.map(|twin| kubernetes::deployment(scope.context, server.component(twin))).collect()
}
