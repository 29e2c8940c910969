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

const BEGIN: &str = "<!-- variables:begin -->\n";
const END: &str = "<!-- variables:end -->";

#[test]
fn the_readme_holds_the_index_of_variables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).expect("there is a README");
    let (before, rest) = readme.split_once(BEGIN).expect("the README has a place for the index");
    let (_, after) = rest.split_once(END).expect("the place ends");
    is_current("README.md", format!("{before}{BEGIN}{}{END}{after}", spec::index::compact()));
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

/// The variants of an enumeration with what its documentation says of them, as rows.
fn rows<T: schemars::JsonSchema>() -> String {
    let schema = serde_json::to_value(schemars::schema_for!(T)).expect("a schema is JSON");
    let variants = schema["oneOf"].as_array().expect("every variant is documented");
    let row = |variant: &serde_json::Value| {
        let text = |field: &str| variant[field].as_str().unwrap_or_default().replace('\n', " ");
        assert!(!text("description").is_empty(), "{variant}");
        format!("| `{}` | {} |\n", text("const"), text("description"))
    };
    variants.iter().map(row).collect()
}

#[test]
fn the_table_of_conditions_is_current() {
    let kinds = rows::<dify_reconciler::condition::ConditionType>();
    let reasons = rows::<dify_reconciler::condition::Reason>();
    let slices = rows::<Slice>();
    is_current(
        "docs/conditions.md",
        format!(
            "# Conditions\n\nEach slice of a deployment has one condition in the status document.\n\n\
             | type | means |\n|---|---|\n{kinds}\n\
             | reason of a condition or a finding | means |\n|---|---|\n{reasons}\n\
             | slice | is |\n|---|---|\n{slices}"
        ),
    );
}

/// What each handler says of itself at its top.
#[test]
fn the_table_of_events_is_current() {
    let mut text = String::from(
        "# Events\n\nWhat each event sets in motion, as its handler says at its top. Samples and schemas are in `events/`.\n\n\
         | event | in a word | reads | plans | writes |\n|---|---|---|---|---|\n",
    );
    for stem in dify_reconciler::events::STEMS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/handlers/{stem}.rs"));
        let source = std::fs::read_to_string(path).expect("every event has a handler");
        let header: Vec<&str> =
            source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
        let word = header.split(|line| line.is_empty()).next().unwrap_or_default().join(" ");
        let cell = |name: &str| {
            let row = header.iter().find_map(|line| line.strip_prefix(&format!("| {name} |")));
            row.unwrap_or_else(|| panic!("{stem} lacks {name}")).trim_end_matches('|').trim()
        };
        let (reads, plans, writes) = (cell("Reads"), cell("Plans"), cell("Writes"));
        text.push_str(&format!("| `{stem}` | {word} | {reads} | {plans} | {writes} |\n"));
    }
    is_current("docs/events.md", text);
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
        "images",
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
