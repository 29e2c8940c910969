//! Servers of which two take turns (`rotation::twin`), as objects: which is declared, what the switch needs, what stays.

use crate::resources::{Declared, Desired, ResourceId, Wait};
use crate::rotation::inner;
use crate::rotation::twin::{self, Server, Twin};
use crate::slice::Slice;

use super::scope::Scope;
use super::{Kind, agent, inner_api};

/// The one that is to serve, as it is when its turn has not ended, and what stays of the other.
pub fn declare(
    scope: &Scope<'_>,
    server: Server,
    declare: impl FnOnce(Twin) -> Vec<Declared>,
) -> Vec<Declared> {
    let target = twin::target(scope.context, server);
    let mut all = declare(target);
    if twin::is_held(scope.context, server) {
        all.iter_mut().for_each(|declared| declared.desired = Desired::Found);
    }
    all.extend(twin::draining(scope.context, server).map(|(id, wait)| {
        let desired = Desired::Waiting(vec![wait]);
        Declared { id, slice: Slice::Workload, needs: vec![], desired }
    }));
    all
}

/// Names of the components that are there or are to be, in their order.
pub fn components(scope: &Scope<'_>, server: Server) -> Vec<&'static str> {
    let standing = twin::standing(scope.context, server);
    let mut all: Vec<&str> = standing.into_iter().map(|twin| server.component(twin)).collect();
    all.sort_unstable();
    all
}

/// Deployments of the components that are there or are to be.
pub fn deployments(scope: &Scope<'_>, server: Server) -> Vec<ResourceId> {
    components(scope, server).into_iter().map(|component| deployment(scope, component)).collect()
}

/// What has to stand before the callers are told of another server, or of another key.
pub fn gates(scope: &Scope<'_>) -> Vec<ResourceId> {
    let switching = Server::ALL.into_iter().filter(|server| twin::is_switching(scope.context, *server));
    let mut all = Vec::new();
    for server in switching {
        let target = twin::target(scope.context, server);
        let beside = (server == Server::Agent).then(|| agent::sandbox_name(target));
        for component in beside.into_iter().chain([server.component(target)]) {
            let name = scope.names().component(component);
            all.extend([deployment(scope, component), scope.id(Kind::Service, &name)]);
            all.extend(policy(scope, component));
        }
    }
    if inner::is_telling(scope.context) {
        all.push(deployment(scope, inner_api::COMPONENT));
    }
    if !all.is_empty() {
        all.extend(["api", "worker"].into_iter().filter_map(|component| policy(scope, component)));
    }
    all
}

/// What the switch waits for beyond that.
pub fn wait(scope: &Scope<'_>) -> Option<Wait> {
    twin::warming(scope.context)
}

fn policy(scope: &Scope<'_>, component: &str) -> Option<ResourceId> {
    let is_wanted = scope.spec().enable_network_segmentation;
    is_wanted.then(|| scope.id(Kind::NetworkPolicy, &scope.names().component(component)))
}

fn deployment(scope: &Scope<'_>, component: &str) -> ResourceId {
    scope.id(Kind::Deployment, &scope.names().component(component))
}
