//! Firewall rules.
//!
//! Identity: `projects/<p>/global/firewalls/<f>`. Desired: direction, ports, source ranges and target tag. Compare:
//! all of them, ranges and tags as sets. Rules have no labels and no fingerprint: whose one is says its name and
//! description. Changes carry a request id (Compute v1).

use super::descriptor::{Create, Descriptor, Precondition, READ_ONLY, Update};

/// Compute v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "compute.googleapis.com",
    base: "compute/v1",
    get: "compute.firewalls.get",
    create: Create::NamedInBody { method_id: "compute.firewalls.insert" },
    update: Update::Merged { method_id: "compute.firewalls.patch", precondition: Precondition::RequestId },
    delete: Some("compute.firewalls.delete"),
    delete_precondition: Precondition::RequestId,
    immutable: &[("/network", "a rule belongs to its network")],
    unordered: &["/sourceRanges", "/targetTags"],
    ..READ_ONLY
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::plan::Body;
    use crate::resources::google::{Kind, driver};
    use crate::resources::{Document, ResourceId};

    #[test]
    fn only_what_differs_is_sent() {
        let id = ResourceId::google(Kind::Firewall, "projects/p/global/firewalls/f");
        let desired = Document::new(
            json!({"network": "projects/p/global/networks/n", "sourceRanges": ["10.0.0.0/14"]}),
        );
        let seen = json!({"network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/n",
                          "sourceRanges": ["0.0.0.0/0"]});
        let changes = driver::compare(Kind::Firewall, &desired, &seen);
        let call = driver::update(&id, &desired, &seen, &changes, 1).unwrap();
        let Body::Document(body) = call.body else { panic!("no body") };
        assert_eq!(*body.wire(), json!({"sourceRanges": ["10.0.0.0/14"]}));
        assert_eq!(call.query[0].0, "requestId");
    }
}
