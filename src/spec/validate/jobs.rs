//! Jobs: what they run, when, and after which others.

use std::collections::{BTreeMap, BTreeSet};

use super::{cron, error, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::names::nearest;
use crate::spec::parse::Given;

/// V-16: a job can mount only a share that exists.
pub(super) fn share_without_server(spec: &Spec, _: &Given) -> Vec<Finding> {
    if spec.enable_nfs || !spec.nfs_instance_name.is_empty() {
        return vec![];
    }
    let jobs = spec.initialization_jobs.iter().map(|job| job.mount_nfs);
    let cron_jobs = spec.cron_jobs.iter().map(|job| job.mount_nfs);
    let jobs =
        jobs.enumerate().map(|(index, mount)| (format!("initialization_jobs[{index}].mount_nfs"), mount));
    let cron_jobs =
        cron_jobs.enumerate().map(|(index, mount)| (format!("cron_jobs[{index}].mount_nfs"), mount));
    jobs.chain(cron_jobs)
        .filter(|(_, mount)| *mount == Some(true))
        .map(|(path, _)| {
            error(path)
                .with(&["enable_nfs"])
                .message("the job mounts the NFS share, and `enable_nfs` is false")
                .help("Set `enable_nfs` to true, or take `mount_nfs` out.")
        })
        .collect()
}

/// V-45: a job without a command would run the application and never end.
pub(super) fn nothing_to_run(spec: &Spec, _: &Given) -> Vec<Finding> {
    let empty = |list: &Option<Vec<String>>| list.as_ref().is_none_or(Vec::is_empty);
    let no_script = |script: &Option<String>| script.as_ref().is_none_or(String::is_empty);
    let mut found = vec![];
    for (index, job) in spec.initialization_jobs.iter().enumerate() {
        if empty(&job.command) && empty(&job.args) && no_script(&job.script_path) {
            found.push(nothing(format!("initialization_jobs[{index}].name"), &job.name));
        }
    }
    for (index, job) in spec.cron_jobs.iter().enumerate() {
        if job.image.is_none() && empty(&job.command) && empty(&job.args) && no_script(&job.script_path) {
            found.push(nothing(format!("cron_jobs[{index}].name"), &job.name));
        }
    }
    found
}

fn nothing(path: String, name: &str) -> Finding {
    error(path)
        .message(format!("job \"{name}\" has nothing to run"))
        .help("Give it a `command`, `args` or a `script_path`.")
}

/// D-30: jobs wait only for jobs there are, and not for each other in a ring.
pub(super) fn dependencies(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut waits: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for job in &spec.initialization_jobs {
        let on = job.depends_on_jobs.iter().flatten().map(String::as_str).collect();
        waits.insert(&job.name, on);
    }
    let mut found = vec![];
    for (index, job) in spec.initialization_jobs.iter().enumerate() {
        for (place, other) in job.depends_on_jobs.iter().flatten().enumerate() {
            let path = format!("initialization_jobs[{index}].depends_on_jobs[{place}]");
            if other != BUILT_IN && !waits.contains_key(other.as_str()) {
                let near = nearest(other, waits.keys().copied().filter(|name| *name != job.name));
                found.push(
                    error(path)
                        .message(format!("job \"{}\" waits for \"{other}\", which there is not", job.name))
                        .help(near.map_or_else(
                            || "Name one of `initialization_jobs`.".into(),
                            |near| format!("Did you mean \"{near}\"?"),
                        )),
                );
            }
        }
        if reaches(&waits, &job.name, &job.name) {
            found.push(
                error(format!("initialization_jobs[{index}].depends_on_jobs"))
                    .message(format!("job \"{}\" waits for itself, directly or by way of others", job.name))
                    .help("Take one of the dependencies out."),
            );
        }
    }
    found
}

/// The job that makes role and databases always runs first, so waiting for it is harmless.
const BUILT_IN: &str = "db-init";

/// Whether following dependencies leads from one job to another.
fn reaches(waits: &BTreeMap<&str, Vec<&str>>, from: &str, to: &str) -> bool {
    let mut open: Vec<&str> = waits.get(from).cloned().unwrap_or_default();
    let mut seen = BTreeSet::new();
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            open.extend(waits.get(next).into_iter().flatten());
        }
    }
    false
}

/// D-31: what a job or service mounts is a volume of the deployment.
pub(super) fn unknown_volumes(spec: &Spec, _: &Given) -> Vec<Finding> {
    let known: Vec<&str> = spec.gcs_volumes.iter().map(|volume| volume.name.as_str()).collect();
    let mut mounts = vec![];
    for (index, job) in spec.initialization_jobs.iter().enumerate() {
        let names = job.mount_gcs_volumes.iter().flatten().enumerate();
        mounts.extend(
            names.map(|(at, name)| (format!("initialization_jobs[{index}].mount_gcs_volumes[{at}]"), name)),
        );
    }
    for (index, job) in spec.cron_jobs.iter().enumerate() {
        let names = job.mount_gcs_volumes.iter().flatten().enumerate();
        mounts.extend(names.map(|(at, name)| (format!("cron_jobs[{index}].mount_gcs_volumes[{at}]"), name)));
    }
    for (index, service) in spec.additional_services.iter().enumerate() {
        let volumes = service.volume_mounts.iter().flatten().enumerate();
        let others = volumes.filter(|(_, mount)| mount.name != spec.nfs_volume_name);
        mounts.extend(others.map(|(at, mount)| {
            (format!("additional_services[{index}].volume_mounts[{at}].name"), &mount.name)
        }));
    }
    mounts
        .into_iter()
        .filter(|(_, name)| !known.contains(&name.as_str()))
        .map(|(path, name)| {
            error(path)
                .with(&["gcs_volumes"])
                .message(format!("there is no volume \"{name}\""))
                .help("Name one of `gcs_volumes` (or, in a service, `nfs_volume_name`).")
        })
        .collect()
}

/// V-41: schedules are five fields, and backups are kept for a sane time.
pub(super) fn schedules(spec: &Spec, _: &Given) -> Vec<Finding> {
    let mut found = super::single::ranges("V-41", spec);
    let backup = ("backup_schedule".to_owned(), spec.backup_schedule.as_str());
    let backup = Some(backup).filter(|(_, schedule)| !schedule.is_empty());
    let jobs = spec.cron_jobs.iter().enumerate();
    let jobs = jobs.map(|(index, job)| (format!("cron_jobs[{index}].schedule"), job.schedule.as_str()));
    found.extend(backup.into_iter().chain(jobs).filter_map(|(path, schedule)| {
        let fault = cron::fault(schedule)?;
        Some(
            error(path.clone())
                .message(format!("`{path}` is no cron expression: {fault}"))
                .help("Write minute, hour, day of month, month and day of week, in UTC: \"0 2 * * *\" is every day at two."),
        )
    }));
    found
}

/// D-32: a list of jobs that leaves the built-in one out keeps it: it always runs first.
pub(super) fn replaces_built_in(spec: &Spec, _: &Given) -> Vec<Finding> {
    let own = spec.initialization_jobs.iter().position(|job| job.name == BUILT_IN);
    when(own.is_some(), || {
        warning(format!("initialization_jobs[{}].name", own.unwrap_or_default()))
            .message("a job named db-init does not replace the built-in one, which makes role and databases")
            .help("Give the job another name; it runs after the built-in one.")
    })
}
