//! The rules of the house, held by reading its source.

use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a file, tests not counted.
const MOST_LINES: usize = 400;

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source file can be read");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 100, "only {} files were found", found.len());
    found
}

/// The part of a file before its tests; a file that is only tests has none.
fn product(path: &Path, text: &str) -> String {
    let tests_only = path.components().any(|part| part.as_os_str() == "tests")
        || path.file_name().is_some_and(|name| name == "tests.rs" || name == "testing.rs");
    if tests_only {
        return String::new();
    }
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text).to_owned()
}

fn inside(path: &Path, room: &str) -> bool {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR"))
        .is_ok_and(|path| path.starts_with(Path::new("src").join(room)))
}

/// Lines of code, without comments and blank lines.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//") && !line.trim().is_empty())
}

fn report(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let faults = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| format!("{} does not open with //!", path.display()));
    report(faults.collect());
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let faults = sources().into_iter().filter_map(|(path, text)| {
        let lines = product(&path, &text).lines().count();
        (lines > MOST_LINES).then(|| format!("{} has {lines} lines", path.display()))
    });
    report(faults.collect());
}

#[test]
fn nothing_outside_tests_can_panic_on_purpose() {
    const WORDS: [&str; 7] =
        [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!(", "unsafe "];
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let product = product(&path, &text);
        for (number, line) in code(&product) {
            if let Some(word) = WORDS.iter().find(|word| line.contains(*word)) {
                faults.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    report(faults);
}

#[test]
fn the_pure_rooms_do_no_io_and_know_no_time() {
    const ROOMS: [&str; 6] = ["backup", "images", "notify", "plan", "resources", "rotation"];
    const WORDS: [&str; 10] = [
        "std::fs",
        "std::env",
        "std::net",
        "std::time::SystemTime",
        "Timestamp::now",
        "Instant::now",
        "tokio::",
        "reqwest",
        "rand::",
        "crate::cloud",
    ];
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if !ROOMS.iter().any(|room| inside(&path, room)) {
            continue;
        }
        let product = product(&path, &text);
        for (number, line) in code(&product) {
            if let Some(word) = WORDS.iter().find(|word| line.contains(*word)) {
                faults.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    report(faults);
}

#[test]
fn production_code_does_not_know_the_embedded_cloud() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        // The command line starts it; nothing else may know that it is there.
        if inside(&path, "embedded") || inside(&path, "cli") || path.ends_with("src/lib.rs") {
            continue;
        }
        let product = product(&path, &text);
        for (number, line) in code(&product) {
            if line.contains("embedded::") {
                faults.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    report(faults);
}

#[test]
fn only_the_cloud_room_talks_outward() {
    const WORDS: [&str; 4] = ["reqwest::", "google_cloud_", "kube::Client", "hyper_util"];
    const ROOMS: [&str; 3] = ["cloud", "embedded", "cli"];
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if ROOMS.iter().any(|room| inside(&path, room)) {
            continue;
        }
        let product = product(&path, &text);
        for (number, line) in code(&product) {
            if let Some(word) = WORDS.iter().find(|word| line.contains(*word)) {
                faults.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    report(faults);
}
