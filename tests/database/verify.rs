//! The proof after the migration: the schema's revision is the one that the image expects.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::fixture::World;
use crate::job::{Container, Said};

/// Where the kubelet reads the last words of a container, which is not here to be written.
const LAST_WORDS: &str = "/dev/termination-log";

const OLD: &str = "6b5f9f8b1a2c";
const NEW: &str = "0ab1c2d3e4f5";

/// Runs the proof with a `flask` that says these; what was said, and the last words.
fn prove(current: &str, heads: &str) -> (Said, String) {
    let folder = tempfile::tempdir().expect("a directory");
    fs::write(folder.path().join("current"), current).expect("an answer");
    fs::write(folder.path().join("heads"), heads).expect("an answer");
    let flask = "#!/bin/sh\n\
                 echo 'INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.' >&2\n\
                 [ \"$1\" = db ] && cat \"$(dirname \"$0\")/$2\"\n";
    program(folder.path(), flask);
    run(folder.path())
}

fn program(folder: &Path, flask: &str) {
    let path = folder.join("flask");
    fs::write(&path, flask).expect("a program");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
}

fn run(folder: &Path) -> (Said, String) {
    let mut container = Container::of(&World::default_set(), "migrate", "verify");
    let log = folder.join("last-words");
    let script = container.script().to_owned();
    assert!(script.contains(LAST_WORDS), "{script}");
    *container.command.last_mut().expect("a script") = script.replace(LAST_WORDS, &log.to_string_lossy());
    let said = container.run(&[folder], &[]);
    (said, fs::read_to_string(&log).unwrap_or_default())
}

#[test]
fn a_schema_at_the_images_head_is_proven() {
    let (said, last_words) = prove(&format!("{NEW} (head)\n"), &format!("{NEW} (head)\n"));
    said.good();
    assert!(last_words.contains(&format!("the schema is at {NEW}")), "{last_words}");
}

#[test]
fn lines_of_a_log_in_between_do_not_count() {
    let noise = "2026-11-23 10:00:00,000 INFO [app.py:55] loading\nPreparing\n";
    let (said, last_words) = prove(&format!("{noise}{NEW} (head)\n"), &format!("{noise}{NEW} (head)\n"));
    said.good();
    assert!(last_words.contains(NEW), "{last_words}");
}

#[test]
fn another_revision_is_a_failure_that_names_both() {
    let (said, last_words) = prove(&format!("{OLD}\n"), &format!("{NEW} (head)\n"));
    assert_eq!(said.code, Some(1), "{}", said.text);
    for text in [said.text, last_words] {
        assert!(text.contains(OLD) && text.contains(NEW), "{text}");
    }
}

#[test]
fn a_schema_that_was_never_migrated_is_a_failure() {
    let (said, last_words) = prove("", &format!("{NEW} (head)\n"));
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(last_words.contains("nothing") && last_words.contains(NEW), "{last_words}");
}

#[test]
fn an_image_without_migrations_proves_nothing() {
    let (said, last_words) = prove("", "");
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(last_words.contains("the image expects nothing"), "{last_words}");
}

#[test]
fn a_flask_that_fails_is_a_failure() {
    let folder = tempfile::tempdir().expect("a directory");
    program(folder.path(), "#!/bin/sh\necho 'no database' >&2\nexit 3\n");
    let (said, _) = run(folder.path());
    assert!(said.bad().contains("no database"));
}
