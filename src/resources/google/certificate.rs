//! Google-managed certificates, one per domain.
//!
//! Identity: `projects/<p>/locations/global/certificates/<prefix>-<hash of the domain>`, because a certificate's domains
//! never change. Desired: the domain, authorised by the load balancer. Compare: labels. Readiness: `ACTIVE`; a failed
//! check of the domain waits for the user's DNS and the certificate is never made anew, since issuers limit attempts
//! (Certificate Manager v1, no etag).

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::resources::{Context, Declared, Readiness, ResourceId, Wait, WaitKind};
use crate::slice::Slice;

use super::descriptor::{Create, Descriptor, READ_ONLY, Update};
use super::{Kind, declared, labels, ready_or_waiting, text};

/// Certificate Manager v1.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "certificatemanager.googleapis.com",
    get: "certificatemanager.projects.locations.certificates.get",
    create: Create::NamedInQuery {
        method_id: "certificatemanager.projects.locations.certificates.create",
        parameter: "certificateId",
    },
    update: Update::Masked {
        method_id: "certificatemanager.projects.locations.certificates.patch",
        etag: false,
    },
    delete: Some("certificatemanager.projects.locations.certificates.delete"),
    labels: Some("/labels"),
    immutable: &[("/managed/domains", "a certificate's domains are fixed when it is made")],
    unordered: &["/managed/domains"],
    readiness,
    ..READ_ONLY
};

/// The domains to serve, each once, in the spec's order.
pub fn domains<'a>(context: &Context<'a>) -> Vec<&'a str> {
    let spec = context.spec;
    if !spec.enable_custom_domain || spec.service_type == "ClusterIP" {
        return Vec::new();
    }
    let mut domains: Vec<&str> = Vec::new();
    for domain in &spec.application_domains {
        if !domains.contains(&domain.as_str()) {
            domains.push(domain);
        }
    }
    domains
}

/// Last part of the names of a domain's certificate and map entry.
pub fn name(context: &Context<'_>, domain: &str) -> String {
    let hash = hex::encode(Sha256::digest(domain.to_ascii_lowercase()));
    context.names.component(&hash[..8])
}

/// The address of a domain's certificate.
pub fn id(context: &Context<'_>, domain: &str) -> ResourceId {
    let (project, name) = (&context.names.project, name(context, domain));
    ResourceId::google(Kind::Certificate, format!("projects/{project}/locations/global/certificates/{name}"))
}

/// A certificate for each domain.
pub fn declare(context: &Context<'_>) -> Vec<Declared> {
    domains(context)
        .into_iter()
        .map(|domain| {
            let body = json!({"managed": {"domains": [domain]}, "labels": labels::all(context)});
            declared(context, id(context, domain), Slice::Exposure, ready_or_waiting(Ok(body)), Vec::new())
        })
        .collect()
}

fn readiness(seen: &Value) -> Readiness {
    let state = text(seen, "/managed/state");
    if state == "ACTIVE" {
        return Readiness::Ready;
    }
    let attempts = seen.pointer("/managed/authorizationAttemptInfo").and_then(Value::as_array);
    let failed = attempts.into_iter().flatten().find(|attempt| text(attempt, "/state") == "FAILED");
    let domains = seen.pointer("/managed/domains").map(Value::to_string).unwrap_or_default();
    let domain = failed.map_or(domains.as_str(), |attempt| text(attempt, "/domain"));
    let why = match failed.map(|attempt| text(attempt, "/failureReason")) {
        Some("CONFIG") => format!(
            "{domain} does not lead to the front door yet: set its A record to the front door's address"
        ),
        Some("CAA") => format!("the CAA records of {domain} forbid the certificate: allow pki.goog"),
        Some("RATE_LIMITED") => {
            format!("the issuer limits certificates for {domain}; it tries again by itself")
        }
        Some(reason) => format!("the certificate of {domain} failed ({reason}); it is tried again by itself"),
        None if state == "FAILED" => {
            let reason = text(seen, "/managed/provisioningIssue/reason");
            format!("the certificate of {domain} failed ({reason}); check the domain's DNS records")
        }
        None => {
            let why = format!("the certificate of {domain} is being issued");
            return Readiness::NotYet(Wait::new(WaitKind::LongOperation, why));
        }
    };
    Readiness::NotYet(Wait::new(WaitKind::User, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_that_leads_elsewhere_waits_for_the_user() {
        let seen = json!({"managed": {"state": "FAILED", "domains": ["dify.example.com"], "authorizationAttemptInfo": [
            {"domain": "dify.example.com", "state": "FAILED", "failureReason": "CONFIG"}]}});
        let Readiness::NotYet(wait) = readiness(&seen) else { panic!("not a wait") };
        assert_eq!(wait.kind, WaitKind::User);
        assert!(wait.why.contains("dify.example.com") && wait.why.contains("A record"));
    }

    #[test]
    fn issuing_is_waited_for() {
        let Readiness::NotYet(wait) = readiness(&json!({"managed": {"state": "PROVISIONING"}})) else {
            panic!()
        };
        assert_eq!(wait.kind, WaitKind::LongOperation);
        assert_eq!(readiness(&json!({"managed": {"state": "ACTIVE"}})), Readiness::Ready);
    }
}
