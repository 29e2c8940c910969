//! Backups and imports.

use super::{error, warning, when};
use crate::spec::Spec;
use crate::spec::finding::Finding;
use crate::spec::parse::Given;

/// P-16: what is not backed up cannot come back.
pub(super) fn switched_off(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.backup_schedule.is_empty(), || {
        warning("backup_schedule")
            .message("there are no backups: workflows, knowledge bases and accounts cannot be restored")
            .help("Take `backup_schedule` out to get one every night.")
    })
}

/// P-38: a window of less than a week misses what is noticed after the week-end.
pub(super) fn retention(spec: &Spec, _: &Given) -> Vec<Finding> {
    when(spec.backup_retention_days < 7, || {
        warning("backup_retention_days")
            .message(format!("backups are kept for {} day(s) only", spec.backup_retention_days))
            .help("Write 7 or more.")
    })
}

/// V-42: an import from Drive has a file. Without one, an import from a bucket takes the newest backup.
pub(super) fn import_without_file(spec: &Spec, _: &Given) -> Vec<Finding> {
    let nothing = spec.enable_backup_import && spec.backup_uri.is_empty() && spec.backup_source == "gdrive";
    when(nothing, || {
        error("backup_uri")
            .with(&["enable_backup_import", "backup_source"])
            .message("`backup_uri` is empty: which file of Google Drive is to be imported?")
            .help("Write the file's id.")
    })
}

/// P-29: the file is what the format says, and where the source says.
pub(super) fn import_mismatch(spec: &Spec, _: &Given) -> Vec<Finding> {
    if !spec.enable_backup_import || spec.backup_uri.is_empty() {
        return vec![];
    }
    let mut found = when(spec.backup_source == "gdrive" && spec.backup_uri.contains('/'), || {
        error("backup_uri")
            .with(&["backup_source"])
            .message("`backup_source` is gdrive, and `backup_uri` is no file id")
            .help("Write the id alone: the part of the file's address after /d/.")
    });
    let extensions = ["tar.gz", "tgz", "sql", "tar", "gz", "zip"];
    let name = spec.backup_uri.to_ascii_lowercase();
    let extension = extensions.into_iter().find(|extension| name.ends_with(&format!(".{extension}")));
    let same = |extension: &str| {
        let one = |text: &str| if text == "tgz" { "tar.gz".to_owned() } else { text.to_owned() };
        spec.backup_format == "auto" || one(extension) == one(&spec.backup_format)
    };
    found.extend(extension.filter(|extension| spec.backup_source == "gcs" && !same(extension)).map(
        |extension| {
            error("backup_format")
                .with(&["backup_uri"])
                .message(format!(
                    "`backup_format` is {}, and the file ends in .{extension}",
                    spec.backup_format
                ))
                .help(format!("Write {extension}, or auto."))
        },
    ));
    found
}
