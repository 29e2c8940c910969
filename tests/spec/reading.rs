//! What is read, and how it is taken.

use dify_reconciler::spec::types::IntOrPercent;
use dify_reconciler::spec::{Reading, findings, read};

fn taken(file_name: &str, text: &str) -> Reading {
    read(file_name, text).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn the_three_notations_say_the_same() {
    let yaml = taken(
        "a.yml",
        "project_id: my-project\nredis_port: 6380\nresource_labels: {env: dev}\ncron_jobs: []\n",
    );
    let json = taken(
        "a.tfvars.json",
        "{\"project_id\": \"my-project\", \"redis_port\": \"6380\", \"resource_labels\": {\"env\": \"dev\"}, \"cron_jobs\": []}",
    );
    let tfvars = taken(
        "a.tfvars",
        "project_id = \"my-project\"\nredis_port = 6380\nresource_labels = { env = \"dev\" }\ncron_jobs = []\n",
    );
    assert_eq!(yaml.spec, json.spec);
    assert_eq!(yaml.spec, tfvars.spec);
    assert_eq!(yaml.given, tfvars.given);
    assert_eq!(yaml.spec.digest(), json.spec.digest());
}

#[test]
fn numbers_and_text_are_taken_for_each_other_where_that_is_harmless() {
    let reading = taken(
        "a.yaml",
        "project_id: my-project\napplication_version: \"1.17.0\"\nredis_port: 6379\npdb_min_available: \"2\"\nquota_max_pods: 40\n\
         max_instance_count: \"4\"\nenvironment_variables: {A: 1.10, B: yes, C: 012, D: true}\n",
    );
    let spec = reading.spec;
    assert_eq!(
        (spec.redis_port.as_str(), spec.quota_max_pods.as_str(), spec.max_instance_count),
        ("6379", "40", 4)
    );
    assert_eq!(spec.pdb_min_available, IntOrPercent::Int(2));
    let values: Vec<_> = spec.environment_variables.values().map(String::as_str).collect();
    assert_eq!(values, ["1.10", "yes", "012", "true"]);
}

#[test]
fn null_is_left_out() {
    let reading =
        taken("a.yaml", "project_id: my-project\nnamespace_name: null\nworkload_type: ~\nregion:\n");
    assert_eq!(reading.spec.region, "us-central1");
    assert_eq!(reading.given.into_iter().collect::<Vec<_>>(), ["project_id"]);
}

#[test]
fn other_names_are_taken_and_remembered() {
    let reading = taken("a.yaml", "project_id: my-project\ntenant_id: acme\nbackup_file: a.sql\n");
    assert_eq!(reading.spec.tenant_deployment_id, "acme");
    assert_eq!(reading.aliases.get("backup_file").map(String::as_str), Some("backup_uri"));
    assert!(reading.given.contains("tenant_deployment_id"));
}

#[test]
fn a_finding_under_another_name_points_at_what_was_written() {
    let report = read("a.yaml", "project_id: my-project\ntenant_id: ACME\n").unwrap_err();
    let span = report.errors().next().unwrap().span.unwrap();
    assert_eq!((span.line, span.column), (2, 12));
}

#[test]
fn nested_values_know_where_they_stand() {
    let text = "project_id: my-project\ncron_jobs:\n  - {name: a, schedule: '0 1 * * *', command: [x]}\n  - name: b\n    command: [x]\n    schedule: never\n";
    let report = read("a.yaml", text).unwrap_err();
    let finding = report.errors().next().unwrap();
    let span = finding.span.unwrap();
    assert_eq!((finding.path.as_str(), span.line, span.column), ("cron_jobs[1].schedule", 6, 15));
    assert_eq!(&text[span.offset..span.offset + span.length], "never");
}

#[test]
fn what_is_not_made_yet_is_said_aloud() {
    let reading =
        taken("a.yaml", "project_id: my-project\nenable_auto_password_rotation: true\nbackup_source: gcs\n");
    let found = findings::not_converged(&reading);
    // The variable that was set to its default is not worth a word.
    let expected = usize::from(found.iter().any(|finding| finding.path == "enable_auto_password_rotation"));
    assert_eq!(found.len(), expected, "{found:?}");
    assert!(found.iter().all(|finding| finding.rule == "NotConverged" && finding.span.is_some()));
    assert!(found.iter().all(|finding| reading.findings.contains(finding)));
}

#[test]
fn what_cannot_be_a_spec_is_refused_at_once() {
    let large = format!("project_id: my-project\ndescription: \"{}\"\n", "x".repeat(1024 * 1024));
    assert!(read("a.yaml", &large).unwrap_err().to_string().contains("limit"));
    assert!(read("a.txt", "project_id: x\n").unwrap_err().to_string().contains("a.txt"));
    assert!(read("a.yaml", "- a\n- b\n").unwrap_err().to_string().contains("a list"));
    assert!(read("a.yaml", "").unwrap_err().to_string().contains("`project_id` is missing"));
}

#[test]
fn a_large_file_of_nonsense_is_refused_quickly() {
    let begun = std::time::Instant::now();
    for text in [
        "zzzzz: 1\n".repeat(20_000),
        (0..20_000).map(|number| format!("a{number}: 1\n")).collect(),
        "a = [\n".repeat(20_000),
    ] {
        let report = read("a.yaml", &text).unwrap_err();
        assert!(report.findings.len() <= 201);
        dify_reconciler::spec::report::render(&report.findings, "a.yaml", &text, false);
    }
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

mod arbitrary_text {
    use super::read;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), name in prop::sample::select(vec!["a.yaml", "a.json", "a.tfvars"])) {
            if let Err(report) = read(name, &text) {
                dify_reconciler::spec::report::render(&report.findings, name, &text, false);
                dify_reconciler::spec::report::render(&report.findings, name, &text, true);
            }
        }

        #[test]
        fn places_lie_in_the_text(lines in prop::collection::vec("[a-z_]{1,12}(: | = )[\\[{\"a-z0-9ü*&!]{0,8}", 0..6)) {
            let text = lines.join("\n");
            for name in ["a.yaml", "a.tfvars"] {
                if let Err(report) = read(name, &text) {
                    for span in report.findings.iter().filter_map(|finding| finding.span) {
                        prop_assert!(text.get(span.offset..span.offset + span.length).is_some());
                    }
                }
            }
        }
    }
}
