//! What Jobs leave behind: the embedded cluster lets a Job end well without running anything, and this puts into the
//! bucket what the containers of a backup's Job would have put there.

use dify_reconciler::embedded::google::Server;
use serde_json::{Value, json};

use super::Stage;

/// Checksum and size of everything that is put there.
const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const BYTES: &str = "4096";

/// Lets every Job of a backup that ended well have done what it is for, once. Says whether there was one.
pub fn settle(stage: &Stage) -> bool {
    let before = stage.google.paths("storage/b/").len();
    for job in stage.kubernetes.list("Job", "") {
        let ended =
            job["status"]["conditions"].as_array().into_iter().flatten().any(|one| one["type"] == "Complete");
        if ended && job.pointer("/metadata/labels/component") == Some(&json!("backup")) {
            leave(&stage.google, &job);
        }
    }
    stage.google.paths("storage/b/").len() != before
}

fn leave(google: &Server, job: &Value) {
    let mut env = std::collections::BTreeMap::new();
    for container in
        job.pointer("/spec/template/spec/containers").and_then(Value::as_array).into_iter().flatten()
    {
        for variable in container["env"].as_array().into_iter().flatten() {
            let text = |field: &str| variable[field].as_str().unwrap_or_default().to_owned();
            env.insert(text("name"), text("value"));
        }
    }
    let Some(bucket) = bucket(google) else { return };
    let made = job.pointer("/status/completionTime").cloned().unwrap_or_default();
    let put = |name: &str, metadata: Value| {
        let path = format!("storage/b/{bucket}/o/{name}");
        if google.get(&path).is_none() {
            google.put(
                &path,
                json!({"kind": "storage#object", "bucket": bucket, "name": name, "generation": "7",
                    "metageneration": "1", "size": BYTES, "crc32c": "AAAAAA==", "timeCreated": made,
                    "metadata": metadata}),
            );
        }
    };
    if let Some(target) = env.get("TARGET") {
        put(target, Value::Null);
        put(&format!("{target}.ok"), json!({"sha256": SHA256, "bytes": BYTES, "rows": "5", "tables": "1"}));
    } else if let Some(mark) = env.get("MARK") {
        put(mark, json!({"seconds": "42"}));
    } else if let Some(slot) = env.get("SLOT") {
        for path in google.paths(&format!("storage/b/{bucket}/o/{slot}/")) {
            google.remove(&path);
        }
    }
}

/// The deployment's backup bucket.
fn bucket(google: &Server) -> Option<String> {
    let paths = google.paths("storage/b/");
    let mut names = paths.iter().filter_map(|path| path.strip_prefix("storage/b/")?.split(['/', '#']).next());
    names.find(|name| name.ends_with("-backups")).map(str::to_owned)
}
