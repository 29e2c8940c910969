//! The generated documents are what the code says now. `UPDATE_DOCS=1` writes them anew.

use std::path::Path;

use dify_reconciler::{config, slice::Slice, spec, state::status::Status};

fn is_current(name: &str, text: String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).expect("the document can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{name} is not current: run `UPDATE_DOCS=1 cargo test --test docs`");
}

fn json(value: &impl serde::Serialize) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).expect("a schema is JSON"))
}

#[test]
fn the_schema_of_the_spec_is_current() {
    is_current("docs/spec.schema.json", json(&spec::schema::json_schema()));
}

#[test]
fn the_schema_of_the_status_is_current() {
    is_current("docs/status.schema.json", json(&schemars::schema_for!(Status)));
}

#[test]
fn the_table_of_the_environment_is_current() {
    is_current("docs/configuration.md", format!("# The service's environment\n\n{}", config::table()));
}

#[test]
fn every_room_and_document_that_the_readme_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("there is a README");
    let links = readme.split("](docs/").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links {
        assert!(root.join("docs").join(link).exists(), "docs/{link} is not there");
    }
    let rooms = [
        "cli",
        "http",
        "spec",
        "events",
        "handlers",
        "converge",
        "backup",
        "resources",
        "plan",
        "state",
        "cloud",
        "embedded",
    ];
    for room in rooms {
        assert!(root.join("src").join(room).is_dir() && readme.contains(&format!("  {room}/")), "{room}");
    }
}

#[test]
fn every_slice_that_can_be_converged_has_a_variable() {
    for slice in Slice::ALL {
        assert!(spec::VARIABLES.iter().any(|variable| variable.slice == slice), "{}", slice.name());
    }
}
