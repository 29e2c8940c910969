//! The project itself. Identity: `projects/<id>`. It is never written; nothing is compared.

use super::Kind;
use super::descriptor::{Descriptor, READ_ONLY};

/// Cloud Resource Manager v3.
pub const DESCRIPTOR: Descriptor = Descriptor {
    host: "cloudresourcemanager.googleapis.com",
    base: "v3",
    get: "cloudresourcemanager.projects.get",
    ..READ_ONLY
};

/// The kind to which nothing can be done.
pub const KIND: Kind = Kind::Project;
