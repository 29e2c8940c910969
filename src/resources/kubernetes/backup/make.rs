//! A backup is made: its first object, a Job a part, its manifest; and what is left of an old one is swept away.

use crate::backup::shelf::{self, BEGUN, MANIFEST};
use crate::backup::{Kept, Part, Shelf, Slot, before, manifest};
use crate::resources::kubernetes::database::DatabaseNames;
use crate::resources::kubernetes::gates;
use crate::resources::kubernetes::scope::Scope;
use crate::resources::kubernetes::waits::Waits;
use crate::resources::{Declared, ResourceId};

use super::{Material, Work, flow, object};

const SEND: &str = include_str!("scripts/send.sh");
/// Counts what a database holds; a trial counts the same way.
pub const CENSUS: &str = include_str!("scripts/census.sh");
const DUMP: &str = include_str!("scripts/dump.sh");
const ARCHIVE: &str = include_str!("scripts/share.sh");
const PUT: &str = include_str!("scripts/put.sh");
const COPY: &str = include_str!("scripts/copy.sh");
const SWEEP: &str = include_str!("scripts/sweep.sh");

/// Attempts after the first: the database may be restarted for maintenance meanwhile.
const RETRIES: u32 = 2;

/// Everything that makes the backup of a slot.
pub fn declare(scope: &Scope<'_>, material: &Material, shelf: &Shelf<'_>, slot: Slot) -> Vec<Declared> {
    let context = scope.context;
    let first = shelf::object(context, slot, BEGUN);
    let purpose = before::purpose(context, shelf, slot);
    let begun = manifest::begun(context, slot, purpose);
    let begun = object(scope, first.clone(), Ok(begun), gates::backup(scope));
    let parts = Part::of(scope.spec());
    let jobs = parts.iter().map(|part| one(scope, slot, *part, &first).declared(scope, material));
    let jobs: Vec<Declared> = jobs.collect();
    let nothing = Kept::default();
    let kept = shelf.slots.get(&slot).unwrap_or(&nothing);
    let mut needs: Vec<ResourceId> = jobs.iter().map(|job| job.id.clone()).collect();
    needs.push(first);
    let last = shelf::object(context, slot, MANIFEST);
    let last = object(scope, last, manifest::complete(context, slot, kept), needs);
    [vec![begun], jobs, vec![last]].concat()
}

/// The addresses of the Jobs that make the backup of a slot.
pub fn jobs(scope: &Scope<'_>, slot: Slot) -> Vec<ResourceId> {
    Part::of(scope.spec()).into_iter().map(|part| Work::id(scope, &job_name(slot, part))).collect()
}

/// The Job that sweeps away what is left of a slot.
pub fn sweep(scope: &Scope<'_>, material: &Material, slot: Slot) -> Declared {
    let mut waits = Waits::default();
    let copies = manifest::copies(scope.context, slot, "");
    let variables = [
        ("COPIES", copies.trim_end_matches('/').to_owned()),
        ("SLOT", format!("{}/{slot}", scope.names().deployment)),
    ];
    let main = flow::cloud(scope, &[SWEEP], &variables, &mut waits);
    work(format!("sweep-{}", slot.lower()), main, waits).declared(scope, material)
}

/// The object of a part, in the backup bucket.
pub fn target(scope: &Scope<'_>, slot: Slot, part: Part) -> String {
    format!("{}/{slot}/{}", scope.names().deployment, part.object())
}

/// The database of a part.
pub fn database_of(scope: &Scope<'_>, part: Part) -> String {
    let names = DatabaseNames::new(scope.names(), scope.spec());
    if part == Part::Plugins { names.plugins } else { names.application }
}

/// A Job of nothing but one container.
pub fn work(name: String, main: k8s_openapi::api::core::v1::Container, waits: Waits) -> Work {
    let (other, share, needs) = (None, None, Vec::new());
    Work { name, main, other, database: false, share, needs, retries: RETRIES, waits }
}

fn job_name(slot: Slot, part: Part) -> String {
    format!("{}-{}", slot.lower(), part.name())
}

/// The Job of one part. Buckets are copied after the databases were read: an object is written before the row that
/// names it, so that whatever a dump refers to is in the copy.
fn one(scope: &Scope<'_>, slot: Slot, part: Part, first: &ResourceId) -> Work {
    let mut waits = Waits::default();
    let target = ("TARGET", target(scope, slot, part));
    let name = |part: Part| job_name(slot, part);
    let mut job = match part.bucket() {
        Some(bucket) => {
            let copies = manifest::copies(scope.context, slot, bucket);
            let variables = [target, ("SOURCE", scope.names().bucket(bucket)), ("COPIES", copies)];
            let mut job = work(name(part), flow::cloud(scope, &[COPY], &variables, &mut waits), waits);
            job.needs = [Part::Application, Part::Plugins].map(|part| Work::id(scope, &name(part))).into();
            job
        }
        None => {
            let put = flow::cloud(scope, &[PUT], &[target], &mut waits);
            let main = if part.is_database() {
                let variables = [("PGDATABASE", database_of(scope, part))];
                flow::database(scope, &[SEND, CENSUS, DUMP], &variables, &mut waits)
            } else {
                flow::share(scope, &[SEND, ARCHIVE], &mut waits)
            };
            let mut job = work(name(part), main, waits);
            job.other = Some(put);
            job.database = part.is_database();
            job.share = (part == Part::Share).then_some(true);
            job
        }
    };
    job.needs.push(first.clone());
    job
}
