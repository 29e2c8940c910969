//! An image was pushed: a tag may stand for another digest now.
//!
//! | | |
//! |---|---|
//! | Reads | the live spec; the digests in the registry |
//! | Plans | what the spec's image policy makes of a new digest: nothing, a plan to be approved, or a rollout |
//! | Writes | images, jobs, workloads, and the backup before a migration |

use super::{Motion, on_concerned};
use crate::converge::Hint;
use crate::events::ImagePushed;
use crate::events::image_pushed::Action;
use crate::resources::google::repository::DEPLOYED_TAG;
use crate::slice::Slice;

/// The slices that this handler may write.
pub const WRITES: &[Slice] = &[Slice::Images, Slice::Migration, Slice::Workload, Slice::Backup];

/// Converges every deployment when a tag moved, or when a copy that may be running went. Another image that went is
/// still run by its digest or from its copy, and copies that are made ring for nothing.
pub fn motion(event: &ImagePushed) -> Motion {
    let is_copy = event.tag.as_ref().is_some_and(|tag| tag.starts_with(DEPLOYED_TAG));
    match event.action {
        Action::Delete if !is_copy => return Motion::Nothing("an image went"),
        Action::Insert if is_copy => return Motion::Nothing("it is a copy that was made here"),
        Action::Insert if event.tag.is_none() => return Motion::Nothing("no tag was moved"),
        Action::Delete | Action::Insert => {}
    }
    let cause = if event.action == Action::Insert { "gcr INSERT" } else { "gcr DELETE" };
    let hint = Hint::Image { image: event.image.clone() };
    on_concerned(hint, cause, WRITES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rings(action: Action, tag: Option<&str>) -> bool {
        let (image, digest) = ("h/p/r/docker.io/a/b".to_owned(), Some("sha256:0".to_owned()));
        let event = ImagePushed { action, image, digest, tag: tag.map(str::to_owned) };
        matches!(motion(&event), Motion::ConvergeConcerned(_))
    }

    #[test]
    fn a_tag_that_moved_rings_and_what_was_pushed_here_does_not() {
        assert!(rings(Action::Insert, Some("1.17.1")));
        assert!(!rings(Action::Insert, Some("deployed-1.17.1-0a1b2c3d4e5f")), "our own copy");
        assert!(!rings(Action::Insert, None), "a part of one, or an image that nobody can follow");
    }

    #[test]
    fn a_copy_that_went_rings_and_any_other_image_does_not() {
        assert!(rings(Action::Delete, Some("deployed-1.17.1-0a1b2c3d4e5f")));
        assert!(!rings(Action::Delete, Some("1.16.0")));
    }
}
