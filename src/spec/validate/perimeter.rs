//! Sign-in, firewall and service perimeter.

use ipnet::IpNet;

use super::{acknowledged, error, has_domain, has_front_door, note, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;

/// P-14: a front door that asks for a sign-in it cannot perform serves nobody.
pub(super) fn sign_in_client(spec: &Spec, _: &Given) -> Vec<Finding> {
    let parts = [
        ("iap_oauth_client_id", spec.iap_oauth_client_id.is_empty()),
        ("iap_oauth_client_secret", spec.iap_oauth_client_secret.is_empty()),
    ];
    parts
        .into_iter()
        .filter(|(_, missing)| spec.enable_iap && *missing)
        .map(|(variable, _)| {
            error(variable)
                .with(&["enable_iap"])
                .message(format!("`enable_iap` is on and `{variable}` is missing: nobody could sign in"))
                .help("Make an OAuth client for web applications and write its id and secret.")
        })
        .collect()
}

/// P-22: a sign-in that lets nobody in answers 403 to everybody.
pub(super) fn sign_in_principals(spec: &Spec, _: &Given) -> Vec<Finding> {
    let nobody = spec.iap_authorized_users.is_empty() && spec.iap_authorized_groups.is_empty();
    when(spec.enable_iap && nobody, || {
        error("iap_authorized_users")
            .with(&["iap_authorized_groups", "enable_iap"])
            .message("`enable_iap` is on and nobody may enter: every request would be answered with 403")
            .help("Write iap_authorized_users: [someone@example.com].")
    })
}

/// P-23: the consent screen wants an address to write to.
pub(super) fn support_address(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_iap && spec.iap_support_email.is_empty(), || {
        warning("iap_support_email")
            .with(&["enable_iap"])
            .message("the consent screen has no support address")
            .help("Write iap_support_email, or see that the project's consent screen has one already.")
    })
}

/// V-32: a cache answers before anybody has signed in.
pub(super) fn sign_in_and_cache(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_iap && spec.enable_cdn, || {
        error("enable_cdn")
            .with(&["enable_iap"])
            .message(
                "`enable_iap` and `enable_cdn` exclude each other: a cache would answer without a sign-in",
            )
            .help("Take one of the two out.")
    })
}

/// V-33: a sign-in needs HTTPS, and HTTPS needs a domain.
pub(super) fn sign_in_without_https(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_iap && !(has_domain(spec) && has_front_door(spec)), || {
        error("enable_iap")
            .with(&["enable_custom_domain", "application_domains", "service_type"])
            .message("`enable_iap` needs an HTTPS front door: a custom domain, and not ClusterIP")
            .help("Set enable_custom_domain: true and application_domains.")
    })
}

/// V-30: a firewall needs a front door to stand before.
pub(super) fn firewall_without_door(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_cloud_armor && !has_front_door(spec) && !spec.enable_custom_domain, || {
        error("enable_cloud_armor")
            .with(&["service_type", "enable_custom_domain"])
            .message("`enable_cloud_armor` has nothing to stand before: `service_type` is ClusterIP")
            .help("Write LoadBalancer, or take `enable_cloud_armor` out.")
    })
}

/// P-48: without exempt ranges a rule that fires wrongly locks the operators out too.
pub(super) fn firewall_without_bypass(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_cloud_armor && spec.admin_ip_ranges.is_empty(), || {
        warning("admin_ip_ranges")
            .with(&["enable_cloud_armor"])
            .message("the firewall exempts nobody: a false alarm locks you out too")
            .help("Write the ranges you administer from.")
    })
}

/// P-25: a perimeter enforced at once blocks calls nobody thought of.
pub(super) fn enforced_at_once(spec: &Spec, _: &Given) -> Vec<Finding> {
    let unmeant = spec.enable_vpc_sc && !spec.vpc_sc_dry_run && !acknowledged(spec, "vpc_sc_dry_run");
    when(unmeant, || {
        error("vpc_sc_dry_run")
            .with(&["enable_vpc_sc", "acknowledge"])
            .message("enforcing the perimeter blocks calls at once")
            .help("Run with vpc_sc_dry_run: true until its log is quiet; then add \"vpc_sc_dry_run\" to `acknowledge`.")
    })
}

/// P-26: a perimeter that lets no administrator in; the module skipped it silently.
pub(super) fn perimeter_without_admins(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_vpc_sc && spec.admin_ip_ranges.is_empty(), || {
        error("admin_ip_ranges")
            .with(&["enable_vpc_sc"])
            .message("`enable_vpc_sc` is on and `admin_ip_ranges` is empty: the perimeter would lock you out")
            .help("Write the ranges you administer from.")
    })
}

/// P-64: data-access logs are billed by volume.
pub(super) fn log_cost(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_audit_logging, || {
        note("enable_audit_logging")
            .message("detailed audit logs are billed by volume")
            .help("Watch the cost of Cloud Logging for a week.")
    })
}

/// V-43: ranges are ranges, and those of one network do not overlap.
pub(super) fn ranges(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut found = vec![];
    for (variable, list) in
        [("admin_ip_ranges", &spec.admin_ip_ranges), ("vpc_cidr_ranges", &spec.vpc_cidr_ranges)]
    {
        for (index, text) in list.iter().enumerate() {
            found.extend(range_fault(&format!("{variable}[{index}]"), text));
        }
    }
    let own = [
        ("prereq_gke_subnet_cidr", &spec.prereq_gke_subnet_cidr),
        ("prereq_subnet_cidr_override", &spec.prereq_subnet_cidr_override),
        ("prereq_gke_pod_cidr_override", &spec.prereq_gke_pod_cidr_override),
        ("prereq_gke_service_cidr_override", &spec.prereq_gke_service_cidr_override),
        ("prereq_gke_master_cidr_override", &spec.prereq_gke_master_cidr_override),
    ];
    let mut known: Vec<(&str, IpNet)> = vec![];
    for (variable, text) in own.into_iter().filter(|(_, text)| !text.is_empty()) {
        found.extend(range_fault(variable, text));
        let Ok(range) = text.parse::<IpNet>() else { continue };
        if let Some((other, _)) =
            known.iter().find(|(_, known)| known.contains(&range) || range.contains(known))
        {
            found.push(
                error(variable)
                    .with(&[*other])
                    .message(format!("`{variable}` and `{other}` overlap"))
                    .help("Give each a range of its own."),
            );
        }
        known.push((variable, range));
    }
    found
}

fn range_fault(path: &str, text: &str) -> Option<Finding> {
    let help = match text.parse::<IpNet>() {
        Ok(range) if range == range.trunc() => return None,
        Ok(range) => format!("Did you mean {}?", range.trunc()),
        Err(_) if text.parse::<std::net::IpAddr>().is_ok() => {
            format!("A single address is a range too: {text}/{}.", if text.contains(':') { 128 } else { 32 })
        }
        Err(_) => "Write it as 10.0.0.0/24.".to_owned(),
    };
    Some(error(path).message(format!("`{path}` is \"{text}\", which is no address range")).help(help))
}
