//! Address ranges with a meaning.

/// Ranges that private clients come from (RFC 1918 and shared address space).
pub const PRIVATE: [&str; 4] = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"];

/// Private IPv4 ranges, the metadata server's with them, which egress to the internet leaves out.
pub const NOT_PUBLIC: [&str; 5] =
    ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"];

/// What user code may not reach: everything that is not public (upstream's list).
pub const DENIED: [&str; 14] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::1/128",
    "::ffff:0:0/96",
    "::/96",
    "fc00::/7",
    "fe80::/10",
];

/// Where Google's load balancers and their health checks come from
/// (<https://cloud.google.com/load-balancing/docs/firewall-rules>).
pub const LOAD_BALANCERS: [&str; 2] = ["130.211.0.0/22", "35.191.0.0/16"];

/// The metadata server, at its own address and at GKE's, with the ports that hand out identities
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy>).
pub const METADATA: [(&str, u16); 2] = [("169.254.169.254/32", 80), ("169.254.169.252/32", 988)];

/// Name servers outside the pod network: the cache on each node, and Cloud DNS.
pub const NAME_SERVERS: [&str; 2] = ["169.254.20.10/32", "169.254.169.254/32"];
