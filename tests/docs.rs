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

/// A status in which there is one of everything to tell.
fn eventful() -> Status {
    use dify_reconciler::condition::{Condition, ConditionType, Reason};
    use dify_reconciler::state::status::{About, ApprovalWanted, Happened};
    let happened = |second: i64, about, cause: &str, what: &str| Happened {
        at: jiff::Timestamp::from_second(1_790_000_000 + second).expect("a time"),
        generation: 1_790_847_000_120_450,
        cause: cause.into(),
        what: what.into(),
        about,
    };
    let image = format!("langgenius/dify-api:1.17.1@sha256:{}", "7f".repeat(32));
    let why = "Deployment appdifydemo0a1b2c3d waits: 1 of 3 pods are ready".to_owned();
    let hash = "5b".repeat(32);
    Status {
        deployment: "prod".into(),
        spec: dify_reconciler::state::status::SpecRef {
            generation: 1_790_847_000_120_450,
            ..Default::default()
        },
        observed_at: Some(jiff::Timestamp::from_second(1_790_000_009).expect("a time")),
        conditions: vec![Condition {
            slice: Slice::Workload,
            kind: ConditionType::Reconciling,
            reason: Reason::Waiting,
            message: why,
        }],
        approval: Some(ApprovalWanted {
            hash,
            steps: vec!["- Bucket appdifydemo0a1b2c3d-storage".into()],
            generation: None,
        }),
        history: vec![
            happened(4, None, "gcr INSERT", "converged"),
            happened(3, Some(About::Backup), "backup due", "backup 20261001T020000Z is complete"),
            happened(
                2,
                Some(About::Rotation),
                "SECRET_ROTATE",
                "the database password was replaced: b logs in with version 2",
            ),
            happened(1, Some(About::Rollout), "gcr INSERT", &format!("the rollout of {image} began")),
        ],
        ..Status::default()
    }
}

/// What a receiver is written against: one of each kind, as it is sent, and the schema of what is in it.
#[test]
fn the_samples_and_schemas_of_notices_are_current() {
    use dify_reconciler::notify::{self, data};
    let now = jiff::Timestamp::from_second(1_790_000_010).expect("a time");
    let notices = notify::news(None, &eventful(), now).notices;
    let index = std::fs::read_to_string("docs/notices/README.md").expect("there is an index");
    assert_eq!(notices.len(), 6);
    for notice in &notices {
        let event = notice.cloud_event().expect("a CloudEvent");
        assert_eq!(event["type"], format!("dify.reconciler.{}", notice.kind()));
        assert!(index.contains(&format!("| `dify.reconciler.{}` |", notice.kind())), "{}", notice.kind());
        is_current(&format!("docs/notices/{}.json", notice.kind()), json(&event));
    }
    let schemas = [
        ("condition.changed.v1", schemars::schema_for!(data::ConditionChanged)),
        ("approval.wanted.v1", schemars::schema_for!(data::ApprovalWanted)),
        ("happened.v1", schemars::schema_for!(data::Happened)),
    ];
    for (name, schema) in schemas {
        let fields = serde_json::to_value(&schema).expect("a schema is JSON")["properties"].clone();
        for notice in notices.iter().filter(|notice| schema_of(notice.kind()) == name) {
            let event = notice.cloud_event().expect("a CloudEvent");
            let sent = event["data"].as_object().expect("data");
            assert!(
                sent.keys().all(|field| fields.get(field).is_some()),
                "{name} does not say all of {sent:?}"
            );
        }
        is_current(&format!("docs/notices/{name}.schema.json"), json(&schema));
    }
}

fn schema_of(kind: &str) -> &str {
    match kind {
        "condition.changed.v1" | "approval.wanted.v1" => kind,
        _ => "happened.v1",
    }
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
