//! Under which user and with which rights containers run.

use k8s_openapi::api::core::v1::{Capabilities, PodSecurityContext, SeccompProfile, SecurityContext};

/// The user of Dify's own images, API and web (`dify`, uid and gid 1001).
pub const DIFY_UID: i64 = 1001;

/// What every pod has. Autopilot adds the profile itself; said here, it can be compared.
pub fn pod(fs_group: i64) -> PodSecurityContext {
    PodSecurityContext {
        fs_group: (fs_group > 0).then_some(fs_group),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), ..Default::default() }),
        ..Default::default()
    }
}

/// A container that needs no rights at all.
pub fn unprivileged(uid: i64, read_only_root: bool) -> SecurityContext {
    SecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(uid),
        run_as_group: Some(uid),
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(read_only_root),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
        ..Default::default()
    }
}

/// A container that starts as root and needs no more than these rights.
pub fn root_with(capabilities: &[&str]) -> SecurityContext {
    SecurityContext {
        run_as_user: Some(0),
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".into()]),
            add: Some(capabilities.iter().map(|name| (*name).to_owned()).collect()),
        }),
        ..Default::default()
    }
}

/// A container that runs as the image says, without raw sockets (Autopilot takes them anyway).
pub fn as_image() -> SecurityContext {
    SecurityContext {
        capabilities: Some(Capabilities { drop: Some(vec!["NET_RAW".into()]), add: None }),
        ..Default::default()
    }
}
