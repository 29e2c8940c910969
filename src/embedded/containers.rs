//! What the containers of Jobs do to buckets, for a cluster that runs none: each Job of a backup, a trial, a restore or
//! an import leaves in Cloud Storage what its scripts would.
//!
//! What a Job is for is told by the variables that its manifest gives to its containers, never by its name. Databases
//! and shares are empty in this world: a dump has no rows, and nothing comes of loading one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::google::Files;
use super::kubernetes::{Container, Containers};

/// The checksum over the rows of a database without tables: MD5 of nothing.
const NO_ROWS_MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// Containers that work on these objects.
pub fn of(files: Files) -> Containers {
    Arc::new(move |containers, took| run(&files, containers, took))
}

fn run(files: &Files, containers: &[Container], took: Duration) -> Result<(), String> {
    let mut variables: BTreeMap<&str, &str> = BTreeMap::new();
    for container in containers {
        variables.extend(container.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    let of = |name: &str| variables.get(name).copied();
    let Some(bucket) = of("BUCKET") else { return Ok(()) };
    let work = Work { files, bucket, began: time(files), secs: took.as_secs() };
    match (of("TARGET"), of("SOURCE"), of("COPIES")) {
        (_, Some(source), _) if of("ORIGIN").is_some() => work.fetch(of("ORIGIN"), source),
        (Some(target), Some(source), Some(copies)) => work.copy(source, copies, target),
        (Some(target), _, _) => work.put(target, of("PGDATABASE")),
        (None, Some(source), Some(copies)) => work.back(source, copies),
        (None, Some(source), None) => work.get(source, of("SHA256"), of("MARK")),
        (None, None, Some(copies)) => work.sweep(copies, of("SLOT")),
        (None, None, None) => Ok(()),
    }
}

/// One Job's work.
struct Work<'a> {
    files: &'a Files,
    /// The backup bucket.
    bucket: &'a str,
    began: String,
    secs: u64,
}

impl Work<'_> {
    /// `dump.sh` or `share.sh` with `put.sh`: content, and the mark that it is whole.
    fn put(&self, target: &str, database: Option<&str>) -> Result<(), String> {
        let (content, counts) = match database {
            Some(name) => {
                let rows = [("tables", "0"), ("rows", "0"), ("counts_md5", NO_ROWS_MD5)];
                (format!("PGDMP of {name}, which is empty\n").into_bytes(), rows.to_vec())
            }
            // An archive of nothing.
            None => (vec![0; 1024], Vec::new()),
        };
        self.part(target, &content, &counts)
    }

    /// `copy.sh`: a bucket's objects, and their list.
    fn copy(&self, source: &str, copies: &str, target: &str) -> Result<(), String> {
        let below = format!("{copies}/");
        self.files.copy_all((source, ""), (self.bucket, &below))?;
        let objects = self.files.list(self.bucket, &below)?;
        let line = |object: &Value| {
            let word = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
            format!("{}\t{}\t{}\n", word("name"), word("size"), word("crc32c"))
        };
        let list: String = objects.iter().map(line).collect();
        self.part(target, list.as_bytes(), &[("objects", &objects.len().to_string())])
    }

    /// `get.sh`: what comes must be what was written; a trial leaves its mark.
    fn get(&self, source: &str, sha256: Option<&str>, mark: Option<&str>) -> Result<(), String> {
        let content = self.files.read(self.bucket, source)?;
        let (whole, wanted) = (hex::encode(Sha256::digest(&content)), sha256.unwrap_or_default());
        if whole != wanted {
            return Err(format!(
                "{source} has the checksum {whole}, and {wanted} was written: it is damaged"
            ));
        }
        let Some(mark) = mark else { return Ok(()) };
        let facts = [("seconds", self.secs.to_string().as_str()), ("rows", "0"), ("tables", "0")].map(owned);
        let said = format!("{source} was restored on trial\n");
        self.files.write(self.bucket, mark, said.as_bytes(), &facts.into())
    }

    /// `back.sh`: a bucket's objects as they were copied.
    fn back(&self, source: &str, copies: &str) -> Result<(), String> {
        self.files.copy_all((self.bucket, &format!("{copies}/")), (source, ""))
    }

    /// `sweep.sh`: what is left of a backup.
    fn sweep(&self, copies: &str, slot: Option<&str>) -> Result<(), String> {
        let slot = slot.ok_or("SLOT: unbound variable")?;
        self.files.remove_all(self.bucket, &format!("{copies}/"))?;
        self.files.remove_all(self.bucket, &format!("{slot}/"))
    }

    /// `fetch.sh`: the file is there. Drive, and buckets of somebody else, are not in this world.
    fn fetch(&self, origin: Option<&str>, source: &str) -> Result<(), String> {
        let place = match source {
            _ if origin != Some("gcs") => return Ok(()),
            "newest" => Some((self.bucket, "backups/")),
            address => address.strip_prefix("gs://").and_then(|address| address.split_once('/')),
        };
        let Some((bucket, name)) = place.filter(|(bucket, _)| self.files.has(bucket)) else { return Ok(()) };
        let found = self.files.list(bucket, name)?;
        let is_there = |object: &Value| source == "newest" || object["name"] == name;
        if found.iter().any(is_there) {
            return Ok(());
        }
        Err(format!(
            "ERROR: (gcloud.storage.cat) The following URLs matched no objects or files:\ngs://{bucket}/{name}"
        ))
    }

    fn part(&self, target: &str, content: &[u8], more: &[(&str, &str)]) -> Result<(), String> {
        self.files.write(self.bucket, target, content, &BTreeMap::new())?;
        let (sha256, bytes) = (hex::encode(Sha256::digest(content)), content.len().to_string());
        let ended = time(self.files);
        let facts = [("sha256", &*sha256), ("bytes", &*bytes), ("began", &*self.began), ("ended", &*ended)];
        let facts = facts.into_iter().chain(more.iter().copied()).map(owned).collect();
        self.files.write(
            self.bucket,
            &format!("{target}.ok"),
            format!("{target} is whole\n").as_bytes(),
            &facts,
        )
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The time as the scripts write it.
fn time(files: &Files) -> String {
    files.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
