//! The manifest: what a backup consists of, when each part was read, and how to tell that it is whole.

use serde_json::{Value, json};

use crate::resources::kubernetes::images;
use crate::resources::{Context, Wait, facts, mirror};

use super::shelf::{BEGUN, made, size};
use super::{Kept, Part, Slot, before};

/// Facts of a part that its Job writes down beside checksum and size.
const FACTS: [&str; 9] =
    ["began", "ended", "tables", "rows", "counts_md5", "extensions", "schema", "server_version", "objects"];

/// The first object: it says what is begun, and what for when it is not for its own sake. Its own time is the moment.
pub fn begun(context: &Context<'_>, slot: Slot, purpose: Option<String>) -> Value {
    let mut made = json!({"version": 1, "deployment": context.names.deployment, "slot": slot.to_string()});
    if let Some(purpose) = purpose {
        made["purpose"] = purpose.into();
    }
    made
}

/// The last object, once every part is there whole.
///
/// # Errors
/// Which part is not there, or not as long as its Job says it wrote.
pub fn complete(context: &Context<'_>, slot: Slot, kept: &Kept<'_>) -> Result<Value, Wait> {
    let parts = Part::of(context.spec).into_iter().map(|part| part_of(context, slot, kept, part));
    let parts: Vec<Value> = parts.collect::<Result<_, _>>()?;
    let wanted = images::api(context.spec);
    let wanted = facts::pinned(context, &wanted).unwrap_or(wanted);
    // Before a migration the data is of another version than the one that is wanted.
    let image = before::running(context).unwrap_or(&wanted);
    let moment = kept.object(BEGUN).and_then(made).map(|at| at.to_string());
    Ok(json!({
        "version": 1,
        "deployment": context.names.deployment,
        "slot": slot.to_string(),
        "moment": moment,
        "spec_generation": context.generation.to_string(),
        "application_version": mirror::source_tag(image).unwrap_or(&context.spec.application_version),
        "image": image,
        "parts": parts,
    }))
}

fn part_of(context: &Context<'_>, slot: Slot, kept: &Kept<'_>, part: Part) -> Result<Value, Wait> {
    let name = part.object();
    let missing = || Wait::dependency(format!("the backup {slot} has no whole {name} yet"));
    let object = kept.object(name).ok_or_else(missing)?;
    let fact = |fact: &str| kept.fact(part, fact);
    let (sha256, bytes) = (fact("sha256").ok_or_else(missing)?, fact("bytes").ok_or_else(missing)?);
    if size(object).map(|size| size.to_string()).as_deref() != Some(bytes) {
        let why = format!("{name} of the backup {slot} is not as long as its Job says it wrote");
        return Err(Wait::dependency(why));
    }
    let mut made = json!({
        "name": name, "bytes": bytes, "sha256": sha256,
        "crc32c": object.get("crc32c"), "md5": object.get("md5Hash"), "generation": object.get("generation"),
    });
    if let Some(bucket) = part.bucket() {
        made["copies"] = copies(context, slot, bucket).into();
    }
    for name in FACTS {
        if let Some(value) = fact(name) {
            made[name] = value.into();
        }
    }
    Ok(made)
}

/// Where a bucket's objects are copied to, in the backup bucket.
pub fn copies(context: &Context<'_>, slot: Slot, bucket: &str) -> String {
    format!("copies/{}/{slot}/{bucket}", context.names.deployment)
}
