//! Servers of which two take turns (`rotation::twin`), as objects: which is declared, and what stays of the other one.

use crate::resources::{Declared, Desired, ResourceId, kubernetes};
use crate::rotation::server::{Server, Twin};
use crate::rotation::twin;

use super::Kind;
use super::scope::Scope;

/// The one that is to serve, and as long as it is called, the other one as it is.
pub fn declare(scope: &Scope<'_>, server: Server, declare: impl Fn(Twin) -> Vec<Declared>) -> Vec<Declared> {
    let mut all = Vec::new();
    // While data is replaced, nothing that writes is let be.
    let is_held = twin::is_held(scope.context, server) && !twin::is_at_rest(scope.context);
    for twin in kept(scope, server) {
        let is_target = twin == twin::target(scope.context, server);
        let is_let_be = !is_target || is_held;
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

/// The one that is to serve, and the other one as long as it is known to be called.
fn kept(scope: &Scope<'_>, server: Server) -> Vec<Twin> {
    let target = twin::target(scope.context, server);
    let is_called =
        twin::is_switching(scope.context, server) || twin::draining(scope.context, server).is_some();
    let other = Some(target.other()).filter(|_| is_called && !twin::is_at_rest(scope.context));
    std::iter::once(target).chain(other).collect()
}

/// Names of the components that are declared, in their order.
pub fn declared(scope: &Scope<'_>, server: Server) -> Vec<&'static str> {
    names(kept(scope, server), server)
}

/// Names of the components that are there or are to be, in their order: who may still be called, the network lets
/// through.
pub fn components(scope: &Scope<'_>, server: Server) -> Vec<&'static str> {
    names(twin::standing(scope.context, server), server)
}

fn names(twins: Vec<Twin>, server: Server) -> Vec<&'static str> {
    let mut all: Vec<&str> = twins.into_iter().map(|twin| server.component(twin)).collect();
    all.sort_unstable();
    all
}

/// What has to let calls through before the callers are told of another server.
pub fn policies(scope: &Scope<'_>) -> Vec<ResourceId> {
    let context = scope.context;
    let changes_over = |server: &Server| {
        twin::is_switching(context, *server)
            && twin::told_of(context, *server) == twin::target(context, *server)
    };
    let mut components: Vec<&str> = Vec::new();
    for server in Server::ALL.into_iter().filter(changes_over) {
        let target = twin::target(context, server);
        components.extend(server.beside(target).into_iter().chain([
            server.component(target),
            "api",
            "worker",
        ]));
    }
    let is_wanted = scope.spec().enable_network_segmentation;
    let names =
        components.into_iter().filter(|_| is_wanted).map(|component| scope.names().component(component));
    names.map(|name| scope.id(Kind::NetworkPolicy, &name)).collect()
}

/// Deployments of the components that are there or are to be.
pub fn deployments(scope: &Scope<'_>, server: Server) -> Vec<ResourceId> {
    let standing = twin::standing(scope.context, server).into_iter();
    standing.map(|twin| kubernetes::deployment(scope.context, server.component(twin))).collect()
}
