//! The certificate map that the Gateway names.
//!
//! Identity: `projects/<p>/locations/global/certificateMaps/<prefix>-map`. Desired: labels. Readiness: at once; it serves
//! whatever entries it has (Certificate Manager v1, no etag).

use serde_json::json;

use crate::resources::{Context, Declared, ResourceId};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::{Kind, certificate, declared, labels, ready_or_waiting};

/// Certificate Manager v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "certificatemanager.googleapis.com",
    get: "certificatemanager.projects.locations.certificateMaps.get",
    create: Create::NamedInQuery {
        method_id: "certificatemanager.projects.locations.certificateMaps.create",
        parameter: "certificateMapId",
    },
    update: Update::Masked {
        method_id: "certificatemanager.projects.locations.certificateMaps.patch",
        etag: false,
    },
    delete: Some("certificatemanager.projects.locations.certificateMaps.delete"),
    labels: Some("/labels"),
    ..READ_ONLY
};

/// The map's address.
pub fn id(context: &Context<'_>) -> ResourceId {
    let (project, name) = (&context.names.project, context.names.component("map"));
    ResourceId::google(
        Kind::CertificateMap,
        format!("projects/{project}/locations/global/certificateMaps/{name}"),
    )
}

/// The map, when there is a domain to serve.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    if certificate::domains(context).is_empty() {
        return Vec::new();
    }
    let body = json!({"labels": labels::all(context), "description": "Certificates of a Dify deployment"});
    vec![declared(context, id(context), Slice::Exposure, ready_or_waiting(Ok(body)), Vec::new())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::google::testing::{declared, platform};
    use crate::spec::Spec;

    #[test]
    fn there_is_a_map_only_for_a_domain() {
        assert!(declared(Spec::default(), &platform(), declare).is_empty());
        let domain = Spec {
            enable_custom_domain: true,
            application_domains: vec!["dify.example.com".into()],
            ..Spec::default()
        };
        assert_eq!(declared(domain, &platform(), declare)[0].id.short_name(), "appdifydemo0a1b2c3d-map");
    }
}
