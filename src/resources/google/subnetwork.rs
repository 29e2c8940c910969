//! The subnet of the deployment's region, found on the network.
//!
//! Identity: `projects/<p>/regions/<r>/subnetworks/<s>`. It is the platform's; it has to exist, nothing is
//! compared. When no network can be told, the reason is for the user (V-35, V-36).

use crate::resources::{Context, Declared, Desired, ResourceId, facts};
use crate::slice::Slice;

use super::descriptor::{Descriptor, READ_ONLY};
use super::{Kind, declared};

/// Compute v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "compute.googleapis.com",
    base: "compute/v1",
    get: "compute.subnetworks.get",
    ..READ_ONLY
};

/// The subnet that the deployment uses.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    let (id, desired) = match facts::subnetwork(context) {
        Ok(id) => (id, Desired::Found),
        Err(wait) => {
            let (project, region) = (&context.names.project, &context.spec.region);
            // No subnet has this name; it stands for the one that is looked for.
            let name = format!("projects/{project}/regions/{region}/subnetworks/-");
            (ResourceId::google(Kind::Subnetwork, name), Desired::Waiting(vec![wait]))
        }
    };
    vec![declared(context, id, Slice::Network, desired, Vec::new())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Inventory;
    use crate::resources::WaitKind;
    use crate::resources::google::testing::{declared, platform};
    use crate::spec::Spec;

    #[test]
    fn the_subnet_is_found_or_the_user_is_told() {
        let found = declared(Spec::default(), &platform(), declare);
        assert!(matches!(found[0].desired, Desired::Found));
        assert_eq!(found[0].id.short_name(), "main");

        let mut nothing = Inventory::default();
        nothing.listed.insert((crate::resources::Kind::Google(Kind::Subnetwork), "projects/p-1".into()));
        let Desired::Waiting(waits) = &declared(Spec::default(), &nothing, declare)[0].desired else {
            panic!()
        };
        assert_eq!(waits[0].kind, WaitKind::User);
    }
}
