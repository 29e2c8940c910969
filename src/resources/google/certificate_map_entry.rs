//! Which certificate a domain is served with.
//!
//! Identity: `<map>/certificateMapEntries/<prefix>-<hash of the domain>`. Desired: hostname and certificate. It is made as
//! soon as the certificate exists, not when it is active: the load balancer proves the domain by serving it.
//! Readiness: at once; it is `PENDING` until a proxy uses the map (Certificate Manager v1, no etag).

use serde_json::{Value, json};

use crate::resources::{Context, Declared, ResourceId, Wait};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::{Kind, certificate, certificate_map, declared, labels, ready_or_waiting};

/// Certificate Manager v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "certificatemanager.googleapis.com",
    get: "certificatemanager.projects.locations.certificateMaps.certificateMapEntries.get",
    create: Create::NamedInQuery {
        method_id: "certificatemanager.projects.locations.certificateMaps.certificateMapEntries.create",
        parameter: "certificateMapEntryId",
    },
    update: Update::Masked {
        method_id: "certificatemanager.projects.locations.certificateMaps.certificateMapEntries.patch",
        etag: false,
    },
    delete: Some("certificatemanager.projects.locations.certificateMaps.certificateMapEntries.delete"),
    labels: Some("/labels"),
    immutable: &[("/hostname", "an entry is for one hostname")],
    ..READ_ONLY
};

/// The address of a domain's entry.
pub fn id(context: &Context<'_>, domain: &str) -> ResourceId {
    let (map, name) = (certificate_map::id(context).name, certificate::name(context, domain));
    ResourceId::google(Kind::CertificateMapEntry, format!("{map}/certificateMapEntries/{name}"))
}

/// An entry for each domain.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    certificate::domains(context)
        .into_iter()
        .map(|domain| {
            let needs = vec![certificate_map::id(context)];
            let desired = ready_or_waiting(body(context, domain));
            declared(context, id(context, domain), Slice::Exposure, desired, needs)
        })
        .collect()
}

fn body(context: &Context<'_>, domain: &str) -> Result<Value, Wait> {
    let certificate = certificate::id(context, domain);
    if context.seen.body(&certificate).is_none() {
        return Err(Wait::dependency(format!("the certificate of {domain} does not exist yet")));
    }
    Ok(json!({"hostname": domain, "certificates": [certificate.name], "labels": labels::all(context)}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Desired;
    use crate::resources::google::testing::{body, declared, note, platform};
    use crate::spec::Spec;

    #[test]
    fn an_entry_does_not_wait_for_its_certificate_to_be_active() {
        let spec = Spec {
            enable_custom_domain: true,
            application_domains: vec!["dify.example.com".into()],
            ..Spec::default()
        };
        let mut seen = platform();
        assert!(matches!(declared(spec.clone(), &seen, declare)[0].desired, Desired::Waiting(_)));
        let certificate = declared(spec.clone(), &seen, certificate::declare).remove(0).id.name;
        note(&mut seen, Kind::Certificate, &certificate, json!({"managed": {"state": "PROVISIONING"}}));
        let entries = declared(spec, &seen, declare);
        assert_eq!(body(&entries[0])["certificates"][0], certificate.as_str());
    }
}
