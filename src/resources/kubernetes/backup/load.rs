//! A backup is restored, a file is imported, or a backup is tried: what comes in goes into a database.

use std::collections::BTreeSet;

use crate::backup::{self, Kept, Load, Part, Shelf, Slot, manifest};
use crate::resources::kubernetes::scope::Scope;
use crate::resources::kubernetes::waits::Waits;
use crate::resources::kubernetes::{db_init, gates, stamp, workload};
use crate::resources::{Declared, ResourceId, Wait};

use super::make::{CENSUS, database_of, target, work};
use super::{Material, Work, flow, object};

const GET: &str = include_str!("scripts/get.sh");
const FETCH: &str = include_str!("scripts/fetch.sh");
const LOAD: &str = include_str!("scripts/load.sh");
const RESTORE: &str = include_str!("scripts/restore.sh");
const TRIAL: &str = include_str!("scripts/trial.sh");
const UNPACK: &str = include_str!("scripts/unpack.sh");
const BACK: &str = include_str!("scripts/back.sh");
const FILTER: &str = include_str!("scripts/filter.awk");
const DECODE: &str = include_str!("scripts/decode.py");
const DRIVE: &str = include_str!("scripts/drive.py");

/// Restores the databases of a backup into scratch ones.
pub fn trial(scope: &Scope<'_>, material: &Material, shelf: &Shelf<'_>, slot: Slot) -> Vec<Declared> {
    let Some(kept) = shelf.slots.get(&slot) else { return Vec::new() };
    [Part::Application, Part::Plugins]
        .into_iter()
        .filter(|part| kept.verified(*part).is_none())
        .map(|part| tried(scope, kept, slot, part).declared(scope, material))
        .collect()
}

/// Everything that restores or imports, and the marker that it was done.
pub fn declare(scope: &Scope<'_>, material: &Material, shelf: &Shelf<'_>, load: &Load) -> Vec<Declared> {
    let standing = workload::with_data(scope);
    // Short, because names of Jobs are cut after 63 characters.
    let name = load.marker.replace("restores/", "r-").replace("imports/", "i-").to_ascii_lowercase();
    let mut jobs = match load.slot.and_then(|slot| Some((slot, shelf.slots.get(&slot)?))) {
        Some((slot, kept)) => restored(scope, kept, slot, &name),
        None => imports(scope, &name),
    };
    for job in &mut jobs {
        // Nobody may write while data is replaced.
        job.needs.extend(standing.iter().cloned());
        // Half a restore is none, and a second attempt finds everything as it was; a file that is wrong stays wrong.
        job.retries = if load.slot.is_some() { 1 } else { 0 };
    }
    let mut all: Vec<Declared> = jobs.into_iter().map(|job| job.declared(scope, material)).collect();
    let needs: Vec<ResourceId> = all.iter().map(|job| job.id.clone()).collect();
    let body = serde_json::json!({
        "version": 1,
        "deployment": scope.names().deployment,
        "backup": load.slot.map(|slot| slot.to_string()),
        "safety_backup": load.safety.to_string(),
    });
    let marker = backup::object(scope.context, &format!("{}.json", load.marker));
    all.push(object(scope, marker, Ok(body), needs));
    all
}

fn restored(scope: &Scope<'_>, kept: &Kept<'_>, slot: Slot, name: &str) -> Vec<Work> {
    let has = |part: &Part| kept.has(*part);
    let one = |part: Part| {
        let mut waits = Waits::default();
        let name = format!("{name}-{}", part.name());
        if let Some(bucket) = part.bucket() {
            let copies = manifest::copies(scope.context, slot, bucket);
            let variables = [("SOURCE", scope.names().bucket(bucket)), ("COPIES", copies)];
            return work(name, flow::cloud(scope, &[BACK], &variables, &mut waits), waits);
        }
        let get = flow::cloud(scope, &[GET], &source(scope, kept, slot, part, &mut waits), &mut waits);
        let main = if part.is_database() {
            let variables = [("PGDATABASE", database_of(scope, part)), ("FILTER", FILTER.to_owned())];
            flow::database(scope, &[SEND_FACTS, LOAD, RESTORE], &variables, &mut waits)
        } else {
            flow::share(scope, &[SEND_FACTS, UNPACK], &mut waits)
        };
        let mut job = work(name, main, waits);
        job.other = Some(get);
        job.database = part.is_database();
        job.share = (part == Part::Share).then_some(false);
        job
    };
    Part::of(scope.spec()).into_iter().filter(has).map(one).collect()
}

/// The end of a load tells its facts as a dump does.
const SEND_FACTS: &str = include_str!("scripts/send.sh");

fn tried(scope: &Scope<'_>, kept: &Kept<'_>, slot: Slot, part: Part) -> Work {
    let mut waits = Waits::default();
    let fact = |name: &str| kept.fact(part, name).unwrap_or_default().to_owned();
    let mut extensions = BTreeSet::new();
    if part == Part::Application {
        extensions.extend(db_init::extensions(scope.spec()));
    }
    let variables = [
        ("PGDATABASE", scratch(&database_of(scope, part))),
        ("FILTER", FILTER.to_owned()),
        ("EXTENSIONS", extensions.into_iter().collect::<Vec<_>>().join(" ")),
        ("TABLES", fact("tables")),
        ("ROWS", fact("rows")),
        ("COUNTS_MD5", fact("counts_md5")),
        ("EXTENSIONS_WERE", fact("extensions")),
    ];
    let main = flow::database(scope, &[SEND_FACTS, CENSUS, LOAD, TRIAL], &variables, &mut waits);
    let mut from = source(scope, kept, slot, part, &mut waits);
    from.push(("MARK", format!("{}.verified", target(scope, slot, part))));
    let get = flow::cloud(scope, &[GET], &from, &mut waits);
    let mut job = work(format!("trial-{}-{}", slot.lower(), part.name()), main, waits);
    job.other = Some(get);
    job.database = true;
    job
}

/// The scratch database of a database. Its name is short and begins otherwise, so that a cut can never make it that of
/// the database itself.
fn scratch(database: &str) -> String {
    format!("trial_{}", stamp::short_hash(database))
}

fn source(
    scope: &Scope<'_>,
    kept: &Kept<'_>,
    slot: Slot,
    part: Part,
    waits: &mut Waits,
) -> Vec<(&'static str, String)> {
    let missing = || Wait::dependency(format!("the backup {slot} says no checksum of {}", part.object()));
    let sha256 = kept.fact(part, "sha256").map(str::to_owned).ok_or_else(missing);
    vec![("SOURCE", target(scope, slot, part)), ("SHA256", waits.take(sha256))]
}

/// Where Drive's API is.
const DRIVE_API: &str = "https://www.googleapis.com";

/// The Jobs of an import. A file that is no archive is of Dify's own database; in an archive there may be a dump of the
/// plugin daemon's too, which is loaded when the first one was right.
fn imports(scope: &Scope<'_>, name: &str) -> Vec<Work> {
    let mut all = vec![imported(scope, name.to_owned(), Part::Application)];
    if scope.spec().backup_format != "sql" {
        let mut plugins = imported(scope, format!("{name}-{}", Part::Plugins.name()), Part::Plugins);
        plugins.needs.push(Work::id(scope, name));
        all.push(plugins);
    }
    all
}

fn imported(scope: &Scope<'_>, name: String, part: Part) -> Work {
    let mut waits = Waits::default();
    let spec = scope.spec();
    let variables = [("PGDATABASE", database_of(scope, part)), ("FILTER", FILTER.to_owned())];
    let main = flow::database(scope, &[SEND_FACTS, LOAD, RESTORE], &variables, &mut waits);
    let address = match spec.backup_uri.as_str() {
        "" => "newest".to_owned(),
        uri if spec.backup_source == "gdrive" || uri.starts_with("gs://") => uri.to_owned(),
        object => format!("gs://{}/{object}", backup::bucket(scope.context)),
    };
    let from = [
        ("ORIGIN", spec.backup_source.clone()),
        ("SOURCE", address),
        ("FORMAT", spec.backup_format.clone()),
        ("PART", part.name().to_owned()),
        ("DRIVE_API", DRIVE_API.to_owned()),
        ("DECODE", DECODE.to_owned()),
        ("DRIVE", DRIVE.to_owned()),
    ];
    let fetch = flow::cloud(scope, &[FETCH], &from, &mut waits);
    let mut job = work(name, main, waits);
    job.other = Some(fetch);
    job.database = true;
    job.needs = gates::databases(scope);
    job
}
