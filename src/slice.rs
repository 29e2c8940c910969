//! Slices: the parts of a deployment that one handler may write.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of a deployment. The order is the one people read it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Slice {
    /// APIs, service accounts and bindings.
    Project,
    /// Network and cluster, discovered.
    Network,
    /// Generated secrets and their versions.
    Secrets,
    /// Cloud SQL instance, databases and login roles.
    Database,
    /// Buckets and who may use them.
    Storage,
    /// The VM with NFS and Redis.
    Nfs,
    /// Image repository and resolved digests.
    Images,
    /// Namespace and what belongs to all of it: quota, accounts, policies.
    Cluster,
    /// Jobs: db-init, schema migration, the user's.
    Migration,
    /// What runs: Dify's components and what they read.
    Workload,
    /// The front door: address, certificate, gateway, routes.
    Exposure,
    /// Uptime checks and alerts.
    Observability,
    /// Build triggers and promotion.
    Delivery,
    /// Backups and imports.
    Backup,
    /// Sign-in, firewall and perimeter.
    Perimeter,
}

impl Slice {
    /// Every slice, in reading order.
    pub const ALL: [Slice; 15] = [
        Slice::Project,
        Slice::Network,
        Slice::Secrets,
        Slice::Database,
        Slice::Storage,
        Slice::Nfs,
        Slice::Images,
        Slice::Cluster,
        Slice::Migration,
        Slice::Workload,
        Slice::Exposure,
        Slice::Observability,
        Slice::Delivery,
        Slice::Backup,
        Slice::Perimeter,
    ];

    /// The slice's name in specs, status and on the terminal.
    pub fn name(self) -> &'static str {
        match self {
            Slice::Project => "project",
            Slice::Network => "network",
            Slice::Secrets => "secrets",
            Slice::Database => "database",
            Slice::Storage => "storage",
            Slice::Nfs => "nfs",
            Slice::Images => "images",
            Slice::Cluster => "cluster",
            Slice::Migration => "migration",
            Slice::Workload => "workload",
            Slice::Exposure => "exposure",
            Slice::Observability => "observability",
            Slice::Delivery => "delivery",
            Slice::Backup => "backup",
            Slice::Perimeter => "perimeter",
        }
    }
}
