//! The collections and what is different about each.

/// One collection of Compute resources.
pub struct Kind {
    /// Name in paths.
    pub collection: &'static str,
    /// The `kind` of its documents.
    pub kind: &'static str,
    /// Where it lives: `global`, `regions` or `zones`.
    scopes: &'static [&'static str],
    /// Status while it is being made, and after; empty for kinds without one.
    pub status: (&'static str, &'static str),
    /// Whether it has labels with a fingerprint.
    pub labelled: bool,
    /// Whether it has a fingerprint of its own that a patch must carry.
    pub fingerprinted: bool,
}

const KINDS: [Kind; 12] = [
    kind("addresses", "compute#address", &["global", "regions"], ("RESERVING", "RESERVED"), true, false),
    kind("firewalls", "compute#firewall", &["global"], ("", ""), false, false),
    kind("networks", "compute#network", &["global"], ("", ""), false, false),
    kind("subnetworks", "compute#subnetwork", &["regions"], ("", ""), false, true),
    kind("disks", "compute#disk", &["zones"], ("CREATING", "READY"), true, false),
    kind("instances", "compute#instance", &["zones"], ("PROVISIONING", "RUNNING"), true, false),
    kind("resourcePolicies", "compute#resourcePolicy", &["regions"], ("CREATING", "READY"), false, false),
    kind("securityPolicies", "compute#securityPolicy", &["global"], ("", ""), true, true),
    kind("snapshots", "compute#snapshot", &["global"], ("CREATING", "READY"), true, false),
    kind("sslPolicies", "compute#sslPolicy", &["global"], ("", ""), false, true),
    kind("backendServices", "compute#backendService", &["global"], ("", ""), false, true),
    kind("healthChecks", "compute#healthCheck", &["global"], ("", ""), false, false),
];

const fn kind(
    collection: &'static str,
    kind: &'static str,
    scopes: &'static [&'static str],
    status: (&'static str, &'static str),
    labelled: bool,
    fingerprinted: bool,
) -> Kind {
    Kind { collection, kind, scopes, status, labelled, fingerprinted }
}

/// The kind of a collection in a scope (`projects/p/zones/z`).
pub fn find(collection: &str, scope: &str) -> Option<&'static Kind> {
    let place = scope.split('/').nth(2)?;
    KINDS.iter().find(|kind| kind.collection == collection && kind.scopes.contains(&place))
}

/// The kind of a collection wherever it lives.
pub fn named(collection: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.collection == collection)
}
