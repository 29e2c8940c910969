//! Parts of images that are being copied: blobs, and manifests that an index lists.
//!
//! They are declared where their images are (`docker_image.rs`), only as long as they are missing, and seen by asking
//! the registry for each. No API of Google's knows them, so there is nothing to read or to write here.

use super::descriptor::{Descriptor, READ_ONLY};

/// The registry's own protocol has what there is to do with them.
pub const DESCRIPTOR: Descriptor = READ_ONLY;
