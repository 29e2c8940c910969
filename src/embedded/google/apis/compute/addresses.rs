//! Addresses: which number a reservation gets.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::{SERVICE, fetch, path_of};
use crate::embedded::google::context::Cx;
use crate::embedded::google::error::ApiError;
use crate::embedded::google::operation::COMPUTE_LINK;
use crate::embedded::google::store::text;

/// The range for documentation: nobody can take such an address for one of theirs.
const EXTERNAL: &str = "203.0.113.0/24";
/// Where ranges for private services are taken from.
const PEERING: &str = "10.100.0.0/14";

/// Fills in what the service decides.
pub fn prepare(cx: &Cx, document: &mut Value, path: &str) -> Result<(), ApiError> {
    let global = path.contains("/global/");
    let kind =
        Some(text(document, "addressType")).filter(|kind| !kind.is_empty()).unwrap_or("EXTERNAL").to_owned();
    document["addressType"] = json!(kind);
    if document.get("description").is_none() {
        document["description"] = json!("");
    }
    for field in ["network", "subnetwork"] {
        if let Some(link) = document[field].as_str().map(str::to_owned) {
            fetch(cx, path_of(&link))?;
            document[field] = json!(format!("{COMPUTE_LINK}/{}", path_of(&link)));
        }
    }
    if kind == "EXTERNAL" {
        document["networkTier"] = document.get("networkTier").cloned().unwrap_or_else(|| json!("PREMIUM"));
        if global && document.get("ipVersion").is_none() {
            document["ipVersion"] = json!("IPV4");
        }
    }
    if document.get("address").is_none() {
        document["address"] = json!(choose(cx, document, &kind)?.to_string());
    }
    Ok(())
}

fn choose(cx: &Cx, document: &Value, kind: &str) -> Result<Ipv4Addr, ApiError> {
    if kind == "EXTERNAL" {
        return free(cx, EXTERNAL);
    }
    if text(document, "purpose") == "VPC_PEERING" {
        let length =
            document["prefixLength"].as_u64().and_then(|length| u8::try_from(length).ok()).unwrap_or(16);
        let ranges = PEERING.parse::<Ipv4Net>().ok().and_then(|range| range.subnets(length).ok());
        let taken = taken(cx);
        let free =
            ranges.into_iter().flatten().map(|range| range.network()).find(|start| !taken.contains(start));
        return free.ok_or_else(exhausted);
    }
    free(cx, &subnet_range(cx, text(document, "subnetwork"))?)
}

/// The primary range of a subnet.
pub fn subnet_range(cx: &Cx, subnet: &str) -> Result<String, ApiError> {
    if subnet.is_empty() {
        return Err(ApiError::invalid(
            "Invalid value for field 'resource.subnetwork': ''. Subnetwork is required.",
        ));
    }
    Ok(text(&fetch(cx, path_of(subnet))?, "ipCidrRange").to_owned())
}

/// The lowest free address of a range, leaving out the first two and the last two.
pub fn free(cx: &Cx, range: &str) -> Result<Ipv4Addr, ApiError> {
    let range: Ipv4Net = range.parse().map_err(|_| ApiError::invalid(format!("Bad range {range}.")))?;
    let taken = taken(cx);
    let last = u32::from(range.broadcast()).saturating_sub(2);
    let mut hosts = range.hosts().skip(1);
    hosts.find(|host| !taken.contains(host) && u32::from(*host) <= last).ok_or_else(exhausted)
}

fn exhausted() -> ApiError {
    ApiError::new(403, "RESOURCE_EXHAUSTED", "quotaExceeded", "Quota 'ADDRESSES' exceeded.")
}

/// Every address that a reservation or an interface holds.
fn taken(cx: &Cx) -> BTreeSet<Ipv4Addr> {
    let mut taken = BTreeSet::new();
    for (_, document) in cx.world.below(&format!("{SERVICE}/projects/{}/", cx.site.project)) {
        let mut note = |address: &Value| {
            taken.extend(address.as_str().and_then(|address| address.parse::<Ipv4Addr>().ok()));
        };
        note(&document["address"]);
        for interface in document["networkInterfaces"].as_array().into_iter().flatten() {
            note(&interface["networkIP"]);
            interface["accessConfigs"]
                .as_array()
                .into_iter()
                .flatten()
                .for_each(|config| note(&config["natIP"]));
        }
    }
    taken
}
