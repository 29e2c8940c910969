//! What arrives: one file per event, from bytes to a typed event with its natural key.
//!
//! An event is a doorbell. Only names are taken from it: bucket, object, generation, job, time. What is true
//! is read when the work is done. To add an event: a file here with `STEM` and `recognise`, a row in
//! [`RECOGNISERS`] and [`STEMS`], a file of the same name in `handlers/`, a folder of the same name in `events/`.

pub mod audit_entry;
pub mod backup_due;
pub mod certificate_changed;
pub mod cloud_event;
pub mod envelope;
pub mod foreign;
pub mod image_built;
pub mod image_pushed;
pub mod message;
pub mod object_change;
pub mod poison;
pub mod resync_tick;
pub mod rollout_promoted;
pub mod rotation_due;
pub mod secret_changed;
mod secret_event;
pub mod spec_committed;
pub mod spec_withdrawn;

use serde_json::Value;

pub use audit_entry::AuditEntry;
pub use backup_due::BackupDue;
pub use certificate_changed::CertificateChanged;
pub use envelope::{Envelope, Headers, open};
pub use foreign::Foreign;
pub use image_built::ImageBuilt;
pub use image_pushed::ImagePushed;
pub use poison::{Flaw, Poison};
pub use resync_tick::ResyncTick;
pub use rollout_promoted::RolloutPromoted;
pub use rotation_due::RotationDue;
pub use secret_changed::SecretChanged;
pub use spec_committed::SpecCommitted;
pub use spec_withdrawn::SpecWithdrawn;

/// The stems of the events that are built: the names of their files in `events/`, here and in `handlers/`.
pub const STEMS: &[&str] = &[
    audit_entry::STEM,
    backup_due::STEM,
    certificate_changed::STEM,
    image_built::STEM,
    image_pushed::STEM,
    resync_tick::STEM,
    rollout_promoted::STEM,
    rotation_due::STEM,
    secret_changed::STEM,
    spec_committed::STEM,
    spec_withdrawn::STEM,
];

/// A typed event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An object was written, or its metadata was.
    SpecCommitted(SpecCommitted),
    /// An object was deleted, or stopped being the live version.
    SpecWithdrawn(SpecWithdrawn),
    /// A secret is due for rotation.
    RotationDue(RotationDue),
    /// A secret or one of its versions changed.
    SecretChanged(SecretChanged),
    /// A build changed its status.
    ImageBuilt(ImageBuilt),
    /// An image was pushed, tagged or deleted.
    ImagePushed(ImagePushed),
    /// Something happened to a rollout of Cloud Deploy.
    RolloutPromoted(RolloutPromoted),
    /// A backup, or the trial of one, is due.
    BackupDue(BackupDue),
    /// It is time to look at every deployment.
    ResyncTick(ResyncTick),
    /// Somebody did something to a resource, and the audit log has it.
    AuditEntry(AuditEntry),
    /// A certificate came, went, or has another state.
    CertificateChanged(CertificateChanged),
    /// A well-formed event of a type that means nothing to us.
    Foreign(Foreign),
}

/// What one kind of event makes of an envelope: `None` when it is another kind's.
type Recognise = fn(&Envelope) -> Option<Result<Event, Poison>>;

/// Who is asked, in this order.
const RECOGNISERS: &[Recognise] = &[
    spec_committed::recognise,
    spec_withdrawn::recognise,
    rotation_due::recognise,
    secret_changed::recognise,
    image_built::recognise,
    rollout_promoted::recognise,
    backup_due::recognise,
    resync_tick::recognise,
    image_pushed::recognise,
    audit_entry::recognise,
    certificate_changed::recognise,
];

/// Makes a typed event of an envelope.
///
/// # Errors
/// [`Poison`] when it claims to be an event that it is not.
pub fn decode(envelope: &Envelope) -> Result<Event, Poison> {
    let recognised = RECOGNISERS.iter().find_map(|recognise| recognise(envelope));
    recognised.unwrap_or_else(|| Ok(Event::Foreign(foreign::of(envelope))))
}

impl Event {
    /// The event's stem, which also names it in metrics and logs.
    pub fn stem(&self) -> &'static str {
        match self {
            Event::SpecCommitted(_) => spec_committed::STEM,
            Event::SpecWithdrawn(_) => spec_withdrawn::STEM,
            Event::RotationDue(_) => rotation_due::STEM,
            Event::SecretChanged(_) => secret_changed::STEM,
            Event::ImageBuilt(_) => image_built::STEM,
            Event::ImagePushed(_) => image_pushed::STEM,
            Event::RolloutPromoted(_) => rollout_promoted::STEM,
            Event::BackupDue(_) => backup_due::STEM,
            Event::ResyncTick(_) => resync_tick::STEM,
            Event::AuditEntry(_) => audit_entry::STEM,
            Event::CertificateChanged(_) => certificate_changed::STEM,
            Event::Foreign(_) => "foreign",
        }
    }

    /// What tells it from every other event, and makes it equal to its own duplicates, over whichever
    /// channel they come.
    pub fn key(&self) -> String {
        match self {
            Event::SpecCommitted(event) => event.0.key(),
            Event::SpecWithdrawn(event) => event.0.key(),
            Event::RotationDue(event) => event.key(),
            Event::SecretChanged(event) => event.key(),
            Event::ImageBuilt(event) => event.key(),
            Event::ImagePushed(event) => event.key(),
            Event::RolloutPromoted(event) => event.key(),
            Event::BackupDue(event) => event.key(),
            Event::ResyncTick(event) => event.key(),
            Event::AuditEntry(event) => event.key(),
            Event::CertificateChanged(event) => event.key(),
            Event::Foreign(event) => format!("{}/{}", event.kind, event.id),
        }
    }

    /// The event as JSON, as the samples in `events/` have it.
    pub fn to_json(&self) -> Value {
        let fields = match self {
            Event::SpecCommitted(event) => serde_json::to_value(event),
            Event::SpecWithdrawn(event) => serde_json::to_value(event),
            Event::RotationDue(event) => serde_json::to_value(event),
            Event::SecretChanged(event) => serde_json::to_value(event),
            Event::ImageBuilt(event) => serde_json::to_value(event),
            Event::ImagePushed(event) => serde_json::to_value(event),
            Event::RolloutPromoted(event) => serde_json::to_value(event),
            Event::BackupDue(event) => serde_json::to_value(event),
            Event::ResyncTick(event) => serde_json::to_value(event),
            Event::AuditEntry(event) => serde_json::to_value(event),
            Event::CertificateChanged(event) => serde_json::to_value(event),
            Event::Foreign(event) => serde_json::to_value(event),
        };
        fields.unwrap_or_default()
    }
}
