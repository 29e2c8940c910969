//! Redis: Dify's queue, locks and event bus.

use std::net::IpAddr;

use super::{error, note, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;

/// P-02: without Redis the workers start and nothing asynchronous ever happens.
pub(super) fn switched_off(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(!spec.enable_redis, || {
        error("enable_redis")
            .message(
                "Dify cannot run without Redis: workflows, indexing and streaming would stop without a word",
            )
            .help("Take `enable_redis` out, or set it to true.")
    })
}

/// P-02b: some host must be Redis.
pub(super) fn no_host(spec: &Spec, _: &Given) -> Vec<Finding> {
    let nowhere = spec.enable_redis && spec.redis_host.is_empty() && !spec.enable_nfs;
    when(nowhere, || {
        error("redis_host")
            .with(&["enable_nfs", "enable_redis"])
            .message("there is no Redis: `redis_host` is empty, and `enable_nfs: false` makes no VM that would run one")
            .help("Set `redis_host` to a Redis that the cluster reaches, or `enable_nfs` to true.")
    })
}

/// V-19: the port is a port.
pub(super) fn port(spec: &Spec, _: &Given) -> Vec<Finding> {
    let fits = spec.redis_port.parse::<u16>().is_ok_and(|port| port > 0);
    when(!fits, || {
        error("redis_port")
            .message("`redis_port` is no port number")
            .help("Write a number from 1 to 65535; 6379 is the usual one.")
    })
}

/// P-19: a host that is more than a host makes a broker address that parses into something else: the
/// worker starts and never takes a task.
pub(super) fn host_form(spec: &Spec, _: &Given) -> Vec<Finding> {
    let host = &spec.redis_host;
    let address = host.parse::<IpAddr>().is_ok();
    let fits = address
        || host.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        });
    when(!host.is_empty() && !fits, || {
        error("redis_host")
            .message("`redis_host` must be a bare host name or address, without scheme, port, user, slash or space")
            .help("Write only the host, such as 10.0.0.3; port and password have variables of their own.")
            .conceal()
    })
}

/// P-42: the VM's Redis is a single machine without failover.
pub(super) fn on_the_vm(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.enable_redis && spec.redis_host.is_empty() && spec.enable_nfs, || {
        note("redis_host")
            .with(&["enable_nfs"])
            .message("Redis runs on the NFS VM: one machine, no failover")
            .help("For production, set `redis_host` to a Memorystore instance of your own (not a cluster).")
    })
}

/// P-32: a NetworkPolicy opens addresses, not names.
pub(super) fn name_behind_policy(spec: &Spec, _: &Given) -> Vec<Finding> {
    let named = !spec.redis_host.is_empty() && spec.redis_host.parse::<IpAddr>().is_err();
    when(spec.enable_network_segmentation && named, || {
        warning("redis_host")
            .with(&["enable_network_segmentation"])
            .message("`redis_host` is a name, and network policies open addresses: the port is opened to all private addresses instead")
            .help("Write the address, or set `enable_network_segmentation` to false.")
    })
}

/// D-16: a password without a Redis it belongs to is not used.
pub(super) fn password_without_host(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(!spec.redis_auth.is_empty() && spec.redis_host.is_empty(), || {
        warning("redis_auth")
            .with(&["redis_host"])
            .message("`redis_auth` is the password of a Redis given by `redis_host`, which is empty; the VM's own gets a generated one")
            .help("Take `redis_auth` out, or set `redis_host`.")
            .conceal()
    })
}
