//! What of an image is still to be copied, in the order in which it can be: blobs, then the manifests over them.

use std::collections::BTreeSet;

use crate::resources::Wait;

use super::{Content, Part, Sight, Wanted};

/// Indexes within indexes that are followed: nothing real has more than one.
const DEEPEST: usize = 4;

/// What is missing of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Blobs to be brought over, each once.
    pub blobs: Vec<Part>,
    /// Manifests that an index lists and that can be written now, because all that they refer to is there.
    pub manifests: Vec<Part>,
    /// Manifests that an index lists and that come after blobs.
    pub later: usize,
}

impl Missing {
    /// Whether only the image's own manifest is to be written, which makes the copy one.
    pub fn is_nothing(&self) -> bool {
        self.blobs.is_empty() && self.manifests.is_empty() && self.later == 0
    }

    /// What is missing, for people.
    pub fn shown(&self) -> String {
        let bytes: u64 = self.blobs.iter().map(|blob| blob.size).sum();
        let parts = self.blobs.len() + self.manifests.len() + self.later;
        format!("{parts} parts ({} MB) of it are still to be copied", bytes.div_ceil(1_000_000))
    }
}

/// What is missing of an image in its package.
///
/// # Errors
/// What the image's source has to wait for, when its manifests could not be read.
pub fn missing(sight: &Sight, wanted: &Wanted) -> Result<Missing, Wait> {
    let mut missing = Missing::default();
    let content = content(sight, &wanted.digest)?;
    descend(sight, wanted, content, &mut missing, DEEPEST)?;
    let mut met = BTreeSet::new();
    missing.blobs.retain(|blob| met.insert(blob.digest.clone()));
    Ok(missing)
}

/// Adds what is missing below a manifest; says whether nothing is.
fn descend(
    sight: &Sight,
    wanted: &Wanted,
    above: &Content,
    missing: &mut Missing,
    depth: usize,
) -> Result<bool, Wait> {
    let is_there = |part: &&Part| sight.there.contains(&wanted.part(&part.digest));
    let blobs: Vec<Part> = above.blobs.iter().filter(|part| !is_there(part)).cloned().collect();
    let mut complete = blobs.is_empty();
    missing.blobs.extend(blobs);
    // What is there has everything that it refers to: a registry takes it only then.
    for part in above.manifests.iter().filter(|part| !is_there(part)) {
        complete = false;
        if depth == 0 {
            return Err(Wait::new(crate::resources::WaitKind::User, "its indexes are too deep"));
        }
        if descend(sight, wanted, content(sight, &part.digest)?, missing, depth - 1)? {
            missing.manifests.push(part.clone());
        } else {
            missing.later += 1;
        }
    }
    Ok(complete)
}

fn content<'a>(sight: &'a Sight, digest: &str) -> Result<&'a Content, Wait> {
    match sight.content.get(digest) {
        Some(Ok(content)) => Ok(content),
        Some(Err(wait)) => Err(wait.clone()),
        None => Err(Wait::dependency(format!("the manifest {digest} has not been read yet"))),
    }
}
