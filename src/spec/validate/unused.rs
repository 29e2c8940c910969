//! What is asked for and cannot have an effect.

use super::{note, warning};
use crate::spec::finding::Finding;
use crate::spec::parse::Given;
use crate::spec::variable::Convergence;
use crate::spec::{Spec, VARIABLES, defaults};

/// P-60: variables without effect. The catalogue's are taken without a word.
pub(super) fn no_effect(spec: &Spec, given: &Given) -> Vec<Finding> {
    VARIABLES
        .iter()
        .filter(|variable| variable.convergence == Convergence::NoEffect && variable.group != 0)
        .filter(|variable| given.contains(variable.name) && defaults::differs(spec, variable.name))
        .map(|variable| {
            warning(variable.name)
                .message(format!("`{}` has no effect here", variable.name))
                .help(variable.description)
        })
        .collect()
}

/// P-39: a namespace labelled for a mesh that is not there leaves pods waiting for their side-car.
pub(super) fn mesh(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !spec.configure_service_mesh {
        return vec![];
    }
    vec![
        note("configure_service_mesh")
            .message("pods wait for ever for their side-car if the cluster has no managed service mesh")
            .help("See that the mesh is enabled on the cluster's fleet."),
    ]
}
