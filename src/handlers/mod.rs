//! What an event sets in motion: one file per event, each with its table of what it reads, plans and writes.
//! Pure: what is to be done is said here, and done by the door.

pub mod audit_entry;
pub mod backup_due;
pub mod certificate_changed;
pub mod image_built;
pub mod image_pushed;
pub mod queue;
pub mod resync_tick;
pub mod rollout_promoted;
pub mod rotation_due;
pub mod secret_changed;
pub mod spec_committed;
pub mod spec_withdrawn;
pub mod tasks;

use crate::converge::work::is_spec;
use crate::converge::{Hint, Work};
use crate::events::Event;
use crate::events::object_change::ObjectChange;
use crate::slice::Slice;

pub use tasks::Errand;

/// What an event sets in motion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Converge one deployment.
    Converge(Work),
    /// Converge every deployment; the cause for their history.
    ConvergeAll(&'static str),
    /// Converge the deployments that an event could be about.
    ConvergeConcerned(Concerned),
    /// Nothing, because it is none of our business.
    Nothing(&'static str),
    /// Nothing: the type is not known to us.
    Foreign,
}

/// Which deployments an event means, and what their work may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concerned {
    /// What the event told of.
    pub hint: Hint,
    /// The cause for their history.
    pub cause: String,
    /// The slices that the handler may write.
    pub writes: &'static [Slice],
    /// The one deployment, when the event says so.
    pub deployment: Option<String>,
}

impl Concerned {
    /// The work on the deployment of a spec object.
    pub fn work(&self, object: &str) -> Work {
        let (slices, hint) = (self.writes.to_vec(), Some(self.hint.clone()));
        Work { slices, hint, ..Work::on(object, &self.cause) }
    }
}

/// What an event sets in motion.
pub fn motion(event: &Event, spec_bucket: &str) -> Motion {
    match event {
        Event::SpecCommitted(event) => spec_committed::motion(event, spec_bucket),
        Event::SpecWithdrawn(event) => spec_withdrawn::motion(event, spec_bucket),
        Event::RotationDue(event) => rotation_due::motion(event),
        Event::SecretChanged(event) => secret_changed::motion(event),
        Event::ImageBuilt(event) => image_built::motion(event),
        Event::ImagePushed(event) => image_pushed::motion(event),
        Event::RolloutPromoted(event) => rollout_promoted::motion(event),
        Event::BackupDue(event) => backup_due::motion(event),
        Event::ResyncTick(event) => resync_tick::motion(event),
        Event::AuditEntry(event) => audit_entry::motion(event),
        Event::CertificateChanged(event) => certificate_changed::motion(event),
        Event::Foreign(_) => Motion::Foreign,
    }
}

/// Converging the deployment of a changed spec object. A bucket rings for every object it holds, and a trigger
/// cannot be told to look at names, so it is done here.
fn on_object(change: &ObjectChange, spec_bucket: &str, writes: &[Slice]) -> Motion {
    if change.bucket != spec_bucket {
        return Motion::Nothing("it is about another bucket");
    }
    if !is_spec(&change.object) {
        return Motion::Nothing("the object is no spec");
    }
    let all = writes.len() == Slice::ALL.len();
    let slices = if all { Vec::new() } else { writes.to_vec() };
    Motion::Converge(Work { slices, ..Work::on(&change.object, &change.change.cause()) })
}

/// Converging every deployment that the event could be about.
fn on_concerned(hint: Hint, cause: impl Into<String>, writes: &'static [Slice]) -> Motion {
    Motion::ConvergeConcerned(Concerned { hint, cause: cause.into(), writes, deployment: None })
}

/// A secret's id in its full name, whose project may be a number.
fn secret_id(name: &str) -> String {
    name.rsplit("/secrets/").next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::object_change::Change;

    fn change(bucket: &str, object: &str) -> ObjectChange {
        ObjectChange {
            change: Change::Finalized,
            bucket: bucket.into(),
            object: object.into(),
            generation: 1,
            metageneration: None,
        }
    }

    #[test]
    fn only_specs_of_the_spec_bucket_set_something_in_motion() {
        let motion = |bucket, object| on_object(&change(bucket, object), "specs", &Slice::ALL);
        let Motion::Converge(work) = motion("specs", "prod.yaml") else { panic!("nothing in motion") };
        assert_eq!((work.deployment.as_str(), work.slices.len()), ("prod", 0));
        assert!(matches!(motion("other", "prod.yaml"), Motion::Nothing(_)));
        assert!(matches!(motion("specs", "notes.txt"), Motion::Nothing(_)));
    }
}
