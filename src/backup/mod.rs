//! Backups: what is kept, what is due, what goes on. Pure: everything is recognised by looking at the backup
//! bucket and the clock of the look.
//!
//! A backup is known by its slot, the time it is for. Its objects lie under `<deployment>/<slot>/`:
//!
//! | object | means |
//! |---|---|
//! | `begun.json` | written first, once: somebody began this backup at the time the object was made |
//! | `<part>` | the content: a dump, the share as tar, the list of a bucket's copied objects |
//! | `<part>.ok` | written by the part's Job after the content is there whole; its metadata has the checksum |
//! | `manifest.json` | written last, once: the backup is complete. Without it there is no backup |
//! | `<part>.verified` | written by a trial that restored the part and found the same rows |
//!
//! Objects of Dify's buckets are copied to `copies/<deployment>/<slot>/<bucket>/`, beside and not below, so that
//! looking at the shelf never lists them. `<deployment>/restores/` and `<deployment>/imports/` have one marker
//! for each request that was answered, `<deployment>/migrations/` one for a backup that is wanted before one.

pub mod before;
pub mod due;
pub mod manifest;
pub mod retention;
pub mod schedule;
pub mod shelf;
pub mod slot;

pub use due::{Doing, Load, doing, paused};
pub use schedule::Schedule;
pub use shelf::{Kept, Shelf};
pub use slot::Slot;

use crate::resources::{Context, ResourceId, google};
use crate::spec::Spec;

/// Whether anything of a backup can be asked for by this spec.
pub fn is_concerned(spec: &Spec) -> bool {
    spec.deploy_application
}

/// The backup bucket's name.
pub fn bucket(context: &Context<'_>) -> String {
    context.names.bucket("backups")
}

/// Whether the backup bucket is there.
pub fn has_bucket(context: &Context<'_>) -> bool {
    context.seen.body(&google::bucket::id(&bucket(context))).is_some()
}

/// Where a deployment's objects begin, in the backup bucket.
pub fn prefix(context: &Context<'_>) -> String {
    format!("{}/", context.names.deployment)
}

/// The address of an object of the shelf.
pub fn object(context: &Context<'_>, name: &str) -> ResourceId {
    let bucket = bucket(context);
    ResourceId::google(google::Kind::Object, format!("b/{bucket}/o/{}{name}", prefix(context)))
}

/// Parts of a backup, in the order they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Dify's database.
    Application,
    /// The plugin daemon's database.
    Plugins,
    /// Dify's bucket, with the keys that credentials are encrypted with.
    Storage,
    /// The plugin daemon's bucket.
    PluginStorage,
    /// The NFS share.
    Share,
}

impl Part {
    /// The name of its object.
    pub fn object(self) -> &'static str {
        match self {
            Part::Application => "application.dump",
            Part::Plugins => "plugins.dump",
            Part::Storage => "storage.list",
            Part::PluginStorage => "plugin.list",
            Part::Share => "share.tar",
        }
    }

    /// Its name in names of Jobs.
    pub fn name(self) -> &'static str {
        match self {
            Part::Application => "application",
            Part::Plugins => "plugins",
            Part::Storage => "storage",
            Part::PluginStorage => "plugin",
            Part::Share => "share",
        }
    }

    /// The end of the bucket's name, for a part that is one.
    pub fn bucket(self) -> Option<&'static str> {
        match self {
            Part::Storage => Some("storage"),
            Part::PluginStorage => Some("plugin"),
            Part::Application | Part::Plugins | Part::Share => None,
        }
    }

    /// Whether it is a database.
    pub fn is_database(self) -> bool {
        matches!(self, Part::Application | Part::Plugins)
    }

    /// The parts of a deployment's backups.
    pub fn of(spec: &Spec) -> Vec<Part> {
        let mut all = vec![Part::Application, Part::Plugins, Part::Storage, Part::PluginStorage];
        all.extend(spec.enable_nfs.then_some(Part::Share));
        all
    }
}
